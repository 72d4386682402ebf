"""Embeddings stored as a table: CSV or Parquet, one row per picture, one column per dimension."""

from __future__ import annotations

import bz2
import csv
import fnmatch
import gzip
import io
import lzma
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from mote_bench.basics import first_line
from mote_bench.contracts import InputError
from mote_bench.data.arrays import Arrays
from mote_bench.data.missing import MISSING
from mote_bench.data.options import ColumnOptions

PARQUET = (".parquet", ".pq", ".parq")
"""Suffixes of Parquet files, in lower case."""
_EXPECTED = "expected columns embedding_0, embedding_1, ..., and identity and attributes where known"
_DIMENSION = re.compile(r"embedding_(\d+)")
_NUMBERED = re.compile(r"(.*?)(\d+)")
_LISTS = ("embedding", "embeddings")
_INDEX = re.compile(r"__index_level_\d+__|Unnamed: \d+|")
_MOST_BYTES = 16 * 2**30
_FEWEST_DIMENSIONS = 4
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_MISSING_NUMBERS = sorted({spelling for word in MISSING for spelling in (word, word.upper(), word.title(), "NaN")})


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a table, each once, by their names without blanks around them, in the file's order."""

    path: Path
    columns: Mapping[str, Any]


def read_table(path: Path, options: ColumnOptions | None = None, *, parquet: bool | None = None) -> Arrays:
    """The columns of a table as arrays: ``embeddings`` (n, d), and every other column as it stands.

    Columns ``embedding_0`` to ``embedding_{d-1}`` are the dimensions, in whatever order they stand; one column
    ``embedding`` may hold whole embeddings instead. The columns of a CSV file are text, but for the dimensions. An
    index that pandas has stored is a column too, unless it only counts the rows.

    Parameters
    ----------
    path : Path
        A CSV file, which may be compressed, a Parquet file, or a folder of Parquet files.
    options : ColumnOptions, optional
        Names the columns of the dimensions, where they have other names.
    parquet : bool, optional
        Whether it is Parquet; by default as the path says.

    Raises
    ------
    InputError
        When the file can't be read, or lacks a dimension.
    """
    if path.is_file() and path.stat().st_size > _MOST_BYTES:
        raise InputError(f"'{path}' has {path.stat().st_size / 2**30:.0f} GiB; expected at most 16 GiB")
    options = options or ColumnOptions()
    if parquet is None:
        parquet = path.is_dir() or path.name.lower().endswith(PARQUET)
    table = _parquet(path) if parquet else _csv(path, options.embeddings)
    found = dimensions(table, options)
    columns = [table.columns[name] for name in found]
    if len(columns) > 1 or not _holds_lists(columns[0]):
        made = np.stack([_numbers(path, *one) for one in zip(found, columns, strict=True)], axis=1)
    else:
        made = _listed(path, found[0], columns[0])
    rest = {name: one.to_numpy() for name, one in table.columns.items() if name not in found}
    return {"embeddings": made, **_without_row_numbers(rest)}


def dimensions(table: Table, options: ColumnOptions) -> list[str]:
    """The columns that hold the embeddings, in the order of the dimensions.

    Raises
    ------
    InputError
        When there are none, when a dimension is missing, or when they have no order.
    """
    names, pattern = list(table.columns), options.embeddings
    if pattern is not None and not options.strict and not any(fnmatch.fnmatchcase(name, pattern) for name in names):
        pattern = None
    if pattern is None:
        pattern = "embedding_*"
        found = [name for name in names if _DIMENSION.fullmatch(name)]
        lists = [name for name in _LISTS if name in names]
        if not found and not lists:
            raise InputError(f"'{table.path}' has no column embedding_0 (it has: {_some(names)}); {_hint(table)}")
        found = found or lists[:1]
    else:
        found = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise InputError(
                f"--embedding-columns {pattern}: '{table.path}' has no such column (it has: {_some(names)})"
            )
    if len(found) == 1 and (_holds_lists(table.columns[found[0]]) or not _NUMBERED.fullmatch(found[0])):
        return found
    places = [at for name in found if (at := _NUMBERED.fullmatch(name))]
    heads = sorted({at[1] for at in places})
    if len(places) != len(found) or len(heads) > 1:
        raise InputError(
            f"the columns {pattern} of '{table.path}' are {_some(found)}; expected one word and a number each, as the "
            "numbers give the order of the dimensions"
        )
    return _in_order(table.path, {name: int(at[2]) for name, at in zip(found, places, strict=True)}, pattern)


