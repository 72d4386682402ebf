"""Error rates over more scores than fit into memory: the same figures, computed tile by tile.

FNMR changes at genuine scores only, and these are few. So a first pass counts impostor scores between genuine ones,
which gives the EER and the whole curve exactly; only genuine scores are sorted. Order statistics of impostor scores
come from a fine histogram and a second pass over the bins that hold them. Intervals come from a third pass, which sums
over pairs that share a subject. Memory grows with the number of subjects and genuine scores, not with their square.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mote_bench.contracts import FloatArray

from .blocks import Block, Layout, Mask, Pair, Part, Some, Tile
from .intervals import PairSums, Proportion, proportion_of_sums
from .passes import Count, Counts, Genuine, GenuineSeen, Partial, Pass, Pick, Picked, Scale, Sum, Sums, Top
from .verification import (
    AtEqualErrors,
    Errors,
    Index,
    as_readable,
    by_person,
    interval_of_curve,
    readable_share,
    spread_points,
)

Ask = Callable[[Index, Index], FloatArray]
"""Scores (k, l) of templates ``rows`` (k,) against probes ``columns`` (l,); equal for equal arguments."""


@dataclass(frozen=True, eq=False)
class Tiles:
    """Comparison scores of every template against every probe, in tiles; in memory: :class:`~.verification.Scores`.

    Parameters
    ----------
    ask : callable
        Returns the (k, l) scores of k templates against l probes. It is called three times for each tile.
    enrolled, shown : (n,), (m,) int
        Subject index of each template and of each probe.
    most : int
        Approximate number of scores in a tile.
    first : int, optional
        Compare the first so many of ``people`` with the others only: the scores of a :class:`~.blocks.Part`.
    """

    ask: Ask
    enrolled: Index
    shown: Index
    most: int = 2_000_000
    first: int | None = None

    @cached_property
    def layout(self) -> Layout:
        """Whose the templates and probes are."""
        return Layout(self.enrolled, self.shown)

    @property
    def people(self) -> Index:
        """(P,) every subject index that occurs."""
        return self.layout.people

    def inside(self, member: Mask) -> Tiles:
        """The scores among the subjects p with ``member[p]``."""
        rows, columns = np.flatnonzero(member[self.enrolled]), np.flatnonzero(member[self.shown])
        return Tiles(lambda r, c: self.ask(rows[r], columns[c]), self.enrolled[rows], self.shown[columns], self.most)

    def part(self, part: Part) -> Tiles:
        """The scores of a part of the subjects."""
        member = np.zeros(self.people.max() + 1, dtype=bool)
        member[part.people] = True
        inside = self.inside(member)
        return Tiles(inside.ask, inside.enrolled, inside.shown, self.most, None if part.own else part.first)

    def errors(self, thresholds: Mapping[str, float]) -> Errors:
        """The error rates, overall and at each threshold."""
        passes = error_rates(self.layout, thresholds)
        wanted = next(passes)
        while True:
            try:
                wanted = passes.send(self.seen([(None, wanted)])[0])
            except StopIteration as done:
                errors: Errors = done.value
                return errors

    def seen(self, wanted: Sequence[tuple[Mask | None, Pass]]) -> list[Partial]:
        """What passes see of the scores, each tile computed once for all of them.

        Parameters
        ----------
        wanted : sequence of ((P,) bool or None, Pass)
            Each with those of ``people`` among whom it counts; ``None`` for all. All passes are ``own_only``, or none.
        """
        among = [None if member is None else Some(self.layout, member) for member, _ in wanted]
        seen = [
            one.start(self.layout if some is None else some.layout)
            for some, (_, one) in zip(among, wanted, strict=True)
        ]
        for pair in self._pairs(own_only=all(one.own_only for _, one in wanted)):
            for some, (_, one), partial in zip(among, wanted, seen, strict=True):
                one.see(partial, pair if some is None else some.of(pair))
        return seen

    def highest(self, count: int) -> tuple[FloatArray, int]:
        """The ``count`` highest impostor scores, unsorted, and the number of all impostor scores."""
        wanted = Top(count)
        found = wanted.start(self.layout)
        for pair in self._pairs():
            wanted.see(found, pair)
        return found.values, found.impostors

    def each(self) -> Iterator[Tile]:
        """Every tile."""
        for pair in self._pairs():
            yield from pair.tiles

    @cached_property
    def _blocks(self) -> tuple[list[Block], list[Block]]:
        """The subjects in groups whose templates and probes make a tile; one list twice without ``first``."""
        groups = int(np.ceil(np.sqrt(self.layout.scores / self.most)))
        if self.first is None:
            blocks = self._split(self.people, groups)
            return blocks, blocks
        half = (groups + 1) // 2
        return self._split(self.people[: self.first], half), self._split(self.people[self.first :], half)

    def _split(self, people: Index, groups: int) -> list[Block]:
        return [self.layout.block(some) for some in np.array_split(people, max(1, min(groups, len(people))))]

    def _pairs(self, *, own_only: bool = False) -> Iterator[Pair]:
        first, second = self._blocks
        for place, one in enumerate(first):
            others = second if first is not second else second[place : place + 1 if own_only else None]
            for other in others:
                both = [(one, one)] if one is other else [(one, other), (other, one)]
                yield Pair(
                    one, other, tuple(self._tile(*two) for two in both if len(two[0].rows) and len(two[1].columns))
                )

    def _tile(self, rows: Block, columns: Block) -> Tile:
        scores = np.asarray(self.ask(rows.rows, columns.columns), dtype=float)
        if scores.shape != (len(rows.rows), len(columns.columns)) or not np.isfinite(scores).all():
            raise ValueError(f"a tile of scores has shape {scores.shape} or holds NaN; expected finite scores")
        mated = rows.of_row[:, None] == columns.of_column[None, :] if rows is columns else None
        return Tile(rows, columns, scores, mated)


@dataclass(frozen=True, eq=False)
class Found:
    """Error rates that were found before, for measures that ask scores for them.

    Attributes
    ----------
    people : (P,) int
        Every subject index that occurs.
    rates : Errors or str
        At the thresholds that the measure asks for, or why there are none.
    groups : sequence of ((n,) bool, Errors or str)
        The same among the subjects p with ``member[p]``.
    """

    people: Index
    rates: Errors | str
    groups: Sequence[tuple[Mask, Errors | str]] = ()

    def inside(self, member: Mask) -> Found:
        """The error rates among the subjects p with ``member[p]``."""
        rates = next(rates for known, rates in self.groups if np.array_equal(known, member))
        return Found(self.people[member[self.people]], rates)

    def errors(self, thresholds: Mapping[str, float]) -> Errors:
        """The error rates.

        Raises
        ------
        ValueError
            Where there are none.
        """
        if isinstance(self.rates, str):
            raise ValueError(self.rates)
        return self.rates


def error_rates(layout: Layout, thresholds: Mapping[str, float]) -> Generator[Pass, Any, Errors]:
    """The error rates, overall and at each threshold, from four passes over the scores.

    Yields
    ------
    Pass
        What to see next; what was seen is sent in return.

    Raises
    ------
    ValueError
        Without genuine or without impostor scores.
    """
    genuine: GenuineSeen = yield Genuine()
    if len(genuine.values) in (0, layout.scores):
        raise ValueError("no genuine or no impostor pair among the scores; expected both")
    count = Count(Scale.of(genuine.low, genuine.high, layout.scores), np.unique(genuine.values))
    counts: Counts = yield count
    trials = len(genuine.values), int(counts.histogram.sum())
    points = _points(np.sort(genuine.values), count, counts)
    apart = points.false_non_matches - points.false_matches
    estimate = float(np.interp(0, apart, points.false_non_matches))
    people, share = len(layout.people), 2 / len(layout.people)
    order = _Order(counts.histogram, count.scale, (readable_share(estimate, people), 1 - share, share))
    picked: Picked = yield order.wanted
    readable, high, low = order.quantiles(picked)
    needed = [*thresholds.values(), readable]
    # Only where no pair is accepted, or none refused, are rates at a high or a low threshold used.
    spare = {0.0: high} if max(needed) > counts.high else {}
    spare |= {1.0: low} if min(needed) <= counts.low else {}
    sums: Sums = yield Sum((*needed, *spare.values()))
    found = [_proportion(layout, sums, place) for place in range(len(needed) + len(spare))]
    readable_at = dict(zip(spare, found[len(needed) :], strict=True))
    *rates, at_readable = [
        as_readable(rate, readable_at[rate.value]) if rate.value in readable_at else rate
        for rate in found[: len(needed)]
    ]

    def missed(threshold: float) -> Proportion:
        return by_person(layout, layout.people[genuine.places], genuine.values < threshold)

    at_equal = AtEqualErrors(estimate, missed(points.thresholds[np.searchsorted(apart, 0)]), at_readable)
    enrolled = np.isin(layout.shown, layout.enrolled)
    return Errors(
        people=layout.people,
        claimants=len(np.intersect1d(layout.enrolled, layout.shown)),
        templates=len(layout.enrolled),
        trials=trials,
        eer=estimate,
        eer_interval=interval_of_curve(points.false_matches, points.false_non_matches, at_equal),
        eer_influence=at_equal.influence,
        rank=by_person(layout, layout.shown[enrolled], counts.credit[enrolled]),
        missed={name: missed(threshold) for name, threshold in thresholds.items()},
        matched=dict(zip(thresholds, rates, strict=True)),
        det=spread_points(points.false_matches, points.false_non_matches, trials=trials),
    )


@dataclass(frozen=True, eq=False)
class _Points:
    """Operating points in ascending order: at each genuine score and just above it."""

    thresholds: FloatArray
    false_matches: FloatArray
    false_non_matches: FloatArray


def _points(genuine: FloatArray, count: Count, counts: Counts) -> _Points:
    """The operating points, from genuine scores in ascending order and what was counted between them."""
    impostors, steps = int(counts.histogram.sum()), count.steps
    at, above = count.reached(counts)
    missed_at = np.searchsorted(genuine, steps, "left") / len(genuine)
    missed_above = np.searchsorted(genuine, steps, "right") / len(genuine)
    points = _Points(
        np.concatenate([[-np.inf], np.column_stack([steps, np.nextafter(steps, np.inf)]).ravel(), [np.inf]]),
        np.concatenate([[1.0], 1 - (impostors - np.column_stack([at, above]).ravel()) / impostors, [0.0]]),
        np.concatenate([[0.0], np.column_stack([missed_at, missed_above]).ravel(), [1.0]]),
    )
    apart = points.false_non_matches - points.false_matches
    distinct = np.diff(apart, prepend=-np.inf) > 0
    return _Points(
        *(values[distinct] for values in (points.thresholds, points.false_matches, points.false_non_matches))
    )


class _Order:
    """Order statistics of all impostor scores, from a histogram and the scores in the bins that hold them.

    Attributes
    ----------
    wanted : Pick
        Collects these scores.
    """

    def __init__(self, histogram: Index, scale: Scale, shares: Sequence[float]) -> None:
        self._below, self._histogram, self._scale = np.cumsum(histogram), histogram, scale
        self._places = [(int(self._below[-1]) - 1) * share for share in shares]
        self._ranks = sorted({rank for place in self._places for rank in (int(np.floor(place)), int(np.ceil(place)))})
        self.wanted = Pick(scale, np.unique(np.searchsorted(self._below, self._ranks, "right")))

    def quantiles(self, picked: Picked) -> list[float]:
        """The quantiles at the shares, equal to those of ``numpy.quantile``."""
        of_bin = self._scale.bins(picked.values)
        before = (self._below - self._histogram)[of_bin]  # scores in lower bins
        first = np.cumsum(picked.counts) - picked.counts  # kept scores below, of which those in the same bin count
        start = first[np.searchsorted(of_bin, of_bin, "left")]
        last = before + first - start + picked.counts
        at = {rank: float(picked.values[np.searchsorted(last, rank, "right")]) for rank in self._ranks}
        return [
            float(np.quantile([at[int(np.floor(place))], at[int(np.ceil(place))]], place - np.floor(place)))
            for place in self._places
        ]


def _proportion(layout: Layout, sums: Sums, threshold: int) -> Proportion:
    """The false match rate at one of the thresholds of the sums."""
    people, successes = layout.people, sums.successes[threshold].astype(float)
    templates, probes = (
        np.bincount(np.searchsorted(people, one), minlength=len(people)).astype(float)
        for one in (layout.enrolled, layout.shown)
    )
    of_person = templates * (probes.sum() - probes) + probes * (templates.sum() - templates)
    total = float(of_person.sum()) / 2
    rate = float(successes.sum()) / 2 / total
    # The sum over all i, j of (t_i p_j + t_j p_i)^2, less i = j, is twice that over the pairs.
    everyone = 2 * (templates @ templates) * (probes @ probes) + 2 * (templates @ probes) ** 2
    trials = (everyone - 4 * float((templates * probes) @ (templates * probes))) / 2
    squares = float(sums.squares[threshold]) - 2 * rate * float(sums.products[threshold]) + rate**2 * trials
    influence = successes - rate * of_person
    return proportion_of_sums(PairSums(rate, total, int((of_person > 0).sum()), influence, squares))
