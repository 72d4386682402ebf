"""Where the records of attacks with fewer shadow subjects lie: ``strength/50/records`` in a run's folder."""

from __future__ import annotations

from pathlib import Path

from mote_bench.contracts import Record
from mote_bench.records import store
from mote_bench.records.provenance import SHADOW_SUBJECTS

STRENGTH = "strength"


def folder_of(out: Path, count: int) -> Path:
    """The folder of the attacks with ``count`` shadow subjects."""
    return out / STRENGTH / str(count)


def read_with_fewer(out: Path) -> dict[int, list[Record]]:
    """The records by their number of shadow subjects, fewest first; those that state another number are left out.

    Raises
    ------
    InputError
        When a record is damaged.
    """
    folders = (path for path in (out / STRENGTH).glob("*") if path.name.isdecimal() and len(path.name) < 8)
    held = {int(path.name): store.read(path) for path in folders if path == folder_of(out, int(path.name))}
    stating = {
        count: [one for one in found if one.provenance.get(SHADOW_SUBJECTS, "").startswith(f"{count} of ")]
        for count, found in sorted(held.items())
    }
    return {count: found for count, found in stating.items() if found}
