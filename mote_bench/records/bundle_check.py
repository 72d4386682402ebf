"""Compares a bundle with the same run repeated here: missing figures, differences and their size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mote_bench.contracts import Cell, InputError, Measurement, Record
from mote_bench.formatting import printable
from mote_bench.metrics.security import BITS, LEAST_BITS
from mote_bench.planning.spec import DEVICE, SPEC, device_of
from mote_bench.records.bundle import SCHEME, Bundle
from mote_bench.records.provenance import Provenance

SAME, WITHIN, OUTSIDE, SUBJECTS, MISSING, STATUS = (
    "the same",
    "within its interval",
    "outside its interval",
    "other subjects",
    "missing",
    "other outcome",
)
AGREES = (SAME, WITHIN)
_CLOCK = ("seconds_per_enrolment", "seconds_per_score")
SECURITY = (BITS, LEAST_BITS)
_CLOSE = 1e-6
_WIDER = 2.0  # largest ratio of interval widths on the same subjects that another machine can explain


@dataclass(frozen=True)
class Finding:
    """One figure of the bundle, the one computed here, and the verdict."""

    cell: Cell
    metric: str
    verdict: str
    claimed: Measurement | None = None
    made: Measurement | None = None
    why: str = ""


def check_cells(bundle: Bundle, planned: Sequence[Cell], origins: Mapping[Cell, Provenance]) -> None:
    """Compare a bundle with the plan of the same run here, before the run.

    Raises
    ------
    InputError
        When the data differ from the bundle's, and when cells are missing: a scheme's authors may not choose the
        attacks on it.
    """
    claimed = {one.cell: one for one in bundle.records}
    data = next(iter(origins.values()))["data_sha256"]
    if {one.provenance.get("data_sha256") for one in bundle.records} != {data}:
        raise InputError(
            "the bundle was made from other data: the checksums differ; give the bundle's data file: --data FILE"
        )
    if bundle.kind == SCHEME:
        missing = sorted({cell.attack for cell in planned if cell not in claimed})
        if missing:
            raise InputError(
                f"the bundle lacks cells of its protocol: {', '.join(missing)}; expected all its attacks: run them "
                "and submit again"
            )


def held(bundle: Bundle, fresh: Sequence[Record]) -> list[Finding]:
    """Compare every figure of the bundle with the one computed here."""
    made = {one.cell: one for one in fresh}
    return [finding for record in bundle.records for finding in _of_record(record, made.get(record.cell))]


def notes(bundle: Bundle, fresh: Sequence[Record]) -> list[str]:
    """Versions that differ between this machine and the bundle's; they may explain different figures."""
    made = {one.cell: one.provenance for one in fresh}
    changed = set()
    for claimed in bundle.records:
        here = made.get(claimed.cell, {})
        # The run here was repeated with the bundle's own options; a device is told below.
        parts = [part for part in here if part not in (SPEC, DEVICE)]
        for part in [part for part in parts if claimed.provenance.get(part) != here[part]]:
            there = printable(str(claimed.provenance.get(part)))
            changed.add(f"{part.replace('_', ' ')} {there} there, {printable(str(here[part]))} here")
        if here and device_of(claimed.provenance) != device_of(here):
            changed.add(f"device {printable(device_of(claimed.provenance))} there, {device_of(here)} here")
    return sorted(changed)


def _of_record(claimed: Record, made: Record | None) -> Iterator[Finding]:
    if made is None:
        yield Finding(claimed.cell, "", MISSING, why="not part of the run here")
        return
    if claimed.status != made.status:
        yield Finding(claimed.cell, "", STATUS, why=f"claimed {claimed.status}, here {made.status}")
        return
    found = [*_figures(claimed.cell, claimed.measurements, made.measurements)]
    # Figures on the selection subjects decide which attack is the strongest: an edit of them would hide another one.
    found += _figures(claimed.cell, claimed.rehearsal, made.rehearsal, " on selection subjects")
    yield from found
    yield from _details(claimed, made, same=all(one.verdict == SAME for one in found))