def _in_order(path: Path, numbers: Mapping[str, int], pattern: str) -> list[str]:
    """The columns by their numbers, which begin at 0, or at 1 where the user has named them."""
    ordered = sorted(numbers, key=lambda name: numbers[name])
    twice = [number for number, count in Counter(numbers.values()).items() if count > 1]
    if twice:
        both = " and ".join(name for name in ordered if numbers[name] == twice[0])
        raise InputError(f"'{path}' has two columns of dimension {twice[0]}: {both}; expected one of each")
    first = numbers[ordered[0]]
    wanted = range(first if pattern != "embedding_*" and first < 2 else 0, numbers[ordered[-1]] + 1)
    lacking = sorted(set(wanted) - set(numbers.values()))
    if lacking and pattern == "embedding_*" and lacking == [0]:
        raise InputError(
            f"'{path}' has {len(numbers)} columns embedding_N and lacks embedding_0; if they count from 1, name them: "
            "--embedding-columns 'embedding_[1-9]*'"
        )
    if lacking:
        head = _NUMBERED.fullmatch(ordered[0])
        name = f"{head[1] if head else ''}{lacking[0]}"
        raise InputError(
            f"'{path}' has {len(numbers)} columns {pattern.replace('*', 'N')} and lacks {name}; expected a column for "
            "each dimension"
        )
    return ordered


def _hint(table: Table) -> str:
    """What to do about a table whose embeddings have another name."""
    heads = Counter(at[1] for name in table.columns if (at := _NUMBERED.fullmatch(name)))
    head, count = heads.most_common(1)[0] if heads else ("", 0)
    if count >= _FEWEST_DIMENSIONS:
        return f"if the embeddings are the {count} columns {head}N: --embedding-columns '{head or '[0-9]'}*'"
    lists = [name for name, one in table.columns.items() if _holds_lists(one)]
    if lists:
        return f"if '{lists[0]}' holds the embeddings: --embedding-columns {shlex.quote(lists[0])}"
    return _EXPECTED


def _holds_lists(column: Any) -> bool:
    """Whether a column's first entry is a list of numbers, or one written out."""
    if column.dtype.kind != "O" or not len(column):
        return False
    first = column.iloc[0]
    return (first[:1] + first[-1:] == "[]") if isinstance(first, str) else hasattr(first, "__len__")


def named_once(path: Path, names: Sequence[str]) -> list[str]:
    """Column names without the blanks around them; refused if two are then equal."""
    made = [str(name).strip() for name in names]
    twice = [name for name, count in Counter(made).items() if count > 1 and name]
    if twice:
        raise InputError(f"'{path}' has two columns '{twice[0]}' (blanks around names don't count); rename one")
    return made


def _csv(path: Path, embeddings: str | None) -> Table:
    import pandas as pd

    try:
        with _text(path) as stream:
            lines = _first_lines(stream)
        header, separator = _header(lines)
        names = _spelled(named_once(path, header))
        _check_width(path, names, lines, separator)
        numeric = {name for name in names if _DIMENSION.fullmatch(name)}
        numeric |= {name for name in names if fnmatch.fnmatchcase(name, embeddings or "") and _NUMBERED.fullmatch(name)}
        with _text(path) as stream:
            frame = pd.read_csv(
                stream,
                sep=separator,
                header=0,
                names=names,
                dtype={name: str for name in names if name not in numeric},
                na_values=dict.fromkeys(numeric, _MISSING_NUMBERS),
                keep_default_na=False,
                low_memory=False,
                skipinitialspace=True,
            )
        return Table(path, {name: frame[name] for name in names})
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None
    except (ValueError, csv.Error, EOFError, OSError, lzma.LZMAError) as error:  # pandas' own are ValueErrors
        raise InputError(f"'{path}' can't be read as a CSV table in UTF-8 ({first_line(error)}); {_EXPECTED}") from None


