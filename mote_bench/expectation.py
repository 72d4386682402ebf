"""How long a run will take: what schemes and attacks cost elsewhere, scaled to these people and this machine.

``costs.toml`` says what was measured and where. An attack costs what it takes on ``cosine``, whose scores are as good
as free, and beyond that so many scores of the scheme: these were counted, and a scheme's time for a score was taken
alone. Long templates cost attacks on bytes more. What the table doesn't know counts as the median of what it knows.
"""

from __future__ import annotations

import hashlib
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from mote_bench.contracts import Access, Cell, Knowledge, Threat
from mote_bench.formatting import plural
from mote_bench.protocol import Protocol
from mote_bench.questions.harness import NO_ATTACK, ZERO_EFFORT
from mote_bench.settings import Setting
from mote_bench.split import Split

_TABLE = Path(__file__).with_name("costs.toml")
_ROUNDS = 40


@dataclass(frozen=True)
class SchemeCost:
    """Seconds of one scheme on the machine of the table, 128-d.

    Attributes
    ----------
    fit, enroll : float
        Of the scheme, and of one person.
    score : float
        Of one score among many where every template has a key of its own.
    shared : float
        The same where one key is presented to all, or there is none.
    call, first : float
        Of one score alone; and of the first one under a key, or on a template, that is new.
    columns : int
        Numbers that an attack on bytes reads from a template.
    """

    fit: float
    enroll: float
    score: float
    shared: float
    call: float
    first: float
    columns: float


@dataclass(frozen=True)
class AttackCost:
    """What one attack takes of the people of the table.

    Attributes
    ----------
    seconds : float
        On ``cosine``.
    scores, calls, templates : float
        Scores that it asks of the scheme, in how many calls, and how many templates these are given in all.
    per_thousand : float
        Further seconds for each thousand numbers of a template beyond those of ``cosine``.
    """

    seconds: float
    scores: float
    calls: float
    templates: float
    per_thousand: float


@dataclass(frozen=True)
class Costs:
    """The table: of whom, and by name."""

    people: int
    enrolments: int
    reference: float
    schemes: Mapping[str, SchemeCost]
    attacks: Mapping[str, AttackCost]


@dataclass(frozen=True)
class Expected:
    """Seconds that a run is expected to take, and of each scheme's cells and enrolments on one core."""

    seconds: float
    of_schemes: Mapping[str, float]
    unknown: tuple[str, ...]


def announced(setting: Setting, cells: Sequence[Cell], jobs: int) -> str:
    """What to say before the cells are run."""
    if not cells:
        return "expected: no time; every cell is finished"
    return sentence(expected(cells, setting.split, setting.protocol, jobs=jobs, factor=speed()), jobs)


def sentence(expected: Expected, jobs: int) -> str:
    """How long, by what, and which schemes take most of it."""
    longest = sorted(expected.of_schemes.items(), key=lambda item: -item[1])[:3]
    most = ", ".join(f"{name} {_duration(seconds)}" for name, seconds in longest)
    guess = f"; nothing is known of {', '.join(expected.unknown)}" if expected.unknown else ""
    return (
        f"expected: about {_duration(expected.seconds)} on {plural(jobs, 'core')}, by what schemes and attacks took "
        f"elsewhere, scaled to these people and this machine; half or twice that is possible{guess}; "
        f"most of it: {most}"
    )


@cache
def costs() -> Costs:
    """The shipped table."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    schemes = {name: SchemeCost(*row) for name, row in table["schemes"].items()}
    attacks = {name: AttackCost(*row) for name, row in table["attacks"].items()}
    return Costs(table["people"], table["enrolments"], table["reference"], schemes, attacks)


def speed() -> float:
    """How much longer this machine takes than that of the table, by a tenth of a second of sums, hashes and loops."""
    return _work() / costs().reference


def _work() -> float:
    """CPU seconds of a fixed piece of work on one thread; the best of three."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return min(_timed() for _ in range(3))


def _timed() -> float:
    table = np.random.default_rng(0).standard_normal((400, 400)).astype(np.float32)
    start = time.process_time()
    for _ in range(_ROUNDS):
        hashlib.sha256((table @ table.T).tobytes()).digest()
        sum(value * value for value in range(5_000))
    return time.process_time() - start


def expected(
    cells: Sequence[Cell], split: Split, protocol: Protocol, *, jobs: int, factor: float, table: Costs | None = None
) -> Expected:
    """What the cells will take.

    Parameters
    ----------
    jobs : int
        Worker processes among which the work is dealt.
    factor : float
        How much longer this machine takes than that of the table: :func:`speed`.
    """
    known = table or costs()
    sets = (split.target, split.rehearsal, split.shadow)
    share = sum(len(people.references) for people in sets) / known.people
    names = list(dict.fromkeys(cell.scheme for cell in cells))
    unknown = [name for name in names if name not in known.schemes]
    of_schemes = {
        name: factor * _of_scheme(known, name, [cell for cell in cells if cell.scheme == name], protocol, share)
        for name in names
    }
    return Expected(sum(of_schemes.values()) / max(jobs, 1), of_schemes, tuple(unknown))


def _of_scheme(known: Costs, name: str, cells: list[Cell], protocol: Protocol, share: float) -> float:
    scheme = known.schemes.get(name) or SchemeCost(*_medians(known.schemes.values()))
    people = known.enrolments * share
    tasks = {
        (cell.attack, cell.question, cell.knowledge) for cell in cells if cell.attack not in (ZERO_EFFORT, NO_ATTACK)
    }
    scenarios = {cell.knowledge for cell in cells if cell.attack == ZERO_EFFORT}
    seconds = scheme.fit + scheme.enroll * people
    seconds += sum(_of_attack(known, scheme, ZERO_EFFORT, knowledge, share) for knowledge in scenarios)
    for attack, _, knowledge in tasks:
        seconds += min(protocol.seconds_per_attack, _of_attack(known, scheme, attack, knowledge, share))
    return seconds


def _of_attack(known: Costs, scheme: SchemeCost, name: str, knowledge: str, share: float) -> float:
    attack = known.attacks.get(name) or AttackCost(*_medians(known.attacks.values()))
    longer = max(0, scheme.columns - known.schemes["cosine"].columns) / 1000
    seconds = attack.seconds + attack.per_thousand * longer
    if _every_key(knowledge):
        asked = attack.templates * scheme.first + attack.scores * scheme.score
    else:
        asked = attack.calls * scheme.call + attack.scores * scheme.shared
    return (seconds + asked) * share


def _every_key(knowledge: str) -> bool:
    """Whether records are asked by turns, each under a key of its own; at a door one person comes after the other."""
    if knowledge == "none":
        return False
    threat = Threat.parse(knowledge)
    held = threat.knowledge in (Knowledge.STOLEN_KEY, Knowledge.FULL_DISCLOSURE)
    return held and threat.access is Access.RECORD


def _medians(rows: Iterable[SchemeCost] | Iterable[AttackCost]) -> list[float]:
    columns = zip(*(vars(row).values() for row in rows), strict=True)
    return [median(column) for column in columns]


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
