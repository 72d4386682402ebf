"""All pairs of very many subjects, as tasks that workers share: each task compares two groups of subjects, both ways.

A comparison of moderate size is one task. A larger one takes several rounds of tasks: the driver sends each a pass of
:mod:`mote_bench.metrics.passes` with the subjects of its part, and adds up what comes back. Figures depend neither on
the number of workers nor on the order in which tasks end.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import ceil, sqrt
from typing import Any

import numpy as np

from mote_bench.contracts import Scheme
from mote_bench.engine import tasks
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.execution.workers import Task
from mote_bench.metrics.blocks import Layout, Mask, Part, Positions, parts_of
from mote_bench.metrics.fairness import wanted_of_groups
from mote_bench.metrics.passes import Partial, Pass, Top
from mote_bench.metrics.tiles import Found, error_rates
from mote_bench.metrics.verification import Errors, Index

PART = 25_000_000
"""Scores of a task: a few seconds for fast schemes, and few enough subjects to send."""
_FEWEST_GROUPS = 6
"""21 parts, so that a few workers have about equal shares."""

Call = Callable[[], tuple[Callable[..., Outcome], tuple[Any, ...]]]
"""Makes the function of a task and its arguments, once a worker is free for it."""


@dataclass(frozen=True, eq=False)
class Round:
    """Tasks that can run side by side, and what takes the value of each by its number."""

    calls: Sequence[Call]
    take: Callable[[int, Any], None]


Steps = Generator[Round, None, Any]
"""A comparison: yields rounds, continues when all tasks of the round are done, and returns its value."""

Ahead = tuple[Any, Callable[[], Steps], int]
"""The key of a comparison, what starts its steps, and the number of its tasks."""


@dataclass(frozen=True)
class Size:
    """Of trials: the subjects, and the scores of all their templates and probes."""

    people: int
    scores: int

    @property
    def at_once(self) -> bool:
        """Whether all scores are held in memory by one task."""
        return self.scores <= tasks.AT_ONCE

    @property
    def groups(self) -> list[Index]:
        """The subjects in groups, two of which make a part."""
        groups = max(_FEWEST_GROUPS, ceil(sqrt(2 * self.scores / PART)))
        return np.array_split(np.arange(self.people), min(groups, self.people))

    @property
    def parts(self) -> int:
        """The number of parts."""
        groups = len(self.groups)
        return groups * (groups + 1) // 2


def tasks_of_comparison(targets: Size, shadow: Size, *, has_identity: bool) -> int:
    """The number of tasks of :func:`compared`: genuine scores, three passes over all, and what few templates show."""
    if not has_identity or Size(targets.people, targets.scores + shadow.scores).at_once:
        return 1
    return tasks_of_thresholds(shadow) + len(targets.groups) + 3 * targets.parts + 1


def tasks_of_thresholds(people: Size) -> int:
    """The number of tasks of :func:`thresholds`."""
    return 1 if people.at_once else people.parts


def compared(scheme: Scheme, comparison: tasks.Comparison) -> Steps:
    """Verification and fairness of one scheme: steps to a :class:`~mote_bench.engine.tasks.Verified`."""
    sizes = [_size(comparison.targets), _size([comparison.shadow])]
    if tasks_of_comparison(*sizes, has_identity=comparison.has_identity) == 1:
        return (yield from _alone(tasks.verify, (scheme, comparison)))
    protocol = comparison.protocol
    known = yield from thresholds(scheme, comparison.shadow, sorted({*protocol.fmr, protocol.fairness_fmr}))
    targets = _AllPairs(scheme, comparison.targets)
    overall = tasks.rates(protocol, known)
    fair = known[tasks.fairness_point(protocol, known)]
    members = wanted_of_groups(targets.layout.people, comparison.groups, fair)
    first, *others = yield from targets.errors([(None, overall), *members])
    groups = tuple((member, errors) for (member, _), errors in zip(members, others, strict=True))
    found = Found(targets.layout.people, first, groups)
    return (yield from _alone(tasks.conclude, (scheme, comparison.few(), found, known)))


def thresholds(scheme: Scheme, people: tasks.Trials, rates: Sequence[str]) -> Steps:
    """Steps to :func:`scoring.thresholds` of these people, from the highest impostor scores only if there are many."""
    size = _size([people])
    if size.at_once:
        return (yield from _alone(tasks.thresholds, (scheme, people, rates)))
    pairs = _AllPairs(scheme, (people,))
    top = Top(int(max(map(float, rates)) * people.scores) + 2)
    highest = top.start(pairs.layout)
    # A part that is handed out later needs none below the highest so far.
    yield pairs.round(lambda: [(None, replace(top, cut=highest.cut))], [(pairs.layout, highest)], own_only=False)
    return tasks.rule(scheme)(highest.values, rates, trials=highest.impostors)


def see(
    scheme: Scheme, targets: Sequence[tasks.Trials], first: int | None, wanted: Sequence[tuple[Mask | None, Pass]]
) -> Outcome:
    """The task of a part: what each pass sees of its scores, among all its subjects or some."""
    return guarded(lambda: replace(tasks.in_tiles(scheme, targets), first=first).seen(wanted))


def _alone(function: Callable[..., Outcome], arguments: tuple[Any, ...]) -> Steps:
    values: list[Any] = []
    yield Round([lambda: (function, arguments)], lambda _, value: values.append(value))
    return values[0]


def _size(targets: Sequence[tasks.Trials]) -> Size:
    return Size(len(targets[0].templates), sum(one.scores for one in targets))


@dataclass(frozen=True, eq=False)
class _AllPairs:
    """The trials of one scheme's subjects, in parts."""

    scheme: Scheme
    targets: tuple[tasks.Trials, ...]

    @cached_property
    def layout(self) -> Layout:
        return tasks.in_tiles(self.scheme, self.targets).layout

    def errors(
        self, wanted_rates: Sequence[tuple[Mask | None, Mapping[str, float]]]
    ) -> Generator[Round, None, list[Errors | str]]:
        """The error rates at thresholds among all subjects or some, or why there are none."""
        layouts = [self.layout if member is None else self.layout.inside(member) for member, _ in wanted_rates]
        passes = [error_rates(layout, known) for layout, (_, known) in zip(layouts, wanted_rates, strict=True)]
        wanted = {place: next(one) for place, one in enumerate(passes)}
        found: dict[int, Errors | str] = {}
        while wanted:
            seen = {place: one.start(layouts[place]) for place, one in wanted.items()}
            now = [(wanted_rates[place][0], one) for place, one in wanted.items()]
            totals = [(layouts[place], one) for place, one in seen.items()]
            yield self.round(lambda now=now: now, totals, own_only=all(one.own_only for _, one in now))  # type: ignore[misc]
            wanted = {}
            for place, one in seen.items():
                try:
                    wanted[place] = passes[place].send(one)
                except StopIteration as done:
                    found[place] = done.value
                except ValueError as error:  # such as a group without genuine scores
                    found[place] = str(error)
        return [found[place] for place in range(len(wanted_rates))]

    def round(
        self,
        wanted: Callable[[], Sequence[tuple[Mask | None, Pass]]],
        totals: Sequence[tuple[Layout, Partial]],
        *,
        own_only: bool,
    ) -> Round:
        """A task for each part, or for those with genuine scores; what passes see is merged into the totals."""
        parts = [part for part in parts_of(_size(self.targets).groups) if part.own or not own_only]

        def call(part: Part) -> tuple[Callable[..., Outcome], tuple[Any, ...]]:
            among = [(None if member is None else member[part.people], one) for member, one in wanted()]
            here = tuple(one.among(part.people) for one in self.targets)
            return see, (self.scheme, here, None if part.own else part.first, among)

        def take(number: int, seen: Sequence[Partial]) -> None:
            for (layout, total), one in zip(totals, seen, strict=True):
                total.merge(one, Positions.of(layout, parts[number].people))

        return Round([partial(call, part) for part in parts], take)


