"""Whether two populations rank schemes the same, per question, under the strongest attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement, Record
from mote_bench.toolkit import stream

from .resampling import Influenced, influenced, redrawn
from .selection import record_link
from .standings import Board, Worst

ENOUGH = 0.9
"""Rank correlation from which two orders count as the same."""
FEWEST = 5
"""Fewest rows for which an order is compared."""
_SURE = 0.975

Pair = tuple[Board, list[Record]]


@dataclass(frozen=True, eq=False)
class Agreement:
    """One question: the strongest attack's figure on each row, for both populations.

    Attributes
    ----------
    rows : mapping of row name -> (Measurement, Measurement)
        Rows that recognise their subjects and were measured on both populations. Controls are left out: ``cosine``
        and ``noise`` are at the ends by construction.
    spearman : float
        Rank correlation of the values; NaN where all rows of a population have one value.
    low, high : float
        95 % interval of the rank correlation of infinite populations. Resampling the subjects adds noise to that of the
        figures, and noise only lowers a rank correlation: where both orders are equal, all resamples are lower. So the
        interval is the union of the percentile and the basic bootstrap interval (Davison & Hinkley, "Bootstrap methods
        and their application", 1997, section 5.2), and is conservative.
    itself : (float, float)
        Of each population, the mean rank correlation of two resamples of its subjects: about the highest value that
        another population can reach. It is slightly too high, as the population resampled is itself a sample.
    told : float
        Rank correlation of distinguishable rows: a row's rank counts the rows that are below it in 97.5 % of the draws.
        NaN where a population distinguishes none.
    apart, alike : int
        Pairs of rows that both populations distinguish (in 97.5 % of the draws), and how many of those have the same
        order in both.
    turned : tuple of (row name, row name)
        Those of another order: the first leaks less than the second in the first population, and more in the second.
    """

    question: str
    metric: str
    rows: Mapping[str, tuple[Measurement, Measurement]]
    spearman: float
    low: float
    high: float
    itself: tuple[float, float]
    told: float
    apart: int
    alike: int
    turned: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> str:
        """Whether the orders are the same: ``yes``, ``no``, or ``inconclusive`` with these rows and subjects."""
        return "yes" if self.low >= ENOUGH else "no" if self.high < ENOUGH else "inconclusive"


def kept_agreements() -> Callable[[Pair, Pair], list[Agreement]]:
    """:func:`agreements`, computed once for each two boards: several tables show them."""
    kept: dict[tuple[int, int], tuple[Pair, Pair, list[Agreement]]] = {}

    def agreeing(first: Pair, second: Pair) -> list[Agreement]:
        key = (id(first[0]), id(second[0]))
        if key not in kept:
            kept[key] = (first, second, agreements(first, second))  # the boards too, so that no other takes their id
        return kept[key][2]

    return agreeing


def agreements(first: Pair, second: Pair) -> list[Agreement]:
    """An agreement for each question that both boards measure on five rows or more."""
    made = []
    for reading in first[0].readings:
        ours, theirs = (_worst(board, reading.question) for board, _ in (first, second))
        names = [name for name in ours if name in theirs]
        if len(names) >= FEWEST:
            pairs = {name: (_headline(ours[name]), _headline(theirs[name])) for name in names}
            rows = [[found[name] for name in names] for found in (ours, theirs)]
            draws = _both_redrawn(rows, (first[1], second[1]), reading.question)
            made.append(_agreement(reading.question, pairs, draws))
    return made


def _worst(board: Board, question: str) -> dict[str, Worst]:
    return {
        row.name: one
        for row in board.rows
        if row.ranked
        for one in row.questions
        if one.question == question and one.headline is not None
    }


def _headline(worst: Worst) -> Measurement:
    assert worst.headline is not None
    return worst.headline


def _agreement(
    question: str, pairs: Mapping[str, tuple[Measurement, Measurement]], draws: Sequence[FloatArray]
) -> Agreement:
    values = np.array([[one.value for one in pair] for pair in pairs.values()])
    spearman = _correlation(values)
    low, high = _interval(spearman, _correlations(*draws))
    itself = [float(_correlations(*np.split(drawn, 2)).mean()) for drawn in draws]
    signs = [_order(drawn) for drawn in draws]
    ranks = np.array([_below(sign, len(pairs)) for sign in signs]).T
    told = _correlation(ranks)
    apart = (signs[0] != 0) & (signs[1] != 0)
    alike = int((signs[0] == signs[1])[apart].sum())
    metric = next(iter(pairs.values()))[0].name
    return Agreement(
        question,
        metric,
        pairs,
        spearman,
        low,
        high,
        (itself[0], itself[1]),
        told,
        int(apart.sum()),
        alike,
        _turned(list(pairs), *signs),
    )


def _turned(
    rows: Sequence[str], first: npt.NDArray[np.int_], second: npt.NDArray[np.int_]
) -> tuple[tuple[str, str], ...]:
    """Pairs of rows whose two signs, by :func:`_order`, are opposite; the one with less leakage in the first leads."""
    pairs = zip(combinations(rows, 2), first.tolist(), second.tolist(), strict=True)
    return tuple(pair if sign < 0 else pair[::-1] for pair, sign, other in pairs if sign * other < 0)


def _both_redrawn(
    rows: Sequence[Sequence[Worst]], records: Sequence[Sequence[Record]], question: str
) -> list[FloatArray]:
    """(draws, rows) values of both boards under resampling of the subjects.

    Boards of the same data, such as of two seeds, attack some of the same subjects. These move both boards together.
    """
    first, second = (one[0].cell.data for one in records)
    if first != second:
        return [_redrawn(one, held, question) for one, held in zip(rows, records, strict=True)]
    figures = [_figures(one, held) for one, held in zip(rows, records, strict=True)]
    drawn = redrawn([*figures[0], *figures[1]], stream(0, "agreement", question, first))
    return [drawn[:, : len(figures[0])], drawn[:, len(figures[0]) :]]


def _redrawn(rows: Sequence[Worst], records: Sequence[Record], question: str) -> FloatArray:
    """(draws, rows) values under resampling of the subjects (:func:`redrawn`)."""
    return redrawn(_figures(rows, records), stream(0, "agreement", question, records[0].cell.data))


def _figures(rows: Sequence[Worst], records: Sequence[Record]) -> list[Influenced]:
    held = {record_link(record): record for record in records}
    return [influenced(held.get(one.record), _headline(one)) for one in rows]


def _correlation(values: npt.NDArray[Any]) -> float:
    """Spearman's rank correlation of two columns (rows, 2); NaN where all values of one are equal."""
    from scipy.stats import spearmanr  # takes a second to import, and most boards have nothing to correlate

    return float(spearmanr(values).statistic) if np.ptp(values, axis=0).all() else float("nan")


def _interval(value: float, drawn: FloatArray) -> tuple[float, float]:
    """Union of the percentile and the basic bootstrap interval of resamples (draws,), within -1 to 1."""
    low, high = np.quantile(drawn, [1 - _SURE, _SURE])
    mirrored = np.clip([2 * value - high, 2 * value - low], -1.0, 1.0)
    return float(np.fmin(low, mirrored[0])), float(np.fmax(high, mirrored[1]))  # NaN where the value is NaN


def _correlations(first: FloatArray, second: FloatArray) -> FloatArray:
    """Spearman's rank correlation of each draw (draws, rows); 0 where all values of one are equal."""
    from scipy.stats import rankdata

    ranks = [rankdata(drawn, axis=1) for drawn in (first, second)]
    one, other = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    length = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.asarray((one * other).sum(axis=1) / np.maximum(length, 1e-12))


def _order(drawn: FloatArray) -> npt.NDArray[np.int_]:
    """Of each pair of rows 1 where the first is higher in 97.5 % of the draws, -1 where it is lower, otherwise 0."""
    pairs = list(combinations(range(drawn.shape[1]), 2))
    above = np.array([(drawn[:, one] > drawn[:, other]).mean() for one, other in pairs])
    below = np.array([(drawn[:, one] < drawn[:, other]).mean() for one, other in pairs])
    return np.asarray((above >= _SURE).astype(int) - (below >= _SURE).astype(int))


def _below(signs: npt.NDArray[np.int_], rows: int) -> npt.NDArray[np.int_]:
    """(rows,) number of other rows that each row is above, by :func:`_order`."""
    counts = np.zeros(rows, dtype=int)
    for (one, other), sign in zip(combinations(range(rows), 2), signs.tolist(), strict=True):
        counts[one] += sign > 0
        counts[other] += sign < 0
    return counts
