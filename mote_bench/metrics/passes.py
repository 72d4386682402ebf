"""The passes over all comparison scores from which error rates come, when the scores don't fit into memory.

A pass is a few numbers that each worker gets. It sees tiles of scores and leaves plain arrays: scores, or whole
numbers that add up. So any partition of the scores among workers, in any order, gives the same figures to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

from .blocks import Layout, Mask, Pair, Positions, Tile
from .verification import Index

_SPARSE = 16
"""Scores that reach a threshold are sorted if fewer than one pair of subjects in so many has any; else counted."""
_MOST_BINS, _LEAST_BINS, _SCORES_PER_BIN = 1 << 20, 1 << 10, 16


class Partial(Protocol):
    """What a pass has seen so far."""

    def merge(self, other: Any, place: Positions) -> None:
        """Add what the same pass saw of a part, whose subjects and probes stand at ``place`` here."""
        ...


class Pass(Protocol):
    """One way through all tiles, or through those with genuine scores only."""

    own_only: ClassVar[bool]

    def start(self, layout: Layout) -> Partial:
        """Nothing is seen yet."""
        ...

    def see(self, seen: Any, pair: Pair) -> None:
        """Add the tiles of a pair of blocks to what was seen."""
        ...


class GenuineSeen:
    """Genuine scores with the place of each subject, and the range of the tiles that hold them."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf
        self.values: FloatArray = np.empty(0)
        self.places: Index = np.empty(0, dtype=np.intp)

    def merge(self, other: GenuineSeen, place: Positions) -> None:
        """See :class:`Partial`."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.add(other.values, place.people[other.places])

    def add(self, values: FloatArray, places: Index) -> None:
        """Add further genuine scores."""
        self.values, self.places = np.concatenate([self.values, values]), np.concatenate([self.places, places])


@dataclass(frozen=True, eq=False)
class Genuine:
    """Collects the genuine scores; other scores may lie outside of the range that it finds."""

    own_only: ClassVar[bool] = True

    def start(self, layout: Layout) -> GenuineSeen:
        """See :class:`Pass`."""
        return GenuineSeen()

    def see(self, seen: GenuineSeen, pair: Pair) -> None:
        """See :class:`Pass`."""
        for tile in pair.tiles:
            row, column = np.nonzero(np.asarray(tile.mated))
            seen.low, seen.high = min(seen.low, float(tile.scores.min())), max(seen.high, float(tile.scores.max()))
            seen.add(tile.scores[row, column], tile.rows.places[tile.rows.of_row[row]])


@dataclass(frozen=True, eq=False)
class Scale:
    """Bins of equal width; scores outside fall into the first or the last one. Figures don't depend on it."""

    low: float
    per_unit: float
    size: int

    @classmethod
    def of(cls, low: float, high: float, scores: int) -> Scale:
        """Bins from ``low`` to ``high`` for so many scores."""
        size = int(np.clip(1 << (scores // _SCORES_PER_BIN).bit_length(), _LEAST_BINS, _MOST_BINS))
        return cls(low, size / (high - low) if high > low else 1.0, size)

    def bins(self, scores: FloatArray) -> npt.NDArray[np.int32]:
        """The bin of each score; bins never decrease as scores increase."""
        scaled = np.subtract(scores, self.low)
        np.multiply(scaled, self.per_unit, out=scaled)
        return np.asarray(np.clip(scaled, 0, self.size - 1, out=scaled).astype(np.int32))


class Counts:
    """Impostor scores counted between the genuine ones, and the best templates of each probe.

    Attributes
    ----------
    histogram : (bins,) int
        Number of impostor scores per bin.
    at, above : (steps + 1,) int
        Of those in a bin with a genuine score: how many lie from each step to the next, the step itself with the
        scores above it, or with those below.
    low, high : float
        The lowest and the highest impostor score.
    best : (m,) float
        The highest score of each probe so far.
    reach, own : (m,) int
        The number of templates that reach it, and of mated ones among them.
    """

    def __init__(self, bins: int, steps: int, probes: int) -> None:
        self.histogram = np.zeros(bins, dtype=np.int64)
        self.at, self.above = np.zeros((2, steps + 1), dtype=np.int64)
        self.low, self.high = np.inf, -np.inf
        self.best = np.full(probes, -np.inf)
        self.reach, self.own = np.zeros((2, probes), dtype=np.int64)

    def merge(self, other: Counts, place: Positions) -> None:
        """See :class:`Partial`."""
        self.histogram += other.histogram
        self.at += other.at
        self.above += other.above
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.reached(place.probes, other.best, other.reach, other.own)

    def reached(self, probes: Index, best: FloatArray, reach: Index, own: Index) -> None:
        """Add the best scores of some probes among further templates."""
        better, level = best > self.best[probes], best >= self.best[probes]
        for counts, here in ((self.reach, reach), (self.own, own)):
            counts[probes[better]] = 0
            counts[probes[level]] += here[level]
        self.best[probes] = np.maximum(self.best[probes], best)

    @property
    def credit(self) -> FloatArray:
        """(m,) rank-1 credit of each probe."""
        return np.asarray(self.own / self.reach)


@dataclass(frozen=True, eq=False)
class Count:
    """Counts impostor scores between the ``steps``, the genuine scores in ascending order without ties."""

    own_only: ClassVar[bool] = False
    scale: Scale
    steps: FloatArray

    def start(self, layout: Layout) -> Counts:
        """See :class:`Pass`."""
        return Counts(self.scale.size, len(self.steps), len(layout.shown))

    def see(self, seen: Counts, pair: Pair) -> None:
        """See :class:`Pass`."""
        for tile in pair.tiles:
            self._see_best(seen, tile)
            impostors = tile.impostors
            bins = self.scale.bins(impostors)
            seen.histogram += np.bincount(bins, minlength=self.scale.size)
            seen.low, seen.high = (
                min(seen.low, float(impostors.min(initial=np.inf))),
                max(seen.high, float(impostors.max(initial=-np.inf))),
            )
            close = impostors[self._shared[bins]]
            for counts, side in ((seen.at, "right"), (seen.above, "left")):
                counts += np.bincount(np.searchsorted(self.steps, close, side), minlength=len(counts))  # type: ignore[call-overload]

    def reached(self, seen: Counts) -> tuple[Index, Index]:
        """The number of impostor scores at or above each step, and the number above it."""
        passed = np.cumsum(self._of_bin) - self._of_bin
        free = ~self._shared
        far = np.bincount(passed[free], seen.histogram[free], minlength=len(seen.at)).astype(np.int64)
        return tuple(np.cumsum((counts + far)[::-1])[::-1][1:] for counts in (seen.at, seen.above))  # type: ignore[return-value]

    def _see_best(self, seen: Counts, tile: Tile) -> None:
        best = tile.scores.max(axis=0)
        at_best = tile.scores == best
        own = np.zeros(len(best), dtype=np.int64) if tile.mated is None else (tile.mated & at_best).sum(axis=0)
        seen.reached(tile.columns.columns, best, at_best.sum(axis=0), own)

    @cached_property
    def _of_bin(self) -> Index:
        """The number of steps in each bin."""
        return np.bincount(self.scale.bins(self.steps), minlength=self.scale.size)

    @cached_property
    def _shared(self) -> Mask:
        return self._of_bin > 0


class Picked:
    """Distinct impostor scores, ascending, and how often each occurs."""

    def __init__(self) -> None:
        self.values: FloatArray = np.empty(0)
        self.counts: Index = np.empty(0, dtype=np.int64)

    def merge(self, other: Picked, place: Positions) -> None:
        """See :class:`Partial`."""
        self.add(other.values, other.counts)

    def add(self, values: FloatArray, counts: Index) -> None:
        """Add further distinct scores."""
        merged, places = np.unique(np.concatenate([self.values, values]), return_inverse=True)
        counts = np.bincount(places, np.concatenate([self.counts, counts]), minlength=len(merged)).astype(np.int64)
        self.values, self.counts = merged, counts


@dataclass(frozen=True, eq=False)
class Pick:
    """Collects the impostor scores in a few bins."""

    own_only: ClassVar[bool] = False
    scale: Scale
    wanted: Index

    def start(self, layout: Layout) -> Picked:
        """See :class:`Pass`."""
        return Picked()

    def see(self, seen: Picked, pair: Pair) -> None:
        """See :class:`Pass`."""
        wanted = np.zeros(self.scale.size, dtype=bool)
        wanted[self.wanted] = True
        for tile in pair.tiles:
            impostors = tile.impostors
            seen.add(*np.unique(impostors[wanted[self.scale.bins(impostors)]], return_counts=True))


class Sums:
    """At each of T thresholds, sums of successes (scores that reach it) over pairs of different subjects, both ways.

    Attributes
    ----------
    successes : (T, P) int
        Of the pairs with each subject.
    squares, products : (T,) int
        Over pairs: of the squared successes, and of successes times trials.
    """

    def __init__(self, thresholds: int, people: int) -> None:
        self.successes = np.zeros((thresholds, people), dtype=np.int64)
        self.squares, self.products = np.zeros((2, thresholds), dtype=np.int64)

    def merge(self, other: Sums, place: Positions) -> None:
        """See :class:`Partial`."""
        self.successes[:, place.people] += other.successes
        self.squares += other.squares
        self.products += other.products


@dataclass(frozen=True, eq=False)
class Sum:
    """Sums over pairs of subjects what the variance of the false match rate needs."""

    own_only: ClassVar[bool] = False
    thresholds: tuple[float, ...]

    def start(self, layout: Layout) -> Sums:
        """See :class:`Pass`."""
        return Sums(len(self.thresholds), len(layout.people))

    def see(self, seen: Sums, pair: Pair) -> None:
        """See :class:`Pass`."""
        one, other = pair.one, pair.other
        templates, other_templates = (np.bincount(b.of_row, minlength=len(b.places)) for b in (one, other))
        probes, other_probes = (np.bincount(b.of_column, minlength=len(b.places)) for b in (one, other))
        for place, threshold in enumerate(self.thresholds):
            row, column, successes = _reached(pair, threshold)
            trials = templates[row] * other_probes[column] + other_templates[column] * probes[row]
            seen.squares[place] += successes @ successes
            seen.products[place] += successes @ trials
            for block, subjects in ((one, row), (other, column)):
                found = np.bincount(subjects, successes, minlength=len(block.places))
                seen.successes[place, block.places] += found.astype(np.int64)


def _reached(pair: Pair, threshold: float) -> tuple[Index, Index, Index]:
    """The pairs of different subjects with scores at or above the threshold, and the number of these, both ways.

    Each is a (k,) array: places in the blocks ``one`` and ``other``, and numbers. If the blocks are the same, the first
    place is the lower one.
    """
    size = len(pair.other.places)
    found = []
    for tile in pair.tiles:
        row, column = np.divmod(np.flatnonzero(tile.scores >= threshold), tile.scores.shape[1])
        subjects = tile.rows.of_row[row], tile.columns.of_column[column]
        if pair.one is pair.other:
            different = subjects[0] != subjects[1]
            subjects = np.minimum(*subjects)[different], np.maximum(*subjects)[different]
        elif tile.rows is pair.other:
            subjects = subjects[::-1]
        found.append(subjects[0] * size + subjects[1])
    cells = np.concatenate([np.empty(0, dtype=np.intp), *found])
    if len(cells) < size * len(pair.one.places) // _SPARSE:
        reached, successes = np.unique(cells, return_counts=True)
    else:
        counts = np.bincount(cells, minlength=1)
        reached = np.flatnonzero(counts)
        successes = counts[reached]
    return *np.divmod(reached, max(1, size)), successes


class Highest:
    """The ``count`` highest impostor scores, unsorted, and the number of all impostor scores."""

    def __init__(self, count: int) -> None:
        self.count, self.impostors = count, 0
        self._kept: FloatArray = np.empty(0)
        self._waiting: list[FloatArray] = []

    def merge(self, other: Highest, place: Positions) -> None:
        """See :class:`Partial`."""
        self.impostors += other.impostors
        self.add(other.values)

    def add(self, values: FloatArray) -> None:
        """Add further scores. They wait until they are as many as are kept, as choosing takes time."""
        self._waiting.append(values[values >= self.cut])
        if sum(map(len, self._waiting)) > self.count:
            self._choose()

    @property
    def values(self) -> FloatArray:
        """(k,) the scores; k is ``count`` unless there are fewer."""
        self._choose()
        return self._kept

    @property
    def cut(self) -> float:
        """No lower score is among the highest of all."""
        return float(self._kept.min()) if len(self._kept) == self.count else -np.inf

    def _choose(self) -> None:
        found, self._waiting = np.concatenate([self._kept, *self._waiting]), []
        kept = min(self.count, len(found))
        self._kept = np.partition(found, len(found) - kept)[len(found) - kept :] if kept < len(found) else found


@dataclass(frozen=True, eq=False)
class Top:
    """Collects the ``count`` highest impostor scores, none of which is lower than ``cut``."""

    own_only: ClassVar[bool] = False
    count: int
    cut: float = -np.inf

    def start(self, layout: Layout) -> Highest:
        """See :class:`Pass`."""
        return Highest(self.count)

    def see(self, seen: Highest, pair: Pair) -> None:
        """See :class:`Pass`."""
        for tile in pair.tiles:
            impostors = tile.impostors
            seen.impostors += len(impostors)
            seen.add(impostors[impostors >= self.cut])
