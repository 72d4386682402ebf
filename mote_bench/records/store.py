"""Records on disk: written atomically, checked when read, and reused only if the same code made them here.

A run writes one file per record (``records/NAME.json``), so that it can be resumed. Published records are packed: one
file per data set and scheme (``records/PROTOCOL_DATA_SEED/SCHEME.jsonl``), one line per record. Both are read alike.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mote_bench.contracts import Cell, InputError, Record, Status
from mote_bench.files import PART, locked, parsed, write_text
from mote_bench.metrics.names import from_json, snake_case, to_json
from mote_bench.records.naming import packed_name, record_name, short_id

RECORDS = "records"
_CELL_BYTES, _BOARDS_BYTES = 20_000, 10_000_000
"""What a cell's record takes with its share of the boards, on average, and what small boards take."""
_JOURNAL = ".finished"
_DAMAGED = "damaged"
_MEND_LINE = "take the line out, or take the file anew from where it came"


def check_place(folder: Path, *, cells: int) -> None:
    """Check, before anything is computed or written, that a run of so many cells can be written to a folder.

    Raises
    ------
    InputError
        When the folder, or the nearest one above it that exists, can't be written to or has too little free space.
    """
    whole = folder.absolute()
    here = next(one for one in (whole, *whole.parents) if one.exists())
    if not here.is_dir():
        raise InputError(f"can't write to '{folder}' ('{here}' is a file); give another folder: --out DIR")
    if not os.access(here, os.W_OK | os.X_OK):
        raise InputError(f"can't write to '{folder}' (Permission denied); give a folder you may write to: --out DIR")
    needed, free = _BOARDS_BYTES + cells * _CELL_BYTES, shutil.disk_usage(here).free
    if free < needed:
        raise InputError(
            f"'{folder}' has {free / 1e6:,.0f} MB free, and {f'{cells} cells take' if cells else 'the files may take'} "
            f"about {needed / 1e6:,.0f} MB; make room, or give another folder: --out DIR"
        )


def prepare(folder: Path) -> None:
    """Create the output folder.

    Raises
    ------
    InputError
        When it can't be created or written to.
    """
    try:
        (folder / RECORDS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder / RECORDS):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"can't write to '{folder}' ({reason}); give a folder you may write to: --out DIR") from None


def write(folder: Path, record: Record) -> None:
    """Write one record, and list it in the folder's journal as finished here."""
    text = to_text(record)
    write_text(folder / RECORDS / record_name(record.cell), text)
    with (folder / _JOURNAL).open("a", encoding="utf-8") as journal:
        journal.write(f"{_sha256(text)} {record_name(record.cell)}\n")


def finished(folder: Path, cells: Iterable[Cell], provenance: Mapping[Cell, Mapping[str, str]]) -> dict[Cell, Record]:
    """The records of cells that needn't be run again.

    A record is kept if the folder's journal lists it with the file's checksum, its cell neither failed nor timed out,
    and the same code made it from the same data (``provenance``). Records that came with the repository, or that were
    edited, don't match the journal: they are unverified claims, and a run computes them again.
    """
    listed = _journal(folder)
    kept: dict[Cell, Record] = {}
    for cell in cells:
        path = folder / RECORDS / record_name(cell)
        if path.name not in listed or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        if _sha256(text) != listed[path.name]:
            continue
        record = from_text(text, path.name)  # damaged files have been set aside before
        if record.status not in (Status.FAILED, Status.TIMED_OUT) and record.provenance == dict(provenance[cell]):
            kept[cell] = record
    return kept


def set_aside(folder: Path) -> list[Path]:
    """Move damaged records to ``damaged/``, so that a run computes them again; returns their new paths."""
    moved = []
    for path in sorted((folder / RECORDS).glob("*.json")):
        try:
            from_text(path.read_text(encoding="utf-8", errors="replace"), path.name)
        except InputError:
            (folder / _DAMAGED).mkdir(exist_ok=True)
            moved.append(path.replace(folder / _DAMAGED / path.name))
    return moved


