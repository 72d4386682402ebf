"""Change of error rates along a number, such as the age in years: fairness without a division into groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from mote_bench.contracts import FloatArray, Measurement, flat

from .measured import Measured
from .verification import Scores

TENTH = 0.1
"""Rates are compared between this quantile of the number and one minus it: the 10th and the 90th percentile."""
_LIKE = 0.25
"""Only impostor pairs within this share of that range are used, by analogy with within-group impostors."""
_LEAST_PEOPLE = 10


def measure_trend(scores: Scores, number: FloatArray, threshold: float, *, name: str, fmr_name: str) -> Measured:
    """Rise of FNMR and FMR from the 10th to the 90th percentile of a number, along a fitted line; 0 = equal rates.

    The line is fitted by least squares to all trials. A genuine trial is placed at its subject's number, an impostor
    pair of subjects with similar numbers at their mean. The variance is over subjects: residuals of one subject's
    trials are summed before squaring. For pairs the products of all residuals that share a subject are summed (Aronow,
    Samii & Assenova, Political Analysis 23, 2015). The interval uses Student's quantile.

    Parameters
    ----------
    scores : Scores
        Person indices point into ``number``.
    number : (P,) float
        NaN if unknown: such subjects are left out.
    threshold : float
        Lowest score that is accepted.
    name, fmr_name : str
        The number's name and the FMR that the threshold was set for, as parts of the metric's name.

    Returns
    -------
    Measured
        ``fnmr_rise_over_{name}_at_fmr_X`` and ``fmr_rise_over_{name}_at_fmr_X``. If no trial or every trial is an
        error, the line has no interval: ``details["undefined"]`` then names the metric, with the reason.

    Raises
    ------
    ValueError
        If fewer than ten subjects have a known number, or if their numbers are equal.
    """
    number = np.asarray(number, dtype=float)
    known = np.isfinite(number)
    people = scores.people[known[scores.people]]
    low, high = np.quantile(number[people], [TENTH, 1 - TENTH]) if len(people) else (0.0, 0.0)
    if len(people) < _LEAST_PEOPLE or high <= low:
        raise ValueError(
            f"{len(people)} people whose {name} is known, from {low:g} to {high:g}; expected {_LEAST_PEOPLE} or more "
            "who differ"
        )
    inside = scores.inside(known)
    place = np.empty(len(number), dtype=np.intp)
    place[people] = np.arange(len(people))
    enrolled, shown = place[inside.enrolled], place[inside.shown]
    accepted, mated = inside.values >= threshold, enrolled[:, None] == shown
    at = number[people]
    like = ~mated & (np.abs(at[enrolled][:, None] - at[shown]) <= _LIKE * (high - low))
    rises, undefined = [], {}
    for rate, trials, errors in (("fnmr", mated, ~accepted), ("fmr", like, accepted)):
        row, column = np.nonzero(trials)
        pair = np.column_stack([enrolled[row], shown[column]])
        metric = f"{rate}_rise_over"
        wrong = errors[row, column]
        if not 0 < wrong.sum() < len(wrong):
            undefined[flat(metric, fmr_name, (name,))] = (
                f"{wrong.sum()} errors in {len(wrong)} trials; a line needs trials of both kinds"
            )
            continue
        slope, variance = _slope(at[pair].mean(axis=1), wrong.astype(float), pair)
        half = special.stdtrit(len(people) - 2, 0.975) * variance**0.5
        value, below, above = (float(bound * (high - low)) for bound in (slope, slope - half, slope + half))
        one = Measurement(metric, value, below, above, n=len(people), chance=0.0, at=fmr_name, group=(name,))
        rises.append(one)
    return Measured(tuple(rises), {"undefined": undefined})


def _slope(at: FloatArray, error: FloatArray, pair: npt.NDArray[np.intp]) -> tuple[float, float]:
    """The least-squares slope of ``error`` (t,) on ``at`` (t,), and its variance over the subjects in ``pair`` (t, 2).

    A genuine trial names one subject twice.
    """
    centred = at - at.mean()
    square = float((centred**2).sum())
    slope = float((centred * error).sum()) / square
    influence = centred * (error - error.mean() - slope * centred) / square
    people, index = np.unique(pair, return_inverse=True)
    first, second = index.reshape(pair.shape).T
    apart = first != second
    sums = np.bincount(first, influence, len(people)) + np.bincount(second, influence * apart, len(people))
    # A pair is in the sums of both of its subjects, so products within repeated pairs are counted once too often.
    both = np.where(first < second, first, second) * len(people) + np.where(first < second, second, first)
    of_pair = (
        np.bincount(np.unique(both[apart], return_inverse=True)[1], influence[apart]) if apart.any() else np.zeros(0)
    )
    variance = max(float((sums**2).sum() - (of_pair**2).sum()), float((influence**2).sum()))
    return slope, variance * len(people) / (len(people) - 2)
