"""How error rates change with a number, such as the age in years: what groups say of classes, without edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from mote_bench.contracts import FloatArray, Measurement, flat

from .measured import Measured
from .verification import Scores

TENTH = 0.1
"""Rates are told from where this part of the people lie below to where it lies above."""
_LIKE = 0.25
"""Impostors count who differ by this part of that span at most, as they count within a group."""
_LEAST_PEOPLE = 10


def measure_trend(scores: Scores, number: FloatArray, threshold: float, *, name: str, fmr_name: str) -> Measured:
    """What FNMR and FMR rise by from the lowest tenth of a number to its highest, on a straight line.

    The line is the least-squares one through all trials; 0 is even. A genuine trial stands at the number of its person,
    an impostor pair, of two people of like numbers, at their mean. The variance is that of people: residuals of one
    person's trials are summed before they are squared, and for pairs the products of all residuals that share a person
    are (Aronow, Samii & Assenova, Political Analysis 23, 2015), with Student's quantile.

    Parameters
    ----------
    scores : Scores
        Person indices point into ``number``.
    number : (P,) float
        NaN where unknown: such people are left out.
    threshold : float
        Accepts a claim iff its score reaches it.
    name, fmr_name : str
        The number's name and the FMR that the threshold was set for, as they stand in the metric's name.

    Returns
    -------
    Measured
        ``fnmr_rise_over_{name}_at_fmr_X`` and ``fmr_rise_over_{name}_at_fmr_X``. Where no trial, or every one, is an
        error, a line has no interval: the metric then stands in ``details["undefined"]``, with the reason.

    Raises
    ------
    ValueError
        With fewer than ten people whose number is known, and where they are all alike.
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
    owner, shown = place[inside.owner], place[inside.shown]
    accepted, mated = inside.values >= threshold, owner[:, None] == shown
    at = number[people]
    like = ~mated & (np.abs(at[owner][:, None] - at[shown]) <= _LIKE * (high - low))
    rises, undefined = [], {}
    for rate, trials, errors in (("fnmr", mated, ~accepted), ("fmr", like, accepted)):
        row, column = np.nonzero(trials)
        pair = np.column_stack([owner[row], shown[column]])
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
    """The least-squares slope of ``error`` (t,) on ``at`` (t,), and its variance over the people of each ``pair``.

    A genuine trial names one person twice.
    """
    centred = at - at.mean()
    square = float((centred**2).sum())
    slope = float((centred * error).sum()) / square
    pull = centred * (error - error.mean() - slope * centred) / square
    people, index = np.unique(pair, return_inverse=True)
    first, second = index.reshape(pair.shape).T
    apart = first != second
    sums = np.bincount(first, pull, len(people)) + np.bincount(second, pull * apart, len(people))
    # A pair stands in the sums of both of its people, so what repeats of it share is counted once too often.
    both = np.where(first < second, first, second) * len(people) + np.where(first < second, second, first)
    of_pair = np.bincount(np.unique(both[apart], return_inverse=True)[1], pull[apart]) if apart.any() else np.zeros(0)
    variance = max(float((sums**2).sum() - (of_pair**2).sum()), float((pull**2).sum()))
    return slope, variance * len(people) / (len(people) - 2)
