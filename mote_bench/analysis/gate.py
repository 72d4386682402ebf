"""Compares a new run with a baseline: per scheme and question better, same, worse or unmeasured, by paired intervals.

Two runs on the same subjects are compared as paired samples. Records hold the influence of each subject on each
figure, so the effect of an easy or a hard subject on both figures cancels in their difference. All comparisons of one
gate share one false alarm rate (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from mote_bench.analysis.figures import Figure, Place, find_figure, places, scope
from mote_bench.analysis.standings import row_name
from mote_bench.contracts import InputError, Measurement, Record
from mote_bench.metrics.differences import difference, together
from mote_bench.planning.spec import DEVICE, device_of
from mote_bench.questions.harness import COST
from mote_bench.questions.installed import described
from mote_bench.records.boards import board_of

FALSE_ALARMS = 0.01
"""Family-wise false alarm rate: the share of gates over unchanged code that may report any figure as worse."""
TOLERANCE = 0.02
"""Minimum effect size, on the metric's own scale: smaller changes count as the same."""

BETTER, SAME, WORSE, UNMEASURED = "better", "same", "worse", "unmeasured"
OVER, HELD = "over the limit", "within the limit"
FAIL_ON = {"worse": WORSE, "unmeasured": UNMEASURED, "limit": OVER}
"""The verdicts that a gate can fail on, by the value of ``--fail-on``."""

_RELATIVE = 0.01  # of bytes: sizes are counted, not sampled, and a codec's header may move
_ENVIRONMENT = ("mote_bench", "engine_source", "python", "platform", DEVICE, "numpy", "scipy", "scikit-learn", "torch")


@dataclass(frozen=True)
class Comparison:
    """One figure of one scheme in the new run and in the baseline.

    Attributes
    ----------
    verdict : str
        ``better``, ``same``, ``worse`` or ``unmeasured``; of a limit ``over the limit`` or ``within the limit``.
    low, high : float, optional
        Interval of the worsening, adjusted for the number of comparisons of the gate.
    detectable : float, optional
        The smallest worsening that this comparison finds with probability 0.9.
    paired : float, optional
        Correlation of the two figures over the subjects of both runs; 0 where it is unknown.
    why : str
        The reason for a verdict that the numbers do not give.
    lost : bool
        Whether an unmeasured figure was measured before.
    """

    place: Place
    verdict: str
    before: Figure | None
    now: Figure
    low: float | None = None
    high: float | None = None
    detectable: float | None = None
    paired: float | None = None
    why: str = ""
    lost: bool = False

    @property
    def row(self) -> str:
        """The scheme as the boards name its row."""
        return row_name(self.place.scheme, self.place.key)


@dataclass(frozen=True)
class Gate:
    """The result: every comparison, and the differences between the two runs besides the scheme."""

    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    tolerance: float
    fail_on: tuple[str, ...]

    @property
    def failures(self) -> tuple[Comparison, ...]:
        """The comparisons that the gate fails on; a figure that neither run measured does not count."""
        return tuple(
            one for one in self.comparisons if one.verdict in self.fail_on and (one.verdict != UNMEASURED or one.lost)
        )


def compare(
    baseline: Sequence[Record],
    candidate: Sequence[Record],
    *,
    schemes: Sequence[str],
    tolerance: float = TOLERANCE,
    fail_on: Sequence[str] = tuple(FAIL_ON.values()),
) -> Gate:
    """Compare the figures of some schemes in two runs.

    Parameters
    ----------
    baseline, candidate : sequence of Record
        One board each: one protocol, data set and seed. Both of the same protocol and data; the seeds may differ.
    schemes : sequence of str
        Which schemes are gated.
    tolerance : float
        A change counts only when its whole interval is beyond this.

    Raises
    ------
    InputError
        When the two runs cannot be compared.
    """
    _check_comparable(baseline, candidate)
    both, of = [*baseline, *candidate], scope(baseline)
    pairs = [
        _Pair(place, find_figure(baseline, place, of), find_figure(candidate, place, of))
        for scheme in schemes
        for place in places(both, scheme, of)
    ]
    family = max(1, sum(pair.both for pair in pairs))
    found = tuple(_compared(pair, family, tolerance) for pair in pairs)
    return Gate(found, tuple(_differences(baseline[0], candidate[0])), tolerance, tuple(fail_on))


@dataclass(frozen=True)
class _Pair:
    """One figure in both runs."""

    place: Place
    before: Figure
    now: Figure

    @property
    def both(self) -> bool:
        return self.before.one is not None and self.now.one is not None


def _check_comparable(baseline: Sequence[Record], candidate: Sequence[Record]) -> None:
    for name, records in (("baseline", baseline), ("new run", candidate)):
        boards = sorted({board_of(one.cell) for one in records})
        if len(boards) != 1:
            named = "; ".join(f"{protocol}, {data}, seed {seed}" for protocol, data, seed in boards) or "no record"
            raise InputError(f"the {name} holds {len(boards)} boards ({named}); expected one: choose by --protocol, "
                             "--data and --seed, or give a folder of its own")  # fmt: skip
    one, other = baseline[0], candidate[0]
    if one.cell.protocol != other.cell.protocol:
        raise InputError(f"the baseline is of protocol {one.cell.protocol}, the new run of {other.cell.protocol}; "
                         "figures of two protocols are never compared")  # fmt: skip
    for part, what in (("protocol_sha256", "protocol"), ("data_sha256", "data"), ("bins", "bins of the data")):
        if one.provenance.get(part) != other.provenance.get(part):
            raise InputError(f"the {what} of the two runs differ (by checksum); make a new baseline: "
                             "python -m mote_bench run --out DIR")  # fmt: skip


def _compared(pair: _Pair, family: int, tolerance: float) -> Comparison:
    before, now = pair.before, pair.now
    blank = Comparison(pair.place, UNMEASURED, before, now)
    if before.one is None or now.one is None:
        why = "; ".join(f"{when}: {one.why}" for when, one in (("before", before), ("now", now)) if one.one is None)
        return replace(blank, why=why, lost=before.one is not None)
    if pair.place.question == COST:
        return _counted(blank, before.one, now.one)
    better = described(pair.place.metric, pair.place.question).better
    paired = together(before.influence, now.influence)
    z = NormalDist().inv_cdf(1 - FALSE_ALARMS / family)
    change = difference(before.one, now.one, paired, worse=1.0 if better == "lower" else -1.0, z=z)
    return replace(
        blank,
        verdict=WORSE if change.low > tolerance else BETTER if change.high < -tolerance else SAME,
        low=change.low,
        high=change.high,
        detectable=tolerance + change.detectable,
        paired=paired,
    )


def _counted(blank: Comparison, before: Measurement, now: Measurement) -> Comparison:
    """Bytes are counted, not sampled: a difference above 1 % is a change."""
    apart, least = now.value - before.value, _RELATIVE * before.value
    verdict = WORSE if apart > least else BETTER if apart < -least else SAME
    return replace(blank, verdict=verdict, low=apart, high=apart, detectable=least)


def _differences(one: Record, other: Record) -> Iterator[str]:
    """Differences between the runs besides the gated schemes, which may be the cause of a change."""
    before, now = ({**each.provenance, DEVICE: device_of(each.provenance)} for each in (one, other))
    changed = [part for part in _ENVIRONMENT if before.get(part) != now.get(part)]
    if changed:
        told = (f"{part.replace('_', ' ')} {before.get(part)} -> {now.get(part)}" for part in changed)
        yield f"the two runs differ in more than the scheme: {', '.join(told)}"