def _text(path: Path) -> io.TextIOWrapper:
    with path.open("rb") as file:
        start = file.read(6)
    opened: Any = next((opened for magic, opened in _PACKED.items() if start.startswith(magic)), open)
    stream: IO[bytes] = opened(path, "rb")
    head = stream.read(4)
    stream.seek(0)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        stream.close()
        raise UnicodeDecodeError("utf-8", head, 0, 1, "it begins as text in UTF-16 does")
    return io.TextIOWrapper(io.BufferedReader(_Limited(stream)), encoding="utf-8-sig", newline="")


class _Limited(io.RawIOBase):
    """A stream that ends with an error once it has given more than a file may hold: a small one may unpack to that."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left = stream, _MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {_MOST_BYTES // 2**30} GiB")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _first_lines(stream: Iterable[str]) -> list[str]:
    """The header and the first row; a name in quotes may hold a line break."""
    lines: list[str] = []
    for line in stream:
        if not line.strip() and not lines:
            continue
        if "\0" in line:
            raise ValueError("it holds zero bytes, as text in UTF-16 does")
        lines.append(line)
        if len(lines) == 8:
            break
    return lines


def _header(lines: Sequence[str]) -> tuple[list[str], str]:
    """The names in the first line, and what separates them: a comma, a semicolon or a tab."""
    if not lines:
        raise ValueError("it is empty")
    split = {separator: _rows(lines, separator)[0] for separator in (",", ";", "\t")}
    separator = max(split, key=lambda one: len(split[one]))
    return split[separator], separator


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    return [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row]


def _check_width(path: Path, names: Sequence[str], lines: Sequence[str], separator: str) -> None:
    """Refuse a first row of another length than the header, which pandas would shift without a word."""
    first = next(iter(_rows(lines, separator)[1:]), names)
    if len(first) != len(names):
        raise InputError(
            f"'{path}' has {len(names)} names in its header and {len(first)} values in its first row; {_EXPECTED}"
        )


def _spelled(names: Sequence[str]) -> list[str]:
    """Names for the columns of an index, which have none in the file."""
    return [name or f"Unnamed: {place}" for place, name in enumerate(names)]


def spelled(path: Path) -> str:
    """A path as a text of Python code, in double quotes."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _not_utf8(path: Path, error: UnicodeDecodeError) -> InputError:
    known = "utf-16" if "UTF-16" in error.reason else "latin-1"
    target = path.with_name(f"{path.name.split('.')[0]}-utf8.csv")
    read = f'pandas.read_csv({spelled(path)}, encoding="{known}", dtype=str, keep_default_na=False)'
    command = f"python -c {shlex.quote(f'import pandas; {read}.to_csv({spelled(target)}, index=False)')}"
    where = "" if known == "utf-16" else f" at byte {error.start}"
    return InputError(
        f"'{path}' is no text in UTF-8{where} ({error.reason}). If it is {known.upper()}, write it anew: {command}; "
        f"{_EXPECTED}"
    )


