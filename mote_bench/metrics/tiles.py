"""Error rates over more scores than fit into memory: the same figures, computed tile by tile.

FNMR changes at genuine scores only, and these are few. So a first pass counts impostor scores between genuine ones,
which gives the EER and the whole curve exactly; only genuine scores are sorted. Order statistics of impostor scores
come from a fine histogram and a second pass over the bins that hold them. Intervals come from a third pass, which sums
over pairs that share a subject. Memory grows with the number of subjects and genuine scores, not with their square.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

from .intervals import PairSums, Proportion, proportion_of_sums
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

_BINS = 1 << 20

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
    """

    ask: Ask
    enrolled: Index
    shown: Index
    most: int = 4_000_000

    @property
    def people(self) -> Index:
        """(P,) every subject index that occurs."""
        return np.union1d(self.enrolled, self.shown)

    def inside(self, member: npt.NDArray[np.bool_]) -> Tiles:
        """The scores among the subjects p with ``member[p]``."""
        rows, columns = np.flatnonzero(member[self.enrolled]), np.flatnonzero(member[self.shown])
        return Tiles(lambda r, c: self.ask(rows[r], columns[c]), self.enrolled[rows], self.shown[columns], self.most)

    def errors(self, thresholds: Mapping[str, float]) -> Errors:
        """The error rates, overall and at each threshold."""
        counted = _counted(self)
        points = counted.points
        apart = points.false_non_matches - points.false_matches
        estimate = float(np.interp(0, apart, points.false_non_matches))
        share = 2 / len(self.people)
        wanted = (readable_share(estimate, len(self.people)), 1 - share, share)
        readable, high, low = _quantiles(self, counted, wanted)
        matched = _matched(self, [*thresholds.values(), readable, high, low])
        *rates, at_readable, at_high, at_low = matched
        at_equal = AtEqualErrors(
            estimate,
            self._missed(points.thresholds[np.searchsorted(apart, 0)]),
            _with_sample_size(at_readable, at_high, at_low),
        )
        return Errors(
            people=self.people,
            claimants=len(np.intersect1d(self.enrolled, self.shown)),
            templates=len(self.enrolled),
            trials=(len(self._genuine[0]), counted.impostors),
            eer=estimate,
            eer_interval=interval_of_curve(points.false_matches, points.false_non_matches, at_equal),
            eer_influence=at_equal.influence,
            rank=by_person(self, self.shown[counted.enrolled], counted.credit[counted.enrolled]),
            missed={name: self._missed(threshold) for name, threshold in thresholds.items()},
            matched={
                name: _with_sample_size(rate, at_high, at_low) for name, rate in zip(thresholds, rates, strict=True)
            },
            det=spread_points(
                points.false_matches, points.false_non_matches, trials=(len(self._genuine[0]), counted.impostors)
            ),
        )

    def highest(self, count: int) -> tuple[FloatArray, int]:
        """The ``count`` highest impostor scores, unsorted, and the number of all impostor scores."""
        kept: FloatArray = np.empty(0)
        waiting: list[FloatArray] = []
        cut, impostors = -np.inf, 0
        for tile in self.each():
            non_mated = tile.scores if tile.mated is None else tile.scores[~tile.mated]
            impostors += non_mated.size
            waiting.append(non_mated[non_mated >= cut])
            if sum(map(len, waiting)) > max(count, self.most):
                kept = _largest(np.concatenate([kept, *waiting]), count)
                waiting, cut = [], kept.min() if len(kept) == count else -np.inf
        return _largest(np.concatenate([kept, *waiting]), count), impostors

    def _missed(self, threshold: float) -> Proportion:
        values, enrolled = self._genuine
        return by_person(self, enrolled, values < threshold)

    @cached_property
    def _blocks(self) -> tuple[Block, ...]:
        """The subjects in groups whose templates and probes make a tile."""
        groups = int(np.ceil(np.sqrt(len(self.enrolled) * len(self.shown) / self.most)))
        return tuple(
            Block(people, np.flatnonzero(np.isin(self.enrolled, people)), np.flatnonzero(np.isin(self.shown, people)))
            for people in np.array_split(self.people, min(groups, len(self.people)))
        )

    @cached_property
    def _diagonal(self) -> tuple[FloatArray, FloatArray]:
        """The lowest and the highest score of the tiles with genuine scores; other scores may lie outside."""
        lows, highs = zip(*((tile.scores.min(), tile.scores.max()) for tile in self._own_tiles()), strict=True)
        return min(lows), max(highs)

    @cached_property
    def _genuine(self) -> tuple[FloatArray, Index]:
        """The genuine scores, and the subject of each."""
        values: list[FloatArray] = [np.empty(0)]
        subjects: list[Index] = [np.empty(0, dtype=np.intp)]
        for tile in self._own_tiles():
            row, column = np.nonzero(np.asarray(tile.mated))
            values.append(tile.scores[row, column])
            subjects.append(self.enrolled[tile.rows.rows[row]])
        found = np.concatenate(values)
        if len(found) == 0 or len(found) == len(self.enrolled) * len(self.shown):
            raise ValueError("no genuine or no impostor pair among the scores; expected both")
        return found, np.concatenate(subjects)

    def each(self) -> Iterator[Tile]:
        """Every tile, block column by block column."""
        for columns in self._blocks:
            for rows in self._blocks:
                yield from self._tile(rows, columns)

    def _own_tiles(self) -> Iterator[Tile]:
        for block in self._blocks:
            yield from self._tile(block, block)

    def _tile(self, rows: Block, columns: Block) -> Iterator[Tile]:
        """The tile, unless it is empty."""
        if len(rows.rows) == 0 or len(columns.columns) == 0:
            return
        scores = np.asarray(self.ask(rows.rows, columns.columns), dtype=float)
        if scores.shape != (len(rows.rows), len(columns.columns)) or not np.isfinite(scores).all():
            raise ValueError(f"a tile of scores has shape {scores.shape} or holds NaN; expected finite scores")
        mated = None
        if rows is columns:
            mated = self.enrolled[rows.rows][:, None] == self.shown[columns.columns][None, :]
        yield Tile(rows, columns, scores, mated)


