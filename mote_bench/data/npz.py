"""A user's own embeddings: one file (npz, CSV, Parquet) with `embeddings`, `identity` and any further columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Dataset, Faces, FloatArray, InputError
from mote_bench.data.arrays import Arrays, checksum, read_npz
from mote_bench.data.columns import UNKNOWN, Bins, Labels, classes
from mote_bench.data.tables import SUFFIXES, read_table

MOST_CLASSES = 50
_NO_COLUMNS = ("embeddings", "embeddings_2", "identity", "path", "faces", "card")
SECOND = "second_"
"""Before what a file's card says of the recogniser of ``embeddings_2``."""


def load(path: Path, *, bins: Bins, attributes: Sequence[str] | None = None, name: str | None = None) -> Dataset:
    """Read and check one file.

    Parameters
    ----------
    path : Path
        An npz file with ``embeddings`` (n, d), optionally ``identity`` (n,), ``embeddings_2`` (n, d2) of the same
        images by another recogniser, and any further (n,) arrays; or a table as
        :func:`mote_bench.data.tables.read_table` takes it.
    bins : mapping of name -> edges
        Where numeric columns are cut into classes.
    attributes : sequence of str, optional
        The columns to use; by default every text column and every numeric one that has bins. A numeric column is
        inferred as a number, and as classes where it has bins.
    name : str, optional
        The label of the data on the boards; by default the file's stem.

    Raises
    ------
    InputError
        Names the array and what was expected of it.
    """
    arrays = read_table(path) if path.suffix in SUFFIXES else read_npz(path)
    embeddings = arrays.get("embeddings")
    if embeddings is None:
        raise InputError(f"'{path}' has no array 'embeddings' (it has: {', '.join(arrays) or 'none'}); expected (n, d)")
    second = arrays.get("embeddings_2")
    for key, array in (("embeddings", embeddings), ("embeddings_2", second)):
        if array is not None and array.dtype.kind not in "fiu":
            raise InputError(f"'{key}' in '{path}' holds {array.dtype}; expected real numbers, (n, d)")
    wanted = _columns(arrays) if attributes is None else _named(arrays, attributes, path)
    labels, notes = _labels(arrays, wanted, bins=bins, chosen=attributes is not None)
    values = {name: _values(name, arrays[name]) for name in wanted if _is_numeric(arrays[name]) and name not in notes}
    try:
        faces = Faces(embeddings, _identity(arrays, path), labels, values, second)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"'{path}': {error}") from None
    return Dataset(name or path.stem, faces, checksum(path), (*_origin(arrays), *notes.values()))


def _origin(arrays: Arrays) -> tuple[str, ...]:
    """How ``mote-bench embed`` made the file, as its card says."""
    try:
        about = json.loads(str(arrays["card"]))
        skipped = int(about["skipped"])
        second = "embeddings_2" in arrays and f"{SECOND}recogniser" in about
        also = f"; embeddings_2 by {_recogniser(about, SECOND)}" if second else ""
        return (f"embedded by {_recogniser(about)}{also}; {skipped} pictures were skipped",)
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()


def _recogniser(about: Mapping[str, object], prefix: str = "") -> str:
    told = [str(about[prefix + name]) for name in ("recogniser", "weights_sha256", "alignment")]
    model, weights, alignment = ("".join(c for c in text if c.isprintable())[:160] for text in told)
    return f"{model} (weights {weights[:16]}; {alignment})"


def _columns(arrays: Arrays) -> list[str]:
    return [name for name in arrays if name not in _NO_COLUMNS]


def _named(arrays: Arrays, attributes: Sequence[str], path: Path) -> list[str]:
    for name in attributes:
        if name not in _columns(arrays):
            raise InputError(f"'{path}' has no column '{name}'; it has: {', '.join(_columns(arrays)) or 'none'}")
    return list(attributes)


def _identity(arrays: Arrays, path: Path) -> Labels | None:
    identity = arrays.get("identity")
    if identity is None:
        return None
    if identity.dtype.kind not in "USiu":
        raise InputError(f"'identity' in '{path}' holds {identity.dtype}; expected a name or whole number per row")
    return identity.astype(str)


def _labels(
    arrays: Arrays, wanted: Sequence[str], *, bins: Bins, chosen: bool
) -> tuple[dict[str, Labels], dict[str, str]]:
    """The classes of each column that has any, and a note on each column that is left out."""
    labels: dict[str, Labels] = {}
    notes = {}
    for name in wanted:
        column = arrays[name]
        if column.ndim != 1 and not chosen:
            notes[name] = f"'{name}' has shape {column.shape} and is no column of labels: left out"
        elif _is_numeric(column) and name not in bins and not chosen:
            notes[name] = (
                f"'{name}' holds numbers without class edges: left out (add --bins {name}=EDGE,... to infer "
                f"classes, or --attributes {name} to infer the number)"
            )
        elif not _is_numeric(column) or name in bins:
            labels[name] = classes(name, column, bins)
            _check_classes(name, labels[name])
    return labels, notes


def _is_numeric(column: npt.NDArray[np.generic]) -> bool:
    return column.dtype.kind in "iuf"


def _values(name: str, column: npt.NDArray[np.generic]) -> FloatArray:
    values = column.astype(np.float64)
    if np.isinf(values).any():
        raise InputError(f"'{name}' holds {int(np.isinf(values).sum())} infinite numbers; expected finite ones or NaN")
    return values


def _check_classes(name: str, labels: Labels) -> None:
    found = sorted(set(labels.tolist()) - {UNKNOWN})
    if len(found) < 2:
        raise InputError(
            f"'{name}' has {len(found)} class ({', '.join(found) or 'all unknown'}); an attribute needs two or more. "
            "Name the columns to use: --attributes NAME,..."
        )
    if len(found) > MOST_CLASSES:
        raise InputError(
            f"'{name}' has {len(found)} classes ({', '.join(found[:3])}, ...); expected at most {MOST_CLASSES}. "
            "If it is no soft attribute, name the columns to use: --attributes NAME,..."
        )
    if not all(label.isprintable() and len(label) <= 64 for label in found):
        raise InputError(
            f"'{name}' has a label that isn't printable or is over 64 characters; expected short printable names"
        )
