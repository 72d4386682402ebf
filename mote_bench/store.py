"""Records on disk: written atomically, read back checked, reused only if this code made them here.

A run writes a file per record (``records/NAME.json``), as resuming needs it. Published records are packed: a file per
data set and scheme (``records/PROTOCOL_DATA_SEED/SCHEME.jsonl``), a line per record. Both are read alike.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mote_bench.contracts import Cell, InputError, Record, Status
from mote_bench.files import PART, locked, parsed, write_text
from mote_bench.metrics.names import from_json, snake_case, to_json
from mote_bench.naming import packed_name, record_name, short_id

RECORDS = "records"
BOARDS = Path("boards")
"""Where a run goes that isn't told."""
_JOURNAL = ".finished"
_DAMAGED = "damaged"
_MEND_LINE = "take the line out, or take the file anew from where it came"


def prepare(folder: Path) -> None:
    """Make the output folder.

    Raises
    ------
    InputError
        When it can't be made or written to.
    """
    try:
        (folder / RECORDS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder / RECORDS):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"can't write to '{folder}' ({reason}); give a folder you may write to: --out DIR") from None


def write(folder: Path, record: Record) -> None:
    """Write one record and note it as finished here."""
    text = to_text(record)
    write_text(folder / RECORDS / record_name(record.cell), text)
    with (folder / _JOURNAL).open("a", encoding="utf-8") as journal:
        journal.write(f"{_sha256(text)} {record_name(record.cell)}\n")


def finished(folder: Path, cells: Iterable[Cell], provenance: Mapping[Cell, Mapping[str, str]]) -> dict[Cell, Record]:
    """The cells that needn't be run again.

    A record is kept when this folder's journal lists it with the checksum that the file still has, its cell has an
    answer, and it was made by the same code from the same data (``provenance``). Records that came with the
    repository, or that were edited, are not in the journal: they are claims, and a run makes them anew.
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
        record = from_text(text, path.name)  # what isn't one was set aside
        if record.status not in (Status.FAILED, Status.TIMED_OUT) and record.provenance == dict(provenance[cell]):
            kept[cell] = record
    return kept


def set_aside(folder: Path) -> list[Path]:
    """Move records that can't be read to ``damaged/``, so that a run makes them anew; where they are now."""
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
    """Make a run's folder and hold it; gives where its damaged records were set aside.

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
    """Remove the records of these cells."""
    for cell in cells:
        (folder / RECORDS / record_name(cell)).unlink(missing_ok=True)


def read(folder: Path) -> list[Record]:
    """Every record of an output folder, in the order of their names; an empty list where there is none.

    A cell's own file counts before its line in a packed file: a run wrote it after the line had been published.

    Raises
    ------
    InputError
        When a record is damaged; the message names its file, and the line of a packed one.
    """
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


def pack(folder: Path, target: Path) -> list[Path]:
    """Publish the records of a folder: a file per data set and scheme, a line per record, in the order of their names.

    Records of the same cells that ``target`` held give way, its others stay. ``target`` may be ``folder`` itself; its
    records then have no files of their own any more, and a run there starts from nothing.

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
        raise InputError(f"no records in '{folder / RECORDS}'; make some: python -m mote_bench run --out {folder}")
    prepare(target)
    cells = {record.cell for record in records}
    files: dict[Path, list[str]] = {}
    for record in _in_order([*records, *(old for old in read(target) if old.cell not in cells)]):
        files.setdefault(target / RECORDS / packed_name(record.cell), []).append(to_line(record))
    for path, lines in files.items():
        path.parent.mkdir(exist_ok=True)
        write_text(path, "".join(lines))
    for path in (target / RECORDS).glob("*.json"):  # only now: whoever is stopped before has every record
        path.unlink()
    (target / _JOURNAL).unlink(missing_ok=True)
    return list(files)


def to_text(record: Record) -> str:
    """A record as JSON, a line per part, the last one a checksum of the others; equal records give equal bytes."""
    parts = _parts(as_table(record))
    return "{\n" + parts + f',\n"sha256": "{_sha256(parts)}"\n}}\n'


def as_table(record: Record) -> dict[str, Any]:
    """A record as JSON holds it: with published names of metrics, and all of it but where it was read from."""
    listed = {"measurements": record.measurements, "rehearsal": record.rehearsal}
    table = asdict(record) | {part: [to_json(one) for one in ones] for part, ones in listed.items()}
    del table["file"]
    return table


def from_text(text: str, source: str) -> Record:
    """The record in a JSON text.

    Raises
    ------
    InputError
        When the text is no record; ``source`` says which file it was.
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
    """A record as one line of a packed file: its short id, the parts of :func:`to_text`, and the same checksum."""
    table = as_table(record)
    whole = {"id": short_id(record.cell), **table, "sha256": _sha256(_parts(table))}
    return "{" + ", ".join(_members(whole)) + "}\n"


def from_line(line: str, source: str) -> Record:
    """The record in a line of a packed file.

    Raises
    ------
    InputError
        When the line is no record; ``source`` says which line of which file it was.
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


def record_of(table: Any, source: str) -> Record:
    """The record in a table as JSON gives it.

    Raises
    ------
    InputError
        When the table is no record; ``source`` says which file it was in.
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
        text = path.read_text(encoding="utf-8", errors="replace")
        # Not splitlines, which also splits at characters that a JSON text may hold, such as U+2028.
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            source = f"line {number} of '{path}'"
            read = from_line(line, source)
            where = quote(path.relative_to(folder).as_posix())
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
    """What a record's checksum is over."""
    return ",\n".join(_members(table))


def _members(table: Mapping[str, Any]) -> list[str]:
    return [f"{json.dumps(key)}: {_value(value)}" for key, value in table.items()]


def _value(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