@dataclass(frozen=True, eq=False)
class Block:
    """A group of subjects, (p,), with the positions of their templates (rows) and probes (columns)."""

    people: Index
    rows: Index
    columns: Index


@dataclass(frozen=True, eq=False)
class Tile:
    """The templates of one block against the probes of another; ``mated`` only if the two are the same block."""

    rows: Block
    columns: Block
    scores: FloatArray
    mated: npt.NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class _Points:
    """Operating points in ascending order: at each genuine score and just above it."""

    thresholds: FloatArray
    false_matches: FloatArray
    false_non_matches: FloatArray


@dataclass(frozen=True, eq=False)
class _Scale:
    """Bins of equal width; scores outside fall into the first or the last one."""

    low: float
    per_unit: float

    def bins(self, scores: FloatArray) -> npt.NDArray[np.int32]:
        """The bin of each score; bins never decrease as scores increase."""
        scaled = np.subtract(scores, self.low)
        np.multiply(scaled, self.per_unit, out=scaled)
        return np.asarray(np.clip(scaled, 0, _BINS - 1, out=scaled).astype(np.int32))


@dataclass(frozen=True, eq=False)
class _Counted:
    """The counts of one pass over all tiles.

    Attributes
    ----------
    histogram : (bins,) int
        Number of impostor scores per bin.
    credit, enrolled : (m,) float, (m,) bool
        Rank-1 credit of each probe, and whether its subject has a template.
    """

    points: _Points
    scale: _Scale
    histogram: Index
    impostors: int
    credit: FloatArray
    enrolled: npt.NDArray[np.bool_]


