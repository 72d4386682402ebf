"""Where the records of attacks with fewer shadow subjects lie.

A run's folder holds them by their number, in ``strength/50/records``. Published folders hold a file for each data set,
``strength/PROTOCOL_DATA_SEED.jsonl``, a line for each record.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mote_bench.contracts import Cell, InputError, Record
from mote_bench.files import write_text
from mote_bench.records import store
from mote_bench.records.naming import packed_name, record_name
from mote_bench.records.provenance import SHADOW_SUBJECTS

STRENGTH = "strength"


def folder_of(out: Path, count: int) -> Path:
    """The folder of the attacks with ``count`` shadow subjects."""
    return out / STRENGTH / str(count)


def read_with_fewer(out: Path) -> dict[int, list[Record]]:
    """The records by their number of shadow subjects, fewest first; those that state another number are left out.

    A record of a file of its own takes precedence over a line of the same cell.

    Raises
    ------
    InputError
        When a record is damaged, or two lines of a file hold the same cell and number.
    """
    held = {count: store.read(folder) for count, folder in _folders(out).items()}
    found = {(count, one.cell): one for count, records in held.items() for one in records if _stated(one) == count}
    for path in sorted((out / STRENGTH).glob("*.jsonl")):
        found = _read_lines(path) | found
    counts = sorted({count for count, _ in found})
    return {count: _in_order(one for (own, _), one in found.items() if own == count) for count in counts}


def pack(weaker: Mapping[int, Sequence[Record]], out: Path) -> list[Path]:
    """Write the records of a published folder, a file for each data set, in place of all that it holds.

    Parameters
    ----------
    weaker : mapping of int -> sequence of Record
        The records by their number of shadow subjects.

    Returns
    -------
    list of Path
        The files.
    """
    lines: dict[Path, list[str]] = {}
    for record in _in_order(one for count in sorted(weaker) for one in weaker[count]):
        board, _, _ = packed_name(record.cell).partition("/")
        lines.setdefault(out / STRENGTH / f"{board}.jsonl", []).append(store.to_line(record))
    for path, texts in lines.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "".join(texts))
    for path in (out / STRENGTH).glob("*.jsonl"):
        if path not in lines:
            path.unlink()
    for folder in _folders(out).values():
        shutil.rmtree(folder)
    return list(lines)


def _folders(out: Path) -> dict[int, Path]:
    paths = (path for path in (out / STRENGTH).glob("*") if path.name.isdecimal() and len(path.name) < 8)
    return {int(path.name): path for path in sorted(paths) if path == folder_of(out, int(path.name))}


def _read_lines(path: Path) -> dict[tuple[int, Cell], Record]:
    found: dict[tuple[int, Cell], Record] = {}
    for source, record in store.read_lines(path):
        count = _stated(record)
        if count is None:
            continue
        if (count, record.cell) in found:
            raise InputError(f"{source} holds {record.cell}, as an earlier line does; take one of the two out")
        found[count, record.cell] = record
    return found


def _stated(record: Record) -> int | None:
    """The number of shadow subjects that a record states: 50 of ``50 of 200``."""
    count, _, _ = record.provenance.get(SHADOW_SUBJECTS, "").partition(" of ")
    return int(count) if count.isdecimal() and len(count) < 8 else None


def _in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda one: record_name(one.cell))