@contextmanager
def opened(folder: Path) -> Iterator[list[Path]]:
    """Create and lock a run's folder; yields the new paths of damaged records that were set aside.

    Raises
    ------
    InputError
        As :func:`prepare` and :func:`mote_bench.files.locked`, and on a damaged line of a packed file: no run could
        make that anew.
    """
    prepare(folder)
    with locked(folder):
        for part in (folder / RECORDS).rglob(f"{PART}*"):  # of a run that was killed as it wrote; none is under way
            part.unlink(missing_ok=True)
        _read_packed(folder)
        yield set_aside(folder)


def clear(folder: Path, cells: Iterable[Cell]) -> None:
    """Delete the records of these cells."""
    for cell in cells:
        (folder / RECORDS / record_name(cell)).unlink(missing_ok=True)


def read(folder: Path) -> list[Record]:
    """Every record of an output folder, sorted by name; an empty list if there is none.

    A cell's own file takes precedence over its line in a packed file, as a run wrote it after the line was published.

    Raises
    ------
    InputError
        When a record is damaged; the message names its file, and the line in a packed file. When it is no folder.
    """
    if folder.is_file():
        raise InputError(f"'{folder}' is a file; expected the folder of an earlier run, which holds {RECORDS}/")
    paths = sorted((folder / RECORDS).glob("*.json"))
    own = [
        replace(
            from_text(path.read_text(encoding="utf-8", errors="replace"), str(path)),
            file=f"{RECORDS}/{quote(path.name)}",
        )
        for path in paths
    ]
    cells = {record.cell for record in own}
    return _in_order([*own, *(record for record in _read_packed(folder) if record.cell not in cells)])


def no_records(folder: Path) -> InputError:
    """The error of a folder that holds no record."""
    return InputError(f"no records in '{folder / RECORDS}'; make some: python -m mote_bench run --out {folder}")


def pack(folder: Path, target: Path) -> list[Path]:
    """Pack a folder's records for publication: one file per data set and scheme, one line per record, sorted by name.

    Records of the same cells in ``target`` are replaced, others stay. ``target`` may be ``folder`` itself. Its records
    then have no files of their own any more, and a run there starts from the beginning.

    Returns
    -------
    list of Path
        Every packed file of ``target``.

    Raises
    ------
    InputError
        When ``folder`` holds no record, a record of either is damaged, or ``target`` can't be written to.
    """
    records = read(folder)
    if not records:
        raise no_records(folder)
    prepare(target)
    cells = {record.cell for record in records}
    files: dict[Path, list[str]] = {}
    for record in _in_order([*records, *(old for old in read(target) if old.cell not in cells)]):
        files.setdefault(target / RECORDS / packed_name(record.cell), []).append(to_line(record))
    for path, lines in files.items():
        path.parent.mkdir(exist_ok=True)
        write_text(path, "".join(lines))
    for path in (target / RECORDS).glob("*.json"):  # only now, so that an interruption before this loses no record
        path.unlink()
    (target / _JOURNAL).unlink(missing_ok=True)
    return list(files)


def to_text(record: Record) -> str:
    """A record as JSON, one line per field and a checksum at the end; equal records give equal bytes."""
    parts = _parts(as_table(record))
    return "{\n" + parts + f',\n"sha256": "{_sha256(parts)}"\n}}\n'


def checksum(record: Record) -> str:
    """The checksum that stands in a record's file."""
    return _sha256(_parts(as_table(record)))


def as_table(record: Record) -> dict[str, Any]:
    """A record as a table for JSON, with published metric names and without the file it was read from.

    It shares the record's own details: a copy of the thousands of numbers in them takes longer than all else.
    """
    listed = {"measurements": record.measurements, "rehearsal": record.rehearsal}
    tables = {part: [to_json(one) for one in ones] for part, ones in listed.items()}
    table = {**vars(record), "cell": dict(vars(record.cell)), **tables}
    del table["file"]
    return table