def _counted(tiles: Tiles) -> _Counted:
    genuine = np.sort(tiles._genuine[0])
    low, high = tiles._diagonal
    scale = _Scale(float(low), _BINS / float(high - low) if high > low else 1.0)
    steps = np.unique(genuine)
    between = _Between(steps, scale)
    best = _Best(len(tiles.shown))
    histogram = np.zeros(_BINS, dtype=np.int64)
    for tile in tiles.each():
        best.see(tile)
        non_mated = tile.scores.ravel() if tile.mated is None else tile.scores[~tile.mated]
        bins = scale.bins(non_mated)
        histogram += np.bincount(bins, minlength=_BINS)
        between.see(non_mated, bins)
    impostors = int(histogram.sum())
    at, above = between.reached(histogram)
    missed_at = np.searchsorted(genuine, steps, "left") / len(genuine)
    missed_above = np.searchsorted(genuine, steps, "right") / len(genuine)
    points = _Points(
        np.concatenate([[-np.inf], np.column_stack([steps, np.nextafter(steps, np.inf)]).ravel(), [np.inf]]),
        np.concatenate([[1.0], 1 - (impostors - np.column_stack([at, above]).ravel()) / impostors, [0.0]]),
        np.concatenate([[0.0], np.column_stack([missed_at, missed_above]).ravel(), [1.0]]),
    )
    apart = points.false_non_matches - points.false_matches
    distinct = np.diff(apart, prepend=-np.inf) > 0
    points = _Points(
        *(values[distinct] for values in (points.thresholds, points.false_matches, points.false_non_matches))
    )
    enrolled = np.isin(tiles.shown, tiles.enrolled)
    return _Counted(points, scale, histogram, impostors, best.credit, enrolled)


class _Between:
    """Counts impostor scores between genuine ones; only those in a bin with a genuine score are compared with it."""

    def __init__(self, steps: FloatArray, scale: _Scale) -> None:
        self._steps = steps
        self._of_bin = np.bincount(scale.bins(steps), minlength=_BINS)
        self._shared = self._of_bin > 0
        self._at, self._above = np.zeros((2, len(steps) + 1), dtype=np.int64)

    def see(self, non_mated: FloatArray, bins: npt.NDArray[np.int32]) -> None:
        close = non_mated[self._shared[bins]]
        for counts, side in ((self._at, "right"), (self._above, "left")):
            counts += np.bincount(np.searchsorted(self._steps, close, side), minlength=len(counts))  # type: ignore[call-overload]

    def reached(self, histogram: Index) -> tuple[Index, Index]:
        """The number of impostor scores at or above each step, and the number above it."""
        passed = np.cumsum(self._of_bin) - self._of_bin
        free = ~self._shared
        far = np.bincount(passed[free], histogram[free], minlength=len(self._at)).astype(np.int64)
        return tuple(np.cumsum((counts + far)[::-1])[::-1][1:] for counts in (self._at, self._above))  # type: ignore[return-value]


class _Best:
    """The highest score of each probe so far, the number of templates that reach it, and of mated ones among them."""

    def __init__(self, probes: int) -> None:
        self._best = np.full(probes, -np.inf)
        self._reach, self._own = np.zeros((2, probes))

    def see(self, tile: Tile) -> None:
        places = tile.columns.columns
        highest = tile.scores.max(axis=0)
        better, level = highest > self._best[places], highest >= self._best[places]
        self._best[places] = np.maximum(self._best[places], highest)
        at_best = tile.scores[:, level] == highest[level]
        own = 0 if tile.mated is None else (tile.mated[:, level] & at_best).sum(axis=0)
        for counts, here in ((self._reach, at_best.sum(axis=0)), (self._own, own)):
            counts[places[better]] = 0
            counts[places[level]] += here

    @property
    def credit(self) -> FloatArray:
        return np.asarray(self._own / self._reach)


def _quantiles(tiles: Tiles, counted: _Counted, shares: Sequence[float]) -> list[float]:
    """The quantiles of all impostor scores, equal to those of ``numpy.quantile``."""
    places = [(counted.impostors - 1) * share for share in shares]
    ranks = sorted({rank for place in places for rank in (int(np.floor(place)), int(np.ceil(place)))})
    below = np.cumsum(counted.histogram)
    bins = np.unique(np.searchsorted(below, ranks, "right"))
    wanted = np.zeros(_BINS, dtype=bool)
    wanted[bins] = True
    values, counts = np.empty(0), np.empty(0, dtype=np.int64)
    for tile in tiles.each():
        non_mated = tile.scores.ravel() if tile.mated is None else tile.scores[~tile.mated]
        found, often = np.unique(non_mated[wanted[counted.scale.bins(non_mated)]], return_counts=True)
        values, places_of = np.unique(np.concatenate([values, found]), return_inverse=True)
        counts = np.bincount(places_of, np.concatenate([counts, often]), minlength=len(values)).astype(np.int64)
    of_bin = counted.scale.bins(values)
    before = (below - counted.histogram)[of_bin]  # scores in lower bins
    first = np.cumsum(counts) - counts  # kept scores below, of which those in the same bin count
    start = first[np.searchsorted(of_bin, of_bin, "left")]
    last = before + first - start + counts
    at = {rank: float(values[np.searchsorted(last, rank, "right")]) for rank in ranks}
    return [
        float(np.quantile([at[int(np.floor(place))], at[int(np.ceil(place))]], place - np.floor(place)))
        for place in places
    ]