def _figures(
    cell: Cell, claimed: Sequence[Measurement], made: Sequence[Measurement], where: str = ""
) -> Iterator[Finding]:
    fresh = {one.name: one for one in made}
    for one in claimed:
        if one.name not in _CLOCK:
            other = fresh.pop(one.name, None)
            if one.metric in SECURITY:
                other = other or fresh.pop(_in_its_place(one), None)
            verdict = _verdict_of_bits(one, other) if one.metric in SECURITY else _verdict(one, other)
            moved = verdict == OUTSIDE and other is not None and _controls_apart(one, other) > _CLOSE
            why = "floor, ceiling or chance differ" if moved else ""
            yield Finding(cell, one.name + where, verdict, one, other, why)
    for metric in fresh.keys() - {one.name for one in claimed}:
        yield Finding(cell, metric + where, MISSING, None, fresh[metric], "left out of the bundle")


def _details(claimed: Record, made: Record, *, same: bool) -> Iterator[Finding]:
    """Compare curves, histograms and counts: none may be missing, and with equal figures they must be equal too."""
    for key in sorted(claimed.details.keys() | made.details.keys()):
        if (key in claimed.details) != (key in made.details):
            why = "left out of the bundle" if key in made.details else "not made here"
            yield Finding(claimed.cell, f"details: {key}", MISSING, why=why)
        elif same and not _alike(claimed.details[key], made.details[key]):
            yield Finding(claimed.cell, f"details: {key}", OUTSIDE, why="differ, while all figures are the same")


def _alike(one: Any, other: Any) -> bool:
    """Whether two nested values are equal up to rounding."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= _CLOSE * max(1.0, abs(other))
    return bool(one == other)


def _verdict(claimed: Measurement, made: Measurement | None) -> str:
    if made is None:
        return MISSING
    if claimed.n != made.n:
        return SUBJECTS
    apart = max(abs(claimed.value - made.value), abs(claimed.low - made.low), abs(claimed.high - made.high))
    controls = _controls_apart(claimed, made)
    if max(apart, controls) <= _CLOSE * max(1.0, abs(made.value)):
        return SAME
    inside = claimed.low <= made.value <= claimed.high and made.low <= claimed.value <= made.high
    widths = claimed.high - claimed.low, made.high - made.low
    # A very wide interval holds any value, and a shifted floor or ceiling makes any figure look small.
    return WITHIN if inside and widths[0] <= _WIDER * widths[1] and controls <= max(widths) else OUTSIDE


def _in_its_place(one: Measurement) -> str:
    """The name of the security in bits that a record holds in place of this one."""
    (other,) = {*SECURITY} - {one.metric}
    return replace(one, metric=other).name


def _verdict_of_bits(claimed: Measurement, made: Measurement | None) -> str:
    """Of false-accept security: whether the intervals overlap, as a lower bound has no upper end.

    Faces are bred by many comparisons in a row, so a score that another machine rounds otherwise leads to other faces:
    two runs agree as two samples do.
    """
    if made is None:
        return MISSING
    if (claimed.name, claimed.n) == (made.name, made.n) and _verdict(claimed, made) == SAME:
        return SAME
    tops = [math.inf if one.metric == LEAST_BITS else one.high for one in (claimed, made)]
    return WITHIN if claimed.low <= tops[1] and made.low <= tops[0] else OUTSIDE


def _controls_apart(claimed: Measurement, made: Measurement) -> float:
    """Largest difference of floor, ceiling and chance to those computed here; infinite if only one side has them."""
    pairs = [(getattr(claimed, part), getattr(made, part)) for part in ("chance", "floor", "ceiling")]
    if any((one is None) != (other is None) for one, other in pairs):
        return math.inf
    return max((abs(one - other) for one, other in pairs if one is not None), default=0.0)