def _parquet(path: Path) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise InputError(
            f"'{path}' needs pyarrow. Install it: pip install 'mote-bench[parquet]', or save the table as CSV"
        ) from None
    try:
        if path.is_dir():
            _check_parts(path, parquet)
            table = parquet.read_table(path)
        else:
            with parquet.ParquetFile(path) as file:
                named_once(path, file.schema_arrow.names)
                table = file.read()
        # Without pandas' own metadata an index is a column like the others.
        frame = table.to_pandas(ignore_metadata=True, integer_object_nulls=True, timestamp_as_object=True)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"'{path}' can't be read as Parquet ({first_line(error)}); {_EXPECTED}") from None
    names = named_once(path, frame.columns)
    columns = {name: frame.iloc[:, place] for place, name in enumerate(names)}
    return Table(path, {name: one.astype(object) if one.dtype.name == "category" else one
                        for name, one in columns.items()})  # fmt: skip


def parts_of(folder: Path) -> list[Path]:
    """The Parquet files of a folder, as a data set in parts has them."""
    found = (path for path in folder.rglob("*") if path.name.lower().endswith(PARQUET) and path.is_file())
    return sorted(path for path in found if not any(part[:1] in "_." for part in path.relative_to(folder).parts))


def _check_parts(folder: Path, parquet: Any) -> None:
    """Refuse parts whose columns differ: pyarrow would drop what the first lacks."""
    parts = parts_of(folder)
    if not parts:
        raise InputError(f"'{folder}' is a folder without Parquet files; expected a file of embeddings, or parts")
    first = set(named_once(parts[0], parquet.read_schema(parts[0]).names))
    for part in parts[1:]:
        apart = sorted(first ^ set(named_once(part, parquet.read_schema(part).names)))
        if apart:
            raise InputError(
                f"'{parts[0]}' and '{part}' have not the same columns ({_some(apart)} in one only); expected the same "
                "columns in all parts"
            )


def _numbers(path: Path, name: str, column: Any) -> npt.NDArray[np.float32]:
    if column.dtype.kind in "fiu":
        return np.asarray(column.to_numpy(), np.float32)
    try:
        if column.dtype.kind == "O" and not any(isinstance(one, str | bytes | bool) for one in column):
            return np.asarray(column.astype(np.float64).to_numpy(), np.float32)
    except (ValueError, TypeError):
        pass
    told = next((f"{one!r:.40}" for one in column if isinstance(one, str) and not _is_number(one)), column.dtype)
    raise InputError(f"'{name}' in '{path}' holds {told}; expected numbers with a decimal point")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listed(path: Path, name: str, column: Any) -> npt.NDArray[np.float32]:
    try:
        made = np.array([_list(row) for row in column])
    except (ValueError, TypeError) as error:
        made = np.empty(0, np.float32)
        if "numpy" in str(error):
            raise InputError(f"'{name}' in '{path}': {error}") from None
    if made.ndim != 2:
        raise InputError(f"'{name}' in '{path}' doesn't hold lists of numbers of one length; {_EXPECTED}")
    return made


def _list(entry: Any) -> npt.NDArray[np.float32]:
    """An embedding, which a CSV file holds written out: as a Python list, or as numpy prints an array."""
    if not isinstance(entry, str):
        return np.asarray(entry, np.float32)
    if "..." in entry:
        raise ValueError("its lists are cut short ('...'), as numpy prints long arrays; save them with array.tolist()")
    return np.array([float(word) for word in entry.strip("[]() \n").replace(",", " ").split()], np.float32)


def _without_row_numbers(columns: Arrays) -> Arrays:
    """The columns without an index that only counts the rows, or that is empty; other indexes keep a name."""
    kept: Arrays = {}
    for name, column in columns.items():
        if not _INDEX.fullmatch(name):
            kept[name] = column
        elif not _counts(column):
            kept["index" if "index" not in columns and "index" not in kept else name] = column
    return kept


def _counts(column: npt.NDArray[Any]) -> bool:
    """Whether an index has another whole number in each row, or nothing in any."""
    words = [str(one).strip() for one in column]
    if not any(words):
        return True
    return len(set(words)) == len(words) and all(word.lstrip("-").isdecimal() for word in words)


def _some(names: Iterable[str]) -> str:
    told = list(names)
    return ", ".join(told[:8]) + (", ..." if len(told) > 8 else "") or "none"