def _matched(tiles: Tiles, thresholds: Sequence[float]) -> list[Proportion]:
    """FMR at each threshold. Both tiles of a pair of blocks are used at once, as two subjects have trials both ways."""
    sums = [_Sums(tiles) for _ in thresholds]
    for place, one in enumerate(tiles._blocks):
        for other in tiles._blocks[place:]:
            there = list(tiles._tile(one, other))
            back = [] if other is one else list(tiles._tile(other, one))
            for threshold, total in zip(thresholds, sums, strict=True):
                total.see(one, other, there=there, back=back, threshold=threshold)
    return [total.proportion() for total in sums]


class _Sums:
    """Sums over pairs of subjects of the squares and products of successes (both ways) and trials (both ways)."""

    def __init__(self, tiles: Tiles) -> None:
        self._tiles, self._people = tiles, tiles.people
        index = np.searchsorted(self._people, tiles.enrolled), np.searchsorted(self._people, tiles.shown)
        self._templates, self._probes = (np.bincount(one, minlength=len(self._people)) for one in index)
        self._successes = np.zeros(len(self._people))
        self._squares = self._products = 0.0

    def see(self, one: Block, other: Block, *, there: list[Tile], back: list[Tile], threshold: float) -> None:
        both = sum((self._counts(tile, threshold) for tile in there), np.zeros((len(one.people), len(other.people))))
        if one is other:
            np.fill_diagonal(both, 0)
            both = both + both.T
        else:
            both = sum((self._counts(tile, threshold).T for tile in back), both)
        first, second = (np.searchsorted(self._people, block.people) for block in (one, other))
        row, column = np.nonzero(both)
        successes = both[row, column]
        trials = self._templates[first[row]] * self._probes[second[column]]
        trials = trials + self._templates[second[column]] * self._probes[first[row]]
        half = 0.5 if one is other else 1.0
        self._squares += half * float(successes @ successes)
        self._products += half * float(successes @ trials)
        self._successes[first] += both.sum(axis=1)
        if one is not other:
            self._successes[second] += both.sum(axis=0)

    def _counts(self, tile: Tile, threshold: float) -> FloatArray:
        row, column = np.nonzero(tile.scores >= threshold)
        enrolled = np.searchsorted(tile.rows.people, self._tiles.enrolled[tile.rows.rows])[row]
        shown = np.searchsorted(tile.columns.people, self._tiles.shown[tile.columns.columns])[column]
        shape = len(tile.rows.people), len(tile.columns.people)
        return np.bincount(enrolled * shape[1] + shown, minlength=shape[0] * shape[1]).reshape(shape).astype(float)

    def proportion(self) -> Proportion:
        templates, probes = self._templates.astype(float), self._probes.astype(float)
        of_person = templates * (probes.sum() - probes) + probes * (templates.sum() - templates)
        total = float(of_person.sum()) / 2
        rate = float(self._successes.sum()) / 2 / total
        # The sum over all i, j of (t_i p_j + t_j p_i)^2, less i = j, is twice that over the pairs.
        everyone = 2 * (templates @ templates) * (probes @ probes) + 2 * (templates @ probes) ** 2
        trials = (everyone - 4 * float((templates * probes) @ (templates * probes))) / 2
        squares = self._squares - 2 * rate * self._products + rate**2 * trials
        influence = self._successes - rate * of_person
        return proportion_of_sums(PairSums(rate, total, int((of_person > 0).sum()), influence, squares))


def _with_sample_size(rate: Proportion, at_high: Proportion, at_low: Proportion) -> Proportion:
    """As :func:`~.verification.matched_impostors` does where no pair is accepted, or none refused."""
    if 0 < rate.value < 1:
        return rate
    return as_readable(rate, at_high if rate.value == 0 else at_low)


def _largest(values: FloatArray, count: int) -> FloatArray:
    return values if len(values) <= count else np.partition(values, len(values) - count)[len(values) - count :]
