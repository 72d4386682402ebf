"""Lists of pictures as they come: tables with a header, and lines of words; in UTF-8 or UTF-16, with line numbers."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mote_bench.basics import InputError

MOST_ROWS = 5_000_000
_DELIMITERS = (",", ";", "\t", "|")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Row:
    """One row of a table: the number of its line, and the texts of its columns as they stand."""

    line: int
    values: Mapping[str, str]


def rows(path: Path, *, needed: Sequence[str], strict: bool = True) -> Iterator[Row]:
    """The rows of a table with a header; rows without any text are left out.

    Columns may be parted by commas, semicolons, tabs or bars: the header shows which. Its names lose blanks around
    them, and those of ``needed`` and ``identity`` may have capitals.

    Parameters
    ----------
    needed : sequence of str
        Columns that must be there.
    strict : bool
        Whether a table without them is refused; otherwise it has no rows.

    Raises
    ------
    InputError
        On a table in another encoding, without a needed column, with two columns of one name, and on a row with more
        values than columns or a quote that isn't closed: names the line.
    """
    first = next(iter(_texts(path)), "")
    delimiter = next((one for one in _DELIMITERS if needed[0] in _header(first, one, needed)), ",")
    reader = csv.reader(_texts(path), delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True)
    try:
        header = _named(next(reader, []), needed)
        missing = [name for name in needed if name not in header]
        if missing and not strict:
            return
        if missing:
            told = ", ".join(header) or "none"
            raise InputError(f"'{path}' has no column '{missing[0]}'; it has: {told}. Rename the one that holds it")
        twice = [name for name in header if name and header.count(name) > 1]
        if twice:
            raise InputError(f"'{path}' has two columns '{twice[0]}'; remove or rename one")
        for number, values in enumerate(reader):
            if number > MOST_ROWS:
                raise InputError(f"'{path}' has over {MOST_ROWS} rows; expected at most that many: split the table")
            if any(value.strip() for value in values):
                yield Row(reader.line_num, _row(path, reader.line_num, header, values))
    except csv.Error as error:
        raise InputError(f"'{path}' can't be read as a table at line {reader.line_num} ({error})") from None


def words(path: Path, *, header: int | None = None, count: int | None = None) -> list[list[str]]:
    """The words of each line that has any.

    Parameters
    ----------
    header : int, optional
        So many lines stand before the rows, each of which has one word more than the last of them: the row's name.
    count : int, optional
        How many words each line must have, where there is no header.

    Raises
    ------
    InputError
        On another encoding, and a line of another number of words: names the line.
    """
    found: list[list[str]] = []
    for number, line in enumerate(_texts(path), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(found) == header:
            count = len(found[-1]) + 1
        if count not in (None, len(parts)):
            raise InputError(f"'{path}', line {number}: {len(parts)} words ('{line.strip()[:60]}'); expected {count}")
        found.append(parts)
    if len(found) < (header or 0):
        raise InputError(f"'{path}' has {len(found)} lines; expected {header} before the first row")
    return found


def text(path: Path) -> str:
    """The whole text; raises :class:`InputError` on another encoding."""
    return "".join(_texts(path))


def _texts(path: Path) -> Iterator[str]:
    """The lines of a file in UTF-8, or in UTF-16 where it begins with that mark; both may have Windows' line ends."""
    with path.open("rb") as file:
        encoding = _MARKS.get(file.read(2), "utf-8-sig")
    try:
        with path.open(encoding=encoding, newline="") as file:
            for line in file:
                if "\0" in line:
                    raise InputError(f"'{path}' isn't text in UTF-8 (it holds zero bytes); save it in that encoding")
                yield line
    except UnicodeError:
        raise InputError(
            f"'{path}' can't be read as text in UTF-8 (line {_undecodable(path)}); save it in that encoding"
        ) from None


def _undecodable(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1


def _header(line: str, delimiter: str, needed: Sequence[str]) -> list[str]:
    return _named(next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), []), needed)


def _named(header: Sequence[str], needed: Sequence[str]) -> list[str]:
    known = {*needed, "identity"}
    stripped = [name.strip() for name in header]
    return [name.lower() if name.lower() in known else name for name in stripped]


def _row(path: Path, line: int, header: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    if any(value.strip() for value in values[len(header) :]):
        raise InputError(
            f"'{path}', line {line}: {len(values)} values for {len(header)} columns; put a value that holds the "
            "delimiter in double quotes"
        )
    if any("\n" in value or "\r" in value for value in values):
        raise InputError(f"'{path}', line {line}: a value goes over several lines; close its double quote")
    filled = [*values, *[""] * (len(header) - len(values))]
    return {name: value for name, value in zip(header, filled, strict=False) if name}
