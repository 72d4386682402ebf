"""Absolute limits of a gate: bounds for a question's strongest attack, or for a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mote_bench.analysis.figures import Place, Scope, find_figure, scope
from mote_bench.analysis.gate import HELD, OVER, UNMEASURED, Comparison
from mote_bench.analysis.selection import DISCLOSED, STOLEN, find
from mote_bench.analysis.standings import key_states
from mote_bench.contracts import InputError, Measurement, Record
from mote_bench.questions.harness import HARNESS
from mote_bench.questions.installed import described


@dataclass(frozen=True)
class Limits:
    """Bounds by question or metric: ``most`` for what is worse when high, ``least`` for what is worse when low."""

    most: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)


def parse(options: Sequence[str], flag: str) -> dict[str, float]:
    """``NAME=VALUE`` options as a mapping.

    Raises
    ------
    InputError
        On anything else.
    """
    found = {}
    for option in options:
        name, _, value = option.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise InputError(f"{flag} {option}: expected NAME=NUMBER, as in {flag} gender=0.60") from None
    return found


def limited(limits: Limits, records: Sequence[Record], *, schemes: Sequence[str]) -> tuple[Comparison, ...]:
    """Compare every row of the schemes with the limits; a figure that was not measured fails its limit.

    Raises
    ------
    InputError
        On a limit for a figure that does not exist, and on a limit for the harmless side.
    """
    of = scope(records)
    ways = (("lower", limits.most), ("higher", limits.least))
    return tuple(
        comparison
        for better, bounds in ways
        for name, limit in bounds.items()
        for scheme in schemes
        for comparison in _of_scheme(name, limit, scheme=scheme, better=better, records=records, of=of)
    )


def _of_scheme(
    name: str, limit: float, *, scheme: str, better: str, records: Sequence[Record], of: Scope
) -> Iterator[Comparison]:
    found = list(_places(name, scheme, records, of))
    if not found:
        known = ", ".join(reading.question for reading in of.readings)
        raise InputError(
            f"a limit on '{name}', which has no figure of '{scheme}'; expected a question ({known}) or a metric of "
            "verification, fairness or cost, such as eer or bytes_per_template"
        )
    for place in found:
        way = described(place.metric, place.question).better
        if way != better:
            flag, bound = ("--max", "at most") if way == "lower" else ("--min", "at least")
            raise InputError(
                f"{name}: {way} {place.metric} is better; give the bound it must be {bound}: {flag} {name}=NUMBER"
            )
        yield _held(place, limit, better, records, of)


def _held(place: Place, limit: float, better: str, records: Sequence[Record], of: Scope) -> Comparison:
    now = find_figure(records, place, of)
    if now.one is None:
        return Comparison(place, UNMEASURED, None, now, why=f"limit {limit:g}: {now.why}", lost=True)
    over = now.one.value > limit if better == "lower" else now.one.value < limit
    bound = "at most" if better == "lower" else "at least"
    return Comparison(place, OVER if over else HELD, None, now, why=f"limit: {bound} {limit:g}{_doubt(now.one, limit)}")


def _doubt(one: Measurement, limit: float) -> str:
    return (
        "; inconclusive: the 95 % interval contains the limit, use more subjects"
        if one.low <= limit <= one.high
        else ""
    )


def _places(name: str, scheme: str, records: Sequence[Record], of: Scope) -> Iterator[Place]:
    """The rows of a scheme that have a figure for this question or harness metric."""
    reading = next((one for one in of.readings if one.question == name), None)
    own = [record for record in records if record.cell.scheme == scheme]
    for key in key_states(own, scheme):
        if reading is not None:
            yield Place(scheme, key, name, reading.headline)
            continue
        scenario = "stolen_key" if key == STOLEN else "none"
        held = (one for one in own if one.cell.question in HARNESS and str(one.cell.knowledge) == scenario)
        yield from (Place(scheme, key, one.cell.question, name) for one in held if key != DISCLOSED and find(one, name))