def from_text(text: str, source: str) -> Record:
    """The record in a JSON text.

    Raises
    ------
    InputError
        When the text is no record; the message names the file ``source``.
    """
    try:
        table = parsed(text)
        parts, found, _ = text.removeprefix("{\n").rpartition(',\n"sha256": ')
        if not found or table.pop("sha256") != _sha256(parts):
            raise ValueError("its checksum is missing or doesn't fit: it is damaged, or was edited")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"'{source}' is no record of mote-bench ({error}); move it away and run again") from None
    return record_of(table, source)


def to_line(record: Record) -> str:
    """A record as one line of a packed file: its short id, the fields of :func:`to_text`, and the same checksum."""
    table = as_table(record)
    whole = {"id": short_id(record.cell), **table, "sha256": _sha256(_parts(table))}
    return "{" + ", ".join(_members(whole)) + "}\n"


def from_line(line: str, source: str) -> Record:
    """The record in a line of a packed file.

    Raises
    ------
    InputError
        When the line is no record; the message names line and file (``source``).
    """
    try:
        table = parsed(line)
        if not isinstance(table, dict):
            raise TypeError("expected an object, {...}")
        short, checksum = table.pop("id"), table.pop("sha256")
        if checksum != _sha256(_parts(table)):
            raise ValueError("its checksum doesn't fit: it is damaged, or was edited")
        record = _record(table)
        if short != short_id(record.cell):
            raise ValueError("its id is another cell's")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{source} is no record of mote-bench ({error}); {_MEND_LINE}") from None
    return record


def read_lines(path: Path) -> Iterator[tuple[str, Record]]:
    """The records of a packed file, each with its place in words, for errors.

    Raises
    ------
    InputError
        On a damaged line.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    # Not splitlines: that also splits at characters which JSON strings may hold, such as U+2028.
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        source = f"line {number} of '{path}'"
        yield source, from_line(line, source)


def record_of(table: Any, source: str) -> Record:
    """The record in a table read from JSON.

    Raises
    ------
    InputError
        When the table is no record; the message names the file ``source``.
    """
    try:
        return _record(table)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"'{source}' is no record of mote-bench ({error}); move it away and run again") from None


def _record(table: Any) -> Record:
    cell = Cell(**table["cell"])
    *names, seed = astuple(cell)
    if not isinstance(seed, int) or not all(isinstance(name, str) for name in names):
        raise TypeError("a cell is six names and a seed, a whole number")
    attributes = [snake_case(attribute) for attribute in table["details"].get("groups", ())]
    return Record(
        cell=cell,
        status=Status(table["status"]),
        measurements=tuple(from_json(row, attributes) for row in table["measurements"]),
        details=table["details"],
        cost=table["cost"],
        provenance=table["provenance"],
        error=table["error"],
        rehearsal=tuple(from_json(row, attributes) for row in table["rehearsal"]),
    )


def _read_packed(folder: Path) -> list[Record]:
    """The records of a folder's packed files.

    Raises
    ------
    InputError
        On a damaged line, and on a second line of one cell.
    """
    found: dict[Cell, Record] = {}
    for path in sorted((folder / RECORDS).glob("*/*.jsonl")):
        where = quote(path.relative_to(folder).as_posix())
        for source, read in read_lines(path):
            record = replace(read, file=f"{where}#{short_id(read.cell)}")
            if found.setdefault(record.cell, record) is not record:
                raise InputError(f"{source} holds {record.cell}, as an earlier line does; take one of the two out")
    return list(found.values())


def _in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record_name(record.cell))


def _journal(folder: Path) -> dict[str, str]:
    path = folder / _JOURNAL
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entries = [line.split(" ", 1) for line in lines if " " in line]
    return {file: checksum for checksum, file in entries}


def _parts(table: Mapping[str, Any]) -> str:
    """The text that a record's checksum is computed of."""
    return ",\n".join(_members(table))


def _members(table: Mapping[str, Any]) -> list[str]:
    return [f"{json.dumps(key)}: {_value(value)}" for key, value in table.items()]


def _value(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
