"""Open-set identification (1:N): false negatives at a false positive identification rate, in galleries of growing size.

Terms follow ISO/IEC 19795-1:2021. A search compares a probe with all templates of a gallery. A mated search is one by
an enrolled subject, a non-mated search one by a subject who isn't enrolled. FPIR is the proportion of non-mated
searches that return any template at or above the threshold. FNIR is the proportion of mated searches whose mated
template isn't the best one, or is below the threshold: a candidate list of one (rank 1).

Rates are expectations over all galleries of a size that can be drawn from the subjects, not over a few drawn ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from mote_bench.contracts import FloatArray, Measurement, flat

from .intervals import Proportion
from .measured import Measured
from .verification import Index, Scores, by_person

RATES = ("1e-1", "1e-2")
SIZES = (25, 50, 100, 200, 500, 1000)
_FALSE_POSITIVES = 10


def share_of_galleries(passing: FloatArray, others: FloatArray | int, drawn: int) -> FloatArray:
    """The share of all draws of ``drawn`` from ``others`` templates in which each is among ``passing`` (k,) of them.

    C(passing, drawn) / C(others, drawn); ``passing`` may be fractional, where ties count half.
    """
    able = np.maximum(passing, drawn)
    log_share = gammaln(able + 1) - gammaln(able - drawn + 1) - gammaln(others + 1) + gammaln(others - drawn + 1)
    return np.asarray(np.where(passing > drawn - 1, np.exp(np.minimum(log_share, 0)), 0.0))


def galleries(people: int) -> tuple[int, ...]:
    """The sizes of galleries: growing ones, and all subjects but the one who searches."""
    return (*(size for size in SIZES if size < people - 1), people - 1)


def false_positives(reached: Index, others: int, size: int) -> FloatArray:
    """(m,) the share of galleries of ``size`` in which a non-mated search returns a template.

    Parameters
    ----------
    reached : (m,) int
        Of ``others`` non-mated templates, how many reach the threshold in each search.
    """
    return 1 - share_of_galleries(np.asarray(others - reached, dtype=float), others, size)


@dataclass(frozen=True, eq=False)
class Mated:
    """The mated searches of a database with one template per subject.

    Attributes
    ----------
    subject : (m,) int
        Who searches.
    own : (m,) float
        The score of the mated template.
    beaten : (m,) float
        The number of other templates that score lower; ties count half.
    others : int
        The number of other templates.
    """

    subject: Index
    own: FloatArray
    beaten: FloatArray
    others: int

    @classmethod
    def of(cls, scores: Scores) -> Mated:
        """The searches by subjects who have a template."""
        column = np.flatnonzero(np.isin(scores.shown, scores.enrolled))
        order = np.argsort(scores.enrolled)
        row = order[np.searchsorted(scores.enrolled[order], scores.shown[column])]
        own, values = scores.values[row, column], scores.values[:, column]
        beaten = (values < own).sum(axis=0) + ((values == own).sum(axis=0) - 1) / 2
        return cls(scores.shown[column], own, beaten, len(scores.enrolled) - 1)

    def successes(self, threshold: float, size: int) -> FloatArray:
        """(m,) the share of galleries of ``size``, the mated template included, in which each search succeeds."""
        first = share_of_galleries(self.beaten, self.others, size - 1)
        return np.where(self.own >= threshold, first, 0.0)


def threshold_at_fpir(scores: Scores, rate: float, size: int) -> float | None:
    """The lowest threshold with a false positive identification rate of at most ``rate`` in galleries of ``size``.

    ``None`` if fewer than ten different searches reach it: the threshold would rest on them alone.
    """
    falling, searches = _highest(scores, rate)
    others, columns = len(scores.enrolled) - 1, len(scores.shown)

    def rate_of(count: int) -> float:
        reached = np.bincount(searches[:count], minlength=columns)
        return float(false_positives(reached, others, size).mean())

    ends = np.flatnonzero(falling[:-1] > falling[1:]) + 1  # equal scores are accepted together
    low, high = 0, len(ends)
    while low < high:  # the number of ends within the rate
        middle = (low + high) // 2
        low, high = (middle + 1, high) if rate_of(int(ends[middle])) <= rate else (low, middle)
    if low == 0 or len(np.unique(searches[: ends[low - 1]])) < _FALSE_POSITIVES:
        return None
    return float(falling[ends[low - 1] - 1])


def fpir(scores: Scores, threshold: float, size: int) -> Proportion:
    """FPIR at a threshold in galleries of ``size``; its interval allows for shared searchers and shared templates.

    The variance is that of a delete-one jackknife over subjects: a subject leaves with their probes and their template.
    Without a false positive, the effective sample size is the number of subjects.
    """
    hits = (scores.values >= threshold) & ~scores.mated
    reached, others, people = hits.sum(axis=0), len(scores.enrolled) - 1, scores.people
    every = false_positives(reached, others, size)
    drawn = min(size, others - 1)  # a gallery of all has one less without a subject
    fewer = np.minimum(reached, others - 1), np.maximum(reached - 1, 0)
    without, hit = (false_positives(count, others - 1, drawn) for count in fewer)
    searcher, template = (np.searchsorted(people, of) for of in (scores.shown, scores.enrolled))
    own = np.bincount(searcher, minlength=len(people))
    total = without.sum() - np.bincount(searcher, without, minlength=len(people))
    total += np.bincount(template, hits @ (hit - without), minlength=len(people))
    deleted = total / (len(searcher) - own)
    value, spread = float(every.mean()), deleted.mean() - deleted
    variance = (len(people) - 1) / len(people) * float((spread**2).sum())
    effective = float(len(people))
    if 0 < value < 1 and variance > 0:
        effective = min(max(value * (1 - value) / variance, 1.0), float(len(searcher)))
    return Proportion(value, effective, spread)


@dataclass(frozen=True)
class _Point:
    """An operating point: FPIR, gallery size and the threshold set for them."""

    rate: str
    size: int
    threshold: float


def measure_identification(calibration: Scores, targets: Scores, rates: Sequence[str] = RATES) -> Measured:
    """FNIR and observed FPIR in galleries of growing size, at thresholds set on the calibration subjects.

    Parameters
    ----------
    calibration, targets : Scores
        One template per subject.
    rates : sequence of str
        False positive identification rates.

    Returns
    -------
    Measured
        ``fnir_at_fpir_X_of_N`` and ``fpir_reached_at_fpir_X_of_N`` for galleries of N subjects. Details hold the
        thresholds. A point with fewer than ten false positives behind its threshold is named in
        ``details["undefined"]``.
    """
    if any(len(np.unique(one.enrolled)) < len(one.enrolled) for one in (calibration, targets)):
        raise ValueError("a subject has several templates; expected one each, as searches return subjects")
    people = min(len(calibration.enrolled), len(targets.enrolled))
    if people < 3:
        return Measured(())
    points, undefined = list[_Point](), dict[str, str]()
    for rate in rates:
        for size in galleries(people):
            threshold = threshold_at_fpir(calibration, float(rate), size)
            if threshold is None:
                undefined[_named("fnir", rate, size)] = "fewer than ten false positives on the calibration subjects"
            else:
                points.append(_Point(rate, size, threshold))
    mated = Mated.of(targets)
    measured = tuple(one for point in points for one in _at(targets, mated, point))
    thresholds = {_named("fnir", one.rate, one.size): one.threshold for one in points}
    details = {"identification": {"thresholds": thresholds}} | ({"undefined": undefined} if undefined else {})
    return Measured(measured, details)


def _at(targets: Scores, mated: Mated, point: _Point) -> Iterator[Measurement]:
    """FNIR and FPIR of the target subjects at one point."""
    missed = by_person(targets, mated.subject, 1 - mated.successes(point.threshold, point.size))
    found = fpir(targets, point.threshold, point.size)
    group = (str(point.size),)
    for metric, rate, n in (
        ("fnir", missed, len(np.unique(mated.subject))),
        ("fpir_reached", found, len(targets.people)),
    ):
        yield Measurement(_metric(metric, point.rate), rate.value, *rate.interval, n=n, group=group)


def _metric(metric: str, rate: str) -> str:
    return f"{metric}_at_fpir_{rate}_of"


def _named(metric: str, rate: str, size: int) -> str:
    return flat(_metric(metric, rate), None, (str(size),))


def _highest(scores: Scores, rate: float) -> tuple[FloatArray, Index]:
    """The highest impostor scores in falling order, and the search (column) of each.

    As a search with h of M templates above a threshold returns one in a share h / M of galleries or more, the FMR is at
    most the FPIR. So no more scores than a share ``rate`` are needed, and the next lower one.
    """
    values = np.where(scores.mated, -np.inf, scores.values).ravel()
    impostors = int(np.isfinite(values).sum())
    count = min(int(rate * impostors) + 2, impostors)
    kept = np.argpartition(values, values.size - count)[values.size - count :]
    kept = kept[np.argsort(-values[kept], kind="stable")]
    return values[kept], kept % scores.values.shape[1]
