"""Shifts of comparison scores between groups: differences of group means in units of the pooled standard deviation.

ISO/IEC 19795-10:2024 lists shifts of comparison scores among the differences between groups. They show where a group's
errors come from: genuine scores that are lower, or impostor scores that are higher.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .intervals import percentile_interval, person_weights
from .names import snake_case
from .verification import Index, Scores

GENUINE, IMPOSTOR = "genuine_shift", "impostor_shift"
_FEWEST_PEOPLE, _REPLICATES = 10, 500


def measure_shifts(
    scores: Scores, groups: Mapping[str, npt.NDArray[np.str_]], rng: np.random.Generator
) -> tuple[Measurement, ...]:
    """Shifts of genuine and impostor scores of each group from the other groups of its attribute.

    Impostor pairs are within a group. The interval is a percentile bootstrap over the subjects of each group; the
    weight of a pair is, to first order, the sum of its subjects' counts minus one (as in
    :mod:`mote_bench.metrics.linkage`).

    Parameters
    ----------
    groups : mapping of attribute -> (P,) str
        The label of every subject. Groups of fewer than 10 subjects are left out.

    Returns
    -------
    tuple of Measurement
        ``genuine_shift_A_g`` and ``impostor_shift_A_g``; above 0, the group's scores are higher than the others'.
    """
    found = list[Measurement]()
    for attribute, labels in groups.items():
        sampled = dict(_sampled(scores, np.asarray(labels).astype(str), rng))
        for label, one in sampled.items() if len(sampled) > 1 else ():
            others = [other for name, other in sampled.items() if name != label]
            group = (snake_case(attribute), snake_case(label))
            for metric, kind in ((GENUINE, 0), (IMPOSTOR, 1)):
                drawn = shift(one.sums[kind], np.sum([other.sums[kind] for other in others], axis=0))
                if np.isfinite(drawn).all():
                    low, high = percentile_interval(drawn[1:])
                    value = float(drawn[0])
                    found.append(
                        Measurement(metric, value, min(low, value), max(high, value), n=one.people, group=group)
                    )
    return tuple(found)


def shift(one: FloatArray, others: FloatArray) -> FloatArray:
    """(...,) difference of two means in units of the pooled standard deviation (Cohen's d); not finite without spread.

    Parameters
    ----------
    one, others : (..., 3) float
        Number of scores, their sum, and the sum of their squares.
    """
    (n, total, squares), (m, other_total, other_squares) = (np.moveaxis(sums, -1, 0) for sums in (one, others))
    within = squares - total**2 / n + other_squares - other_total**2 / m
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(np.maximum(within, 0) / (n + m - 2))
        return np.asarray((total / n - other_total / m) / np.where(deviation > 1e-12, deviation, np.nan))


@dataclass(frozen=True, eq=False)
class _Sampled:
    """Of one group the sums of genuine and of impostor scores, each (1 + replicates, 3); the first is the group's."""

    people: int
    sums: tuple[FloatArray, FloatArray]


def _sampled(scores: Scores, labels: npt.NDArray[np.str_], rng: np.random.Generator) -> Iterator[tuple[str, _Sampled]]:
    present, counts = np.unique(labels[scores.people], return_counts=True)
    origin = float(scores.values.mean())  # sums of squares lose less to rounding near 0
    for label in present[counts >= _FEWEST_PEOPLE]:
        try:
            inside = scores.inside(labels == label)
        except ValueError:  # no genuine scores
            continue
        people = len(inside.people)
        weights = np.vstack([np.ones(people), person_weights(rng, people, _REPLICATES)])
        genuine, involved = _sums_of_subjects(inside, origin)
        yield str(label), _Sampled(people, (weights @ genuine, weights @ involved - involved.sum(axis=0) / 2))


def _sums_of_subjects(scores: Scores, origin: float) -> tuple[FloatArray, FloatArray]:
    """(P, 3) each: the sums of a subject's genuine scores, and of all impostor scores that involve the subject."""
    row, column = (np.searchsorted(scores.people, of) for of in (scores.enrolled, scores.shown))
    moved, mated = scores.values - origin, scores.mated

    def by(places: Index, kept: npt.NDArray[np.bool_], axis: int) -> FloatArray:
        powers = [(kept * moved**power).sum(axis=axis) for power in range(3)]
        return np.stack([np.bincount(places, one, minlength=len(scores.people)) for one in powers], axis=1)

    return by(row, mated, 1), by(row, ~mated, 1) + by(column, ~mated, 0)
