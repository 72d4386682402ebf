"""How well an answer tells a soft-biometric number, such as the age in years."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray, Measurement

from .intervals import Interval, percentile_interval, person_weights, t_interval
from .measured import Measured

_REPLICATES = 1000
_LEAST_PEOPLE = 3


def measure_value(answer: FloatArray, truth: FloatArray, rng: np.random.Generator) -> Measured:
    """Pearson's correlation with the true numbers, and the mean absolute error.

    The correlation is the headline: an answer that says the same of everybody has a small error where people differ
    little, and still knows nothing of anyone.

    Parameters
    ----------
    answer : (n, 1) float
        Estimates, a row per person.
    truth : (n,) float
        In the attribute's own unit.
    rng : numpy.random.Generator
        For the bootstrap over people.

    Returns
    -------
    Measured
        ``correlation`` (chance 0; 0 where all answers are equal) with a percentile bootstrap interval and ``mae`` with
        Student's; details hold ``median_mae``, the error of saying everybody's median.

    Raises
    ------
    ValueError
        On wrong shapes, numbers that are not finite, fewer than three people, and people who are all equal.
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
    pulls = {"correlation": _pull(guess, truth), "mae": (errors - errors.mean()) / n}
    return Measured(measurements, {"median_mae": float(np.abs(truth - np.median(truth)).mean())}, pulls)


def pearson(one: FloatArray, other: FloatArray, weight: FloatArray | None = None) -> float:
    """Pearson's correlation of two (n,) columns, rows counted ``weight`` times; 0 where a column is constant."""
    weight = np.ones(len(one)) if weight is None else np.asarray(weight, dtype=np.float64)
    left, right = (column - np.average(column, weights=weight) for column in (one, other))
    length = np.sqrt((weight @ left**2) * (weight @ right**2))
    # Rounding leaves a constant column slightly off its mean.
    if length <= 1e-12 * weight.sum() * max(np.abs(one).max(), 1e-300) * max(np.abs(other).max(), 1e-300):
        return 0.0
    return float(np.clip(weight @ (left * right) / length, -1, 1))


def _pull(guess: FloatArray, truth: FloatArray) -> FloatArray:
    """(n,) how far each person pulls the correlation: zx zy - r (zx^2 + zy^2) / 2, over n (Devlin et al. 1975)."""
    if np.ptp(guess) == 0:
        return np.zeros(len(guess))
    one, other = ((column - column.mean()) / column.std() for column in (guess, truth))
    return np.asarray((one * other - pearson(guess, truth) * (one**2 + other**2) / 2) / len(guess))


def _interval(guess: FloatArray, truth: FloatArray, rng: np.random.Generator) -> Interval:
    """Percentile bootstrap over people; it holds the value itself."""
    drawn = [pearson(guess, truth, weight) for weight in person_weights(rng, len(truth), _REPLICATES)]
    low, high = percentile_interval(np.array(drawn))
    value = pearson(guess, truth)
    return min(low, value), max(high, value)
