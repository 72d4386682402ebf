"""Linkability of two stolen databases: D_sys and maximal linkability with their null, EER, rank-1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .identification import share_of_galleries
from .intervals import Interval, centred_interval, modified_wilson, percentile_interval, person_weights, wilson
from .measured import Measured
from .verification import Scores, eer, eer_influence, eer_interval, identified

Index = npt.NDArray[np.integer]
Measure = Callable[[FloatArray, FloatArray], FloatArray]
_REPLICATES = 500
_GALLERIES = (10, 30, 100, 300, 1000)
_FEWEST_BINS, _MOST_BINS, _PAIRS_PER_BIN = 20, 100, 10


@dataclass(frozen=True, eq=False)
class Histograms:
    """Counts of mated and non-mated scores in the same bins, each (..., B)."""

    mated: FloatArray
    non_mated: FloatArray

    @property
    def masses(self) -> tuple[FloatArray, FloatArray]:
        """Both as probability masses, which sum to one over the bins."""
        mated, non_mated = (counts / counts.sum(axis=-1, keepdims=True) for counts in (self.mated, self.non_mated))
        return mated, non_mated


def measure_linkage(answer: FloatArray, mate: Index, rng: np.random.Generator) -> Measured:
    """D_sys and maximal linkability with their permutation null, EER and rank-1 of linkage scores.

    Both linkability measures are biased upwards: with few mated pairs, histograms of equal distributions differ too.
    Compare their value with the mean under random mates, from the same scores in the same bins. Their intervals cover
    the value expected at this number of pairs and these bins, not the limit of infinitely many.

    Parameters
    ----------
    answer : (a, b) float
        Score of template i against template j of the other database, higher = likelier mated.
    mate : (a,) int
        The mated template in the other database of each row; no two rows have the same.
    rng : numpy.random.Generator
        For the null and the bootstrap.

    Returns
    -------
    Measured
        ``d_sys``, ``d_sys_null``, ``maximal_linkability``, ``maximal_linkability_null``, ``eer``, ``rank_1``, and
        ``rank_1_of_10``, ``_of_30``, ``_of_100``, ... as far as there are so many other records; details
        hold bins, edges, histograms, counts and the quantiles of the null.

    Raises
    ------
    ValueError
        On wrong shapes, scores that are not finite, and mates outside the database or given twice.
    """
    scores = _paired(answer, mate)
    answer, mate = scores.values.T, np.asarray(mate)
    rows, records = answer.shape
    edges = bin_edges(answer, rows)
    bins, binned = len(edges) - 1, np.searchsorted(edges[1:-1], answer, side="right")
    counts = _histograms(binned, mate, bins)
    null, replicates = _permuted(binned, bins, rng), _resampled(binned, mate, bins, rng)
    rank, error = identified(scores), eer(scores.genuine, scores.impostor)
    measurements = (
        *_against_null("d_sys", d_sys, counts, null, replicates),
        *_against_null("maximal_linkability", maximal_linkability, counts, null, replicates),
        Measurement("eer", error, *eer_interval(scores), n=rows, chance=0.5),
        Measurement("rank_1", rank.value, *rank.interval, n=rows, chance=1 / records),
        *_galleries(answer, mate),
    )
    details = {
        "bins": bins,
        "edges": edges.tolist(),
        "mated": counts.mated.astype(int).tolist(),
        "non_mated": counts.non_mated.astype(int).tolist(),
        "counts": {"mated": int(counts.mated.sum()), "non_mated": int(counts.non_mated.sum())},
        "null_quantiles": {
            "d_sys": _quantiles(d_sys, null),
            "maximal_linkability": _quantiles(maximal_linkability, null),
        },
    }
    best = answer == answer.max(axis=1, keepdims=True)
    first = best[np.arange(rows), mate] / best.sum(axis=1)
    return Measured(measurements, details, {"eer": eer_influence(scores)[:rows]}, first)


def _galleries(answer: FloatArray, mate: Index) -> Iterator[Measurement]:
    """Rank-1 in galleries of the mate and g - 1 random non-mated templates, for growing g.

    This is the expectation over all such galleries, not over drawn ones. A mate that scores above b of m - 1 others,
    without ties, is first if all g - 1 drawn are among the b: with probability C(b, g - 1) / C(m - 1, g - 1). Ties
    count half.
    """
    own = answer[np.arange(len(answer)), mate][:, None]
    beaten = (answer < own).sum(axis=1) + ((answer == own).sum(axis=1) - 1) / 2
    others = answer.shape[1] - 1
    for size in _GALLERIES:
        drawn = size - 1
        if drawn > others:
            continue
        share = share_of_galleries(beaten, others, drawn)
        low, high = modified_wilson(float(share.sum()), len(share))
        yield Measurement(
            "rank_1_of", float(share.mean()), low, high, n=len(share), chance=1 / size, group=(str(size),)
        )


def d_sys(mated: FloatArray, non_mated: FloatArray, omega: float = 1.0) -> FloatArray:
    """Global linkability of Gomez-Barrero et al., IEEE TIFS 13 (2018), over probability masses.

    A score s of likelihood ratio LR = p / q is linkable by D(s) = 2 omega LR / (1 + omega LR) - 1 where omega LR > 1
    and by 0 elsewhere; D_sys is the mean of D over mated scores. 0 = unlinkable, 1 = fully linkable.

    Parameters
    ----------
    mated, non_mated : (..., B) float
        p and q: shares of the scores per bin, each summing to one.
    omega : float
        Prior odds of a mated pair.
    """
    mated, odds = np.asarray(mated, dtype=float), omega * np.asarray(mated, dtype=float)
    total = odds + non_mated
    share = np.divide(odds - non_mated, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray((np.maximum(share, 0) * mated).sum(axis=-1))


def maximal_linkability(mated: FloatArray, non_mated: FloatArray) -> FloatArray:
    """M = log2 sum max(p, q) of Otroshi Shahreza et al., IEEE TIFS 18 (2023): 0 = unlinkable, 1 = fully linkable.

    It is log2(1 + total variation distance), and bounds any linker: TMR <= 2^M - 1 + FMR. Shapes as in
    :func:`d_sys`.
    """
    return np.asarray(np.log2(np.maximum(np.maximum(mated, non_mated).sum(axis=-1), 1)))


def bin_edges(scores: FloatArray, mated_pairs: int) -> FloatArray:
    """(bins + 1,) edges of equally wide bins over the range of all scores.

    One bin per ten mated pairs, at most 100, as in the implementation that Gomez-Barrero et al. published. At least
    20, as the measures would otherwise depend on where the most extreme scores put the edges.
    """
    bins = int(np.clip(mated_pairs // _PAIRS_PER_BIN, _FEWEST_BINS, _MOST_BINS))
    low, high = float(scores.min()), float(scores.max())
    if not np.isfinite(high - low):
        raise ValueError(f"scores from {low:g} to {high:g}; expected a range that a float can hold")
    return np.linspace(low, high, bins + 1) if high > low else np.linspace(low - 0.5, low + 0.5, bins + 1)


def _against_null(
    name: str, measure: Measure, counts: Histograms, null: Histograms, replicates: Histograms
) -> tuple[Measurement, Measurement]:
    """A linkability measure with its interval, and its distribution under random mates."""
    people, value = int(counts.mated.sum()), float(measure(*counts.masses))
    low, high = _interval(value, measure(*replicates.masses), people)
    by_chance = measure(*null.masses)
    mean, (null_low, null_high) = float(by_chance.mean()), percentile_interval(by_chance)
    return (
        Measurement(name, value, low, high, n=people, chance=mean),
        Measurement(f"{name}_null", mean, min(mean, null_low), max(mean, null_high), n=people),
    )


def _quantiles(measure: Measure, null: Histograms) -> dict[str, float]:
    by_chance = measure(*null.masses)
    return {str(quantile): float(np.quantile(by_chance, quantile)) for quantile in (0.025, 0.5, 0.95, 0.975)}


def _histograms(binned: Index, mate: Index, bins: int) -> Histograms:
    mated = _count_rows(binned[np.arange(len(mate)), mate][None, :], bins)[0]
    return Histograms(mated, _count_rows(binned.reshape(1, -1), bins)[0] - mated)


def _permuted(binned: Index, bins: int, rng: np.random.Generator) -> Histograms:
    """(R, B) histograms with mates drawn at random: the null distribution for these scores."""
    rows, columns = binned.shape
    orders = rng.permuted(np.tile(np.arange(columns), (_REPLICATES, 1)), axis=1)[:, :rows]
    mated = _count_rows(binned[np.arange(rows), orders], bins)
    return Histograms(mated, _count_rows(binned.reshape(1, -1), bins) - mated)


def _resampled(binned: Index, mate: Index, bins: int, rng: np.random.Generator) -> Histograms:
    """(R, B) histograms of bootstrap samples of subjects; non-mated scores to first order in the subjects' counts.

    A pair's weight would be the product of its subjects' counts. Near one each, that is about their sum minus one,
    which avoids the noise that products add to every pair.
    """
    rows, person = len(mate), _people(mate, binned.shape[1])
    own = _count_rows(binned[np.arange(rows), mate][:, None], bins)
    involving = np.zeros((person.max() + 1, bins))
    involving[:rows] = _count_rows(binned, bins) - 2 * own
    involving[person] += _count_rows(binned.T, bins)
    weights = person_weights(rng, len(involving), _REPLICATES)
    non_mated = weights @ involving - involving.sum(axis=0) / 2
    return Histograms(weights[:, :rows] @ own, np.maximum(non_mated, 0))


def _interval(value: float, replicates: FloatArray, people: int) -> Interval:
    """The centred bootstrap interval; Wilson's over subjects if all replicates agree, as at full linkability."""
    if np.ptp(replicates) > 0:
        low, high = centred_interval(value, replicates)
        return max(0.0, low), min(1.0, high)
    unseen = wilson(0, people)[1]
    return value * (1 - unseen), value + (1 - value) * unseen


