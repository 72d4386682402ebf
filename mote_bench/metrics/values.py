"""Accuracy of inferring a soft-biometric number, such as the age in years."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray, Measurement

from .intervals import Interval, percentile_interval, person_weights, t_interval
from .measured import Measured

_REPLICATES = 1000
_LEAST_PEOPLE = 3


def measure_value(answer: FloatArray, truth: FloatArray, rng: np.random.Generator) -> Measured:
    """Pearson's correlation with the true numbers (higher = leaks more), and the mean absolute error (lower = more).

    The correlation is the headline. The error alone would mislead: if subjects differ little, a constant answer has a
    small error too.

    Parameters
    ----------
    answer : (n, 1) float
        Estimates, one row per subject.
    truth : (n,) float
        In the attribute's own unit.
    rng : numpy.random.Generator
        For the bootstrap over subjects.

    Returns
    -------
    Measured
        ``correlation`` (chance 0; 0 if all answers are equal) with a percentile bootstrap interval, and ``mae`` with
        Student's interval. Details hold ``median_mae``, the error of answering the median for everybody.

    Raises
    ------
    ValueError
        On wrong shapes, numbers that are not finite, fewer than three subjects, and equal true numbers.
    """
    guess, truth = np.asarray(answer, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if truth.ndim != 1 or guess.shape != (len(truth), 1):
        raise ValueError(f"answer has shape {guess.shape} and truth {truth.shape}; expected (n, 1) and (n,)")
    if not np.isfinite(guess).all() or not np.isfinite(truth).all():
        raise ValueError("answer or truth holds NaN or infinity")
    if len(truth) < _LEAST_PEOPLE or np.ptp(truth) == 0:
        raise ValueError(f"{len(truth)} people with {len(np.unique(truth))} numbers; expected three or more who differ")
    guess, n = guess[:, 0], len(truth)
    errors = np.abs(guess - truth)
    measurements = (
        Measurement("correlation", pearson(guess, truth), *_interval(guess, truth, rng), n=n, chance=0.0),
        Measurement("mae", float(errors.mean()), *t_interval(errors), n=n),
    )
    influence = {"correlation": _influence(guess, truth), "mae": (errors - errors.mean()) / n}
    return Measured(measurements, {"median_mae": float(np.abs(truth - np.median(truth)).mean())}, influence)


def pearson(one: FloatArray, other: FloatArray, weight: FloatArray | None = None) -> float:
    """Pearson's correlation of two (n,) columns, with rows weighted by ``weight``; 0 if a column is constant."""
    weight = np.ones(len(one)) if weight is None else np.asarray(weight, dtype=np.float64)
    left, right = (column - np.average(column, weights=weight) for column in (one, other))
    length = np.sqrt((weight @ left**2) * (weight @ right**2))
    # Rounding leaves a constant column slightly off its mean.
    if length <= 1e-12 * weight.sum() * max(np.abs(one).max(), 1e-300) * max(np.abs(other).max(), 1e-300):
        return 0.0
    return float(np.clip(weight @ (left * right) / length, -1, 1))


def _influence(guess: FloatArray, truth: FloatArray) -> FloatArray:
    """(n,) influence of each subject on the correlation: zx zy - r (zx^2 + zy^2) / 2, over n (Devlin et al. 1975)."""
    if np.ptp(guess) == 0:
        return np.zeros(len(guess))
    one, other = ((column - column.mean()) / column.std() for column in (guess, truth))
    return np.asarray((one * other - pearson(guess, truth) * (one**2 + other**2) / 2) / len(guess))


def _interval(guess: FloatArray, truth: FloatArray, rng: np.random.Generator) -> Interval:
    """Percentile bootstrap interval over subjects, widened to hold the value itself."""
    drawn = [pearson(guess, truth, weight) for weight in person_weights(rng, len(truth), _REPLICATES)]
    low, high = percentile_interval(np.array(drawn))
    value = pearson(guess, truth)
    return min(low, value), max(high, value)
