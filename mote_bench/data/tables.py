"""Embeddings stored as a table: CSV or Parquet, one row per picture, one column per dimension."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError
from mote_bench.data.arrays import Arrays

SUFFIXES = frozenset({".csv", ".parquet"})
_EXPECTED = "expected columns embedding_0, embedding_1, ..., and identity and attributes where known"
_DIMENSION = re.compile(r"embedding_(\d+)")
_LIST = "embedding"
_MOST_BYTES = 16 * 2**30


def read_table(path: Path) -> Arrays:
    """The columns of a table as arrays: ``embeddings`` (n, d), ``identity`` (n,) text, and every other column.

    Columns ``embedding_0`` to ``embedding_{d-1}`` are the dimensions, in whatever order they stand; a Parquet file may
    hold one column ``embedding`` of lists instead. A column of numbers stays numbers, with NaN where it is empty; any
    other one is text.

    Raises
    ------
    InputError
        When the file is missing, can't be read, or lacks a dimension.
    """
    if not path.is_file():
        raise InputError(f"no file at '{path}'; expected a CSV or Parquet file of embeddings")
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(f"'{path}' has {path.stat().st_size / 2**30:.0f} GiB; expected at most 16 GiB")
    frame = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    names = {str(name): name for name in frame.columns}
    found = {int(at[1]): name for name in names if (at := _DIMENSION.fullmatch(name))}
    if not found and _LIST not in names:
        raise InputError(f"'{path}' has no column embedding_0 (it has: {_some(names)}); {_EXPECTED}")
    if sorted(found) != list(range(len(found))):
        lacking = next(number for number in range(len(found)) if number not in found)
        raise InputError(f"'{path}' has {len(found)} columns embedding_N and lacks embedding_{lacking}; {_EXPECTED}")
    if found:
        columns = [_numbers(path, found[number], frame[found[number]]) for number in range(len(found))]
        arrays: Arrays = {"embeddings": np.stack(columns, axis=1)}
    else:
        arrays = {"embeddings": _listed(path, frame[_LIST])}
    for name in names:
        if not _DIMENSION.fullmatch(name) and name != _LIST:
            arrays[name] = _column(path, name, frame[name])
    return arrays


def _csv(path: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_csv(path, dtype={"identity": str}, encoding="utf-8-sig", low_memory=False)
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:  # pandas' own are ValueErrors
        raise InputError(f"'{path}' can't be read as a CSV table in UTF-8 ({error}); {_EXPECTED}") from None


def _parquet(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise InputError(
            f"'{path}' needs pyarrow. Install it: pip install 'mote-bench[parquet]', or save the table as CSV"
        ) from None
    try:
        return parquet.read_table(path).to_pandas()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"'{path}' can't be read as Parquet ({error}); {_EXPECTED}") from None


def _numbers(path: Path, name: str, column: Any) -> npt.NDArray[np.float32]:
    if column.dtype.kind not in "fiu":
        raise InputError(f"'{name}' in '{path}' holds {column.dtype}; expected numbers")
    return np.asarray(column.to_numpy(), np.float32)


def _listed(path: Path, column: Any) -> npt.NDArray[np.float32]:
    try:
        made = np.array([np.asarray(row, np.float32) for row in column])
    except (ValueError, TypeError):
        made = np.empty(0, np.float32)
    if made.ndim != 2:
        raise InputError(f"'{_LIST}' in '{path}' doesn't hold lists of numbers of one length; {_EXPECTED}")
    return made


def _column(path: Path, name: str, column: Any) -> npt.NDArray[Any]:
    if name == "identity":
        if column.isna().any():
            raise InputError(
                f"'identity' in '{path}' is empty in {int(column.isna().sum())} rows; expected a subject in each"
            )
        return np.array([str(one) for one in column])
    if column.dtype.kind in "fiub":
        return np.asarray(column.to_numpy())
    return np.where(column.isna(), "", column.astype(str)).astype(str)


def _some(names: Any) -> str:
    told = list(names)
    return ", ".join(told[:8]) + (", ..." if len(told) > 8 else "") or "none"