def _count_rows(binned: Index, bins: int) -> FloatArray:
    """(k, B) number of entries of each row in each bin."""
    cells = np.arange(len(binned))[:, None] * bins + binned
    return np.asarray(np.bincount(cells.ravel(), minlength=len(binned) * bins).reshape(-1, bins), dtype=float)


def _people(mate: Index, records: int) -> Index:
    """(b,) subject index of each template of the other database: a row of the first one, or a further index."""
    person = np.full(records, -1)
    person[mate] = np.arange(len(mate))
    person[person < 0] = len(mate) + np.arange(records - len(mate))
    return person


def _paired(answer: FloatArray, mate: Index) -> Scores:
    """The answer as :class:`Scores`: the other database's templates against the rows, which serve as probes."""
    answer, mate = np.asarray(answer, dtype=float), np.asarray(mate)
    if answer.ndim != 2 or len(answer) != len(mate):
        raise ValueError(f"answer has shape {answer.shape}; expected ({len(mate)}, records of the other database)")
    if len(np.unique(mate)) < len(mate) or mate.min() < 0 or mate.max() >= answer.shape[1]:
        raise ValueError(f"mates must be {len(mate)} different records, 0 to {answer.shape[1] - 1}")
    return Scores(answer.T, _people(mate, answer.shape[1]), np.arange(len(mate)))
