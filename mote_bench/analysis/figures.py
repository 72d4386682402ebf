"""The record and the measurement behind each figure of a scheme in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mote_bench.analysis.resampling import influenced
from mote_bench.analysis.selection import (
    DISCLOSED,
    STOLEN,
    Reading,
    choose,
    find,
    harness_record,
    readings,
    strictest_rate,
)
from mote_bench.analysis.standings import NOT_MEASURED, key_states, printed
from mote_bench.contracts import OWN, Measurement, Record, Status, flat
from mote_bench.questions.harness import COST, FAIRNESS, VERIFY

_COSTS = ("bytes_per_template",)


@dataclass(frozen=True)
class Figure:
    """One figure of one run: the record and the measurement, or why there is none."""

    record: Record | None
    one: Measurement | None
    why: str = ""

    @property
    def attack(self) -> str:
        return "" if self.record is None else self.record.cell.attack

    @property
    def influence(self) -> dict[int, float]:
        """Influence of each subject, by subject number, on the figure; empty where the record holds none."""
        if self.record is None or self.one is None:
            return {}
        return dict(influenced(self.record, self.one)[1])


@dataclass(frozen=True)
class Scope:
    """What is compared between runs: the attacked questions, and the FMRs at which errors are shown."""

    readings: tuple[Reading, ...]
    fnmr_rate: str
    fairness_rate: str


@dataclass(frozen=True)
class Place:
    """Address of a figure: the scheme, the key state of the row, the question, and the metric's published name."""

    scheme: str
    key: str
    question: str
    metric: str


def scope(records: Sequence[Record]) -> Scope:
    """The questions and FMRs of a run, chosen as its board chooses them."""
    return Scope(
        readings(records),
        strictest_rate(records, "fnmr", question=VERIFY),
        strictest_rate(records, "garbe", question=FAIRNESS),
    )


def places(records: Sequence[Record], scheme: str, of: Scope) -> Iterator[Place]:
    """Every figure of a scheme that is compared between runs."""
    for key in key_states(records, scheme):
        yield from (Place(scheme, key, reading.question, reading.headline) for reading in of.readings)
        yield from (Place(scheme, key, *own) for own in _own_metrics(records, scheme, key, of))


def find_figure(records: Sequence[Record], place: Place, of: Scope) -> Figure:
    """The figure at a place: of the strongest attack, or of the harness itself."""
    reading = next((one for one in of.readings if one.question == place.question), None)
    if reading is not None:
        return _strongest(records, place, reading)
    record = harness_record(records, place.scheme, place.question, stolen=place.key == STOLEN)
    if record is None:
        return Figure(None, None, "not run")
    one = find(record, place.metric)
    why = NOT_MEASURED if record.status is Status.OK else str(record.status)
    return Figure(record, one, "" if one else printed(why))


def _strongest(records: Sequence[Record], place: Place, reading: Reading) -> Figure:
    choice = choose(records, place.scheme, reading, key=place.key)
    attacks, best = choice.attacks, choice.strongest
    if best is not None:
        return Figure(best, find(best, reading.headline))
    failed = [one for one in attacks if one.status in (Status.FAILED, Status.TIMED_OUT)]
    why = (
        f"{len(failed)} of {len(attacks)} attacks failed"
        if failed
        else "not measured: every attack fails on the ceiling control"
    )
    return Figure(None, None, why if attacks else "not run")


def _own_metrics(records: Sequence[Record], scheme: str, key: str, of: Scope) -> Iterator[tuple[str, str]]:
    """The figures that the harness measures of a row without an attacker."""
    if key == DISCLOSED:
        return
    questions = {record.cell.question for record in records}
    if VERIFY in questions:
        decides = any(find(record, flat("fnmr", OWN)) for record in records if record.cell.scheme == scheme)
        point = [flat(metric, OWN) for metric in ("fnmr", "fmr_reached")]
        curve = ["eer", *([flat("fnmr", of.fnmr_rate)] if of.fnmr_rate else [])]
        yield from ((VERIFY, metric) for metric in (point if decides else curve))
    uneven = (one for record in records if record.cell.question == FAIRNESS for one in record.measurements)
    names = {one.name for one in uneven if (one.metric, one.at) == ("garbe", of.fairness_rate)}
    yield from ((FAIRNESS, name) for name in sorted(names))
    if key != STOLEN and COST in questions:
        yield from ((COST, metric) for metric in _COSTS)
