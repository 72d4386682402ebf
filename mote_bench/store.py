"""Records on disk: written atomically, read back checked, reused only if this code made them here."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.naming import record_name

RECORDS = "records"
_JOURNAL = ".finished"
_LOCK = ".lock"
_DAMAGED = "damaged"
_PART = ".part-"
_MOST_OF_STRIP = 150_000


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
def locked(folder: Path) -> Iterator[None]:
    """Hold an output folder: two runs in one would overwrite each other's boards.

    The system's lock on an open file, which ends with its process however that ends.

    Raises
    ------
    InputError
        While another run holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"another run writes to '{folder}'; wait for it, or give another folder: --out DIR") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def opened(folder: Path) -> Iterator[list[Path]]:
    """Make a run's folder and hold it; gives where its damaged records were set aside.

    Raises
    ------
    InputError
        As :func:`prepare` and :func:`locked`.
    """
    prepare(folder)
    with locked(folder):
        for part in (folder / RECORDS).glob(f"{_PART}*"):  # of a run that was killed as it wrote; none is under way
            part.unlink(missing_ok=True)
        yield set_aside(folder)


def clear(folder: Path, cells: Iterable[Cell]) -> None:
    """Remove the records of these cells."""
    for cell in cells:
        (folder / RECORDS / record_name(cell)).unlink(missing_ok=True)


def read(folder: Path) -> list[Record]:
    """Every record of an output folder, in the order of their names.

    Raises
    ------
    InputError
        When there are none, or one is damaged.
    """
    paths = sorted((folder / RECORDS).glob("*.json"))
    return [from_text(path.read_text(encoding="utf-8", errors="replace"), str(path)) for path in paths]


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never a part."""
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` once the block has ended well, and else leaves no trace.

    ``private`` files are their owner's alone.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PART)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o600 if private else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def to_text(record: Record) -> str:
    """A record as JSON, a line per part, the last one a checksum of the others; equal records give equal bytes."""
    parts = ",\n".join(f"{json.dumps(key)}: {_line(value)}" for key, value in asdict(record).items())
    return "{\n" + parts + f',\n"sha256": "{_sha256(parts)}"\n}}\n'


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


def parsed(text: str) -> Any:
    """The data in a JSON text, which holds no NaN and no infinity.

    Raises
    ------
    ValueError
        On anything else.
    """

    def refused(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    return json.loads(text, parse_constant=refused)


def record_of(table: Any, source: str) -> Record:
    """The record in a table as JSON gives it.

    Raises
    ------
    InputError
        When the table is no record; ``source`` says which file it was in.
    """
    try:
        return Record(
            cell=Cell(**table["cell"]),
            status=Status(table["status"]),
            measurements=tuple(Measurement(**row) for row in table["measurements"]),
            details=table["details"],
            cost=table["cost"],
            provenance=table["provenance"],
            error=table["error"],
            rehearsal=tuple(Measurement(**row) for row in table["rehearsal"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{source}' is no record of mote-bench ({error}); move it away and run again") from None


def _journal(folder: Path) -> dict[str, str]:
    path = folder / _JOURNAL
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entries = [line.split(" ", 1) for line in lines if " " in line]
    return {file: checksum for checksum, file in entries}


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def strip(out: Path) -> bytes:
    """The JPEG file of rebuilt pictures beside the boards; nothing where there is none, or one too large for a page."""
    path = out / "pixels" / "strip.jpg"
    return path.read_bytes() if path.is_file() and path.stat().st_size <= _MOST_OF_STRIP else b""
