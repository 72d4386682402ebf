"""A bundle held against the same run made here: what is missing, what differs, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mote_bench.bundle import SCHEME, Bundle
from mote_bench.contracts import Cell, InputError, Measurement, Record
from mote_bench.provenance import Provenance

SAME, WITHIN, OUTSIDE, PEOPLE, MISSING, STATUS = (
    "the same",
    "within its interval",
    "outside its interval",
    "other people",
    "missing",
    "other outcome",
)
AGREES = (SAME, WITHIN)
_CLOCK = ("seconds_per_enrolment", "seconds_per_score")
_CLOSE = 1e-6


@dataclass(frozen=True)
class Finding:
    """One figure of the bundle beside the one made here."""

    cell: Cell
    metric: str
    verdict: str
    claimed: Measurement | None = None
    made: Measurement | None = None
    why: str = ""


def check_cells(bundle: Bundle, planned: Sequence[Cell], origins: Mapping[Cell, Provenance]) -> None:
    """Hold a bundle against the plan of the same run here, before any of it is run.

    Raises
    ------
    InputError
        When the data aren't those of the bundle, and when cells are missing: a scheme's authors don't choose their
        attackers.
    """
    claimed = {one.cell: one for one in bundle.records}
    data = next(iter(origins.values()))["data_sha256"]
    if {one.provenance.get("data_sha256") for one in bundle.records} != {data}:
        raise InputError(
            "the bundle was made from other data (their checksum differs); give the same file: --data FILE"
        )
    if bundle.kind == SCHEME:
        missing = sorted({cell.attack for cell in planned if cell not in claimed})
        if missing:
            raise InputError(f"the bundle lacks cells of its protocol: {', '.join(missing)}; expected all of them")


def held(bundle: Bundle, fresh: Sequence[Record]) -> list[Finding]:
    """Every figure of the bundle beside the fresh one."""
    made = {one.cell: one for one in fresh}
    return [finding for record in bundle.records for finding in _of_record(record, made.get(record.cell))]


def _of_record(claimed: Record, made: Record | None) -> Iterator[Finding]:
    if made is None:
        yield Finding(claimed.cell, "", MISSING, why="not part of the run here")
        return
    if claimed.status != made.status:
        yield Finding(claimed.cell, "", STATUS, why=f"claimed {claimed.status}, here {made.status}")
        return
    fresh = {one.metric: one for one in made.measurements}
    for one in claimed.measurements:
        if one.metric not in _CLOCK:
            other = fresh.get(one.metric)
            yield Finding(claimed.cell, one.metric, _verdict(one, other), one, other)
    for metric in fresh.keys() - {one.metric for one in claimed.measurements}:
        yield Finding(claimed.cell, metric, MISSING, None, fresh[metric], "left out of the bundle")


def _verdict(claimed: Measurement, made: Measurement | None) -> str:
    if made is None:
        return MISSING
    if claimed.n != made.n:
        return PEOPLE
    apart = max(abs(claimed.value - made.value), abs(claimed.low - made.low), abs(claimed.high - made.high))
    if apart <= _CLOSE * max(1.0, abs(made.value)):
        return SAME
    return WITHIN if claimed.low <= made.value <= claimed.high and made.low <= claimed.value <= made.high else OUTSIDE