@dataclass(frozen=True, eq=False)
class Done:
    """A comparison that has ended: its outcome, over all its tasks, and how many tasks it didn't need any more."""

    outcome: Outcome
    skipped: int


@dataclass(eq=False)
class _UnderWay:
    steps: Steps
    round: Round
    left: int
    handed: int = 0
    taken: int = 0
    outcomes: list[Outcome] = field(default_factory=list)


class Shared:
    """Comparisons whose tasks run side by side: a next one begins where the others wait for the end of a round.

    Parameters
    ----------
    ahead : iterable of Ahead
    """

    def __init__(self, ahead: Iterable[Ahead]) -> None:
        self._ahead = iter(ahead)
        self._under_way: dict[Any, _UnderWay] = {}

    def tasks(self) -> Iterator[Task | None]:
        """The tasks, by (key of the comparison, number); ``None`` where the next one waits for an outcome."""
        while True:
            ready = next((key for key, one in self._under_way.items() if one.handed < len(one.round.calls)), None)
            if ready is not None:
                one = self._under_way[ready]
                number, one.handed, one.left = one.handed, one.handed + 1, one.left - 1
                yield Task((ready, number), *one.round.calls[number]())
            elif (new := next(self._ahead, None)) is not None:
                key, start, count = new
                steps = start()
                self._under_way[key] = _UnderWay(steps, next(steps), count)
            elif self._under_way:
                yield None
            else:
                return

    def take(self, key: Any, number: int, outcome: Outcome) -> Done | None:
        """Take the outcome of a task; ``None`` if its comparison goes on, or has failed before."""
        if (one := self._under_way.get(key)) is None:
            return None
        one.outcomes.append(outcome)
        one.taken += 1
        if outcome.error is not None:
            return self._ended(key, outcome)
        next_round = guarded(lambda: self._continued(one, number, outcome.value))
        if next_round.error is not None:
            return self._ended(key, next_round)
        if isinstance(next_round.value, Round):
            one.round, one.handed, one.taken = next_round.value, 0, 0
            return None
        return None if next_round.value is None else self._ended(key, replace(next_round, value=next_round.value[0]))

    @staticmethod
    def _continued(one: _UnderWay, number: int, value: Any) -> Round | tuple[Any] | None:
        """The next round, the comparison's value (as a tuple), or ``None`` while the round has tasks under way."""
        one.round.take(number, value)
        if one.taken < len(one.round.calls):
            return None
        try:
            return next(one.steps)
        except StopIteration as done:
            return (done.value,)

    def _ended(self, key: Any, outcome: Outcome) -> Done:
        one = self._under_way.pop(key)
        together = replace(
            outcome,
            seconds=sum(each.seconds for each in one.outcomes),
            cpu_seconds=sum(each.cpu_seconds for each in one.outcomes),
            peak_bytes=max(each.peak_bytes for each in one.outcomes),
        )
        return Done(together, one.left)
