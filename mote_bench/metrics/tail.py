"""Error rates at a false match rate below the lowest counted one, by a distribution of the highest impostor scores.

Above a high score, impostor scores follow a generalised Pareto distribution, whatever their own distribution is
(Pickands, Annals of Statistics 3, 1975). It is fitted to the highest scores and followed by one decade. ISO/IEC
5152:2024 extrapolates FMR by extreme-value models too. It covers FMR, not the false positive rate of identification.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mote_bench.contracts import OWN, FloatArray, Measurement, flat

from .intervals import Interval, percentile_interval, person_weights
from .measured import Measured
from .verification import Index, Scores, fnmr, matched_impostors, missed_genuine, trials_needed

THRESHOLD, FNMR, REACHED = "tail_threshold", "tail_fnmr", "tail_fmr_reached"
_SHARE, _LEAST = 0.01, 50
"""Of all impostor scores the share that makes the tail, and the least number of scores in it."""
_REPLICATES = 300
_SIMULATED, _REJECTED = 199, 0.01
"""Samples that the goodness of fit is compared with, and the p-value below which a fit is refused."""
_FLAT = 1e-9


@dataclass(frozen=True)
class Pareto:
    """A generalised Pareto distribution of excesses: P(excess > x) = (1 + shape x / scale)^(-1 / shape)."""

    shape: float
    scale: float

    def share(self, excess: float) -> float:
        """The probability that an excess is larger than this one."""
        beyond = 1 + self.shape * excess / self.scale
        if abs(self.shape) < _FLAT:
            return float(np.exp(-excess / self.scale))
        return float(beyond ** (-1 / self.shape)) if beyond > 0 else 0.0


def fitted(excess: FloatArray) -> Pareto | None:
    """The distribution of excesses (k,), in ascending order and above 0, by probability-weighted moments.

    Hosking & Wallis, Technometrics 29 (1987). ``None`` where the moments fit no such distribution.
    """
    k = len(excess)
    first = float(excess.mean())
    second = float((excess * (k - np.arange(1, k + 1)) / (k - 1)).mean())
    if first <= 2 * second:
        return None
    return Pareto(2 - first / (first - 2 * second), 2 * first * second / (first - 2 * second))


def fit_probability(excess: FloatArray, fit: Pareto, rng: np.random.Generator) -> float:
    """The p-value of the Anderson-Darling test that excesses (k,), in ascending order, follow the fitted distribution.

    Parameters are estimated from the same excesses. So the statistic is compared with that of samples drawn from the
    fit and fitted again (Choulakian & Stephens, Technometrics 43, 2001). The excesses count as independent. As pairs
    share subjects, the test refuses a good fit somewhat more often than at its level.
    """
    drawn = np.sort(rng.random((_SIMULATED, len(excess))), axis=1)
    samples = _quantile(fit.shape, fit.scale, -np.log1p(-drawn))
    shapes, scales = _parameters(samples, np.ones_like(samples))
    with np.errstate(invalid="ignore"):
        by_chance = _misfit(samples, shapes[:, None], scales[:, None])
    own = float(_misfit(excess[None, :], np.array([[fit.shape]]), np.array([[fit.scale]]))[0])
    return float((1 + (by_chance >= own).sum()) / (1 + _SIMULATED))


@dataclass(frozen=True, eq=False)
class Tail:
    """The highest impostor scores.

    Attributes
    ----------
    start : float
        The highest score below them.
    excess : (k,) float
        The scores minus ``start``, in ascending order.
    one, other : (k,) int
        Positions in 0 to ``people - 1`` of the subjects of template and probe.
    trials : int
        Number of all impostor scores.
    """

    start: float
    excess: FloatArray
    one: Index
    other: Index
    people: int
    trials: int

    @classmethod
    def of(cls, scores: Scores) -> Tail:
        """The highest hundredth of the impostor scores.

        Raises
        ------
        ValueError
            Where these are fewer than 50, or half of them equal others.
        """
        values = np.where(scores.mated, -np.inf, scores.values)
        trials = int(np.isfinite(values).sum())
        count = int(_SHARE * trials)
        if count < _LEAST:
            raise ValueError(f"{trials} impostor scores; at least {int(_LEAST / _SHARE)} are needed to fit their tail")
        highest = np.argpartition(values, values.size - count - 1, axis=None)[values.size - count - 1 :]
        highest = highest[np.argsort(values.ravel()[highest], kind="stable")]
        row, column = np.divmod(highest, values.shape[1])
        ordered, people = values.ravel()[highest], scores.people
        distinct = len(np.unique(ordered[1:]))
        if distinct < count / 2:
            raise ValueError(f"the {count} highest impostor scores have {distinct} values; the scores aren't graded")
        one, other = (np.searchsorted(people, of[1:]) for of in (scores.enrolled[row], scores.shown[column]))
        return cls(float(ordered[0]), ordered[1:] - ordered[0], one, other, len(people), trials)

    def threshold(self, fit: Pareto, fmr: float) -> float:
        """The score that a share ``fmr`` of all impostor scores reaches, by the fitted distribution."""
        rarer = np.log(len(self.excess) / (fmr * self.trials))
        return self.start + float(_quantile(fit.shape, fit.scale, rarer))

    def interval(self, fmr: float, rng: np.random.Generator) -> Interval:
        """Percentile interval of :meth:`threshold`, by a bootstrap over subjects.

        The weight of a pair is, to first order, the sum of its subjects' counts minus one. A product would add noise to
        every pair (as in :mod:`mote_bench.metrics.linkage`).
        """
        counts = person_weights(rng, self.people, _REPLICATES).astype(float)
        weight = counts[:, self.one] + counts[:, self.other] - 1
        total = weight.sum(axis=1)
        shape, scale = _parameters(np.tile(self.excess, (_REPLICATES, 1)), weight)
        # Few samples have moments that fit no distribution; they say nothing.
        sound = (total > fmr * self.trials) & (scale > 0) & np.isfinite(shape)
        rarer = np.log(total[sound] / (fmr * self.trials))
        return percentile_interval(self.start + _quantile(shape[sound], scale[sound], rarer))


def measure_tail(calibration: Scores, targets: Scores, counted: Iterable[str], rng: np.random.Generator) -> Measured:
    """Threshold and FNMR at a false match rate that is too low to count, by the tail of the impostor scores.

    The rate is a decade below the lowest counted one. If impostor scores are enough to count it, it is the next one.

    Parameters
    ----------
    calibration, targets : Scores
        The threshold is set on the calibration subjects, as thresholds of counted rates are.
    counted : iterable of str
        The rates that thresholds were set for by counting.

    Returns
    -------
    Measured
        ``tail_threshold_at_fmr_X`` with a bootstrap interval over calibration subjects. ``tail_fnmr_at_fmr_X``; its
        interval combines that of FNMR at the threshold and the change of FNMR over the threshold's interval (MOVER).
        ``tail_fmr_reached_at_fmr_X``, counted on the target subjects, with the interval of a count. Where the tail is
        refused, ``details["undefined"]`` says why.
    """
    rates = [rate for rate in counted if rate != OWN]
    trials = int((~calibration.mated).sum())
    name = rate_below(rates, trials)
    if not name:
        return Measured((), {"undefined": {FNMR: "no false match rate is counted, so none lies a decade below"}})
    try:
        found = _measured(Tail.of(calibration), targets, name, rng)
    except ValueError as error:
        return Measured((), {"undefined": {flat(FNMR, name): str(error)}})
    return found


def rate_below(counted: Iterable[str], trials: int) -> str:
    """The highest decade below all counted rates that so many impostor scores are too few to count; "" without any."""
    lowest = min(map(float, counted), default=0.0)
    if not lowest:
        return ""
    decade = int(np.ceil(-np.log10(lowest) - 1e-9)) + 1
    while trials_needed(10.0**-decade) <= trials:
        decade += 1
    return f"1e-{decade}"


def _measured(tail: Tail, targets: Scores, name: str, rng: np.random.Generator) -> Measured:
    rate = float(name)
    if rate * tail.trials < 1:
        raise ValueError(
            f"{tail.trials} impostor scores; at least {round(1 / rate)} are needed for a tail to FMR {name}"
        )
    fit = fitted(tail.excess)
    probability = 0.0 if fit is None else fit_probability(tail.excess, fit, rng)
    if fit is None or probability < _REJECTED:
        raise ValueError(
            f"no generalised Pareto distribution fits the {len(tail.excess)} highest impostor scores "
            f"(Anderson-Darling test, p = {probability:g}, expected at least {_REJECTED:g})"
        )
    threshold, (low, high) = tail.threshold(fit, rate), tail.interval(rate, rng)
    low, high = min(low, threshold), max(high, threshold)
    missed, reached = missed_genuine(targets, threshold), matched_impostors(targets, threshold)
    claimants = len(np.intersect1d(targets.enrolled, targets.shown))
    bounds = _with_threshold(missed.value, missed.interval, (fnmr(targets.genuine, at) for at in (low, high)))
    details: dict[str, Any] = {
        "tail": {
            "fmr": name,
            "shape": fit.shape,
            "scale": fit.scale,
            "start": tail.start,
            "scores": len(tail.excess),
            "of": tail.trials,
            "fit_probability": probability,
        }
    }
    measurements = (
        Measurement(THRESHOLD, threshold, low, high, n=tail.people, at=name),
        Measurement(FNMR, missed.value, *bounds, n=claimants, at=name),
        Measurement(REACHED, reached.value, *reached.interval, n=len(targets.people), at=name),
    )
    return Measured(measurements, details)


def _with_threshold(value: float, own: Interval, moved: Iterable[float]) -> Interval:
    """The interval of a rate at an estimated threshold: its own, and its values at the threshold's bounds (MOVER)."""
    at_low, at_high = moved
    below, above = np.hypot(value - own[0], value - at_low), np.hypot(own[1] - value, at_high - value)
    return max(0.0, value - float(below)), min(1.0, value + float(above))


def _parameters(excess: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(R,) shapes and scales of weighted excesses (R, k), in ascending order; as :func:`fitted` with equal weights.

    The weight above each excess stands for the number of larger ones.
    """
    above = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1] - weight
    first = (weight * excess).sum(axis=1) / weight.sum(axis=1)
    second = (weight * above * excess).sum(axis=1) / (2 * (weight * above).sum(axis=1))
    return 2 - first / (first - 2 * second), 2 * first * second / (first - 2 * second)


def _quantile(shape: FloatArray | float, scale: FloatArray | float, rarer: FloatArray | float) -> FloatArray:
    """The excess that a share exp(-rarer) of the excesses exceeds."""
    bent = np.where(np.abs(shape) < _FLAT, 1.0, shape)
    return np.asarray(scale * np.where(np.abs(shape) < _FLAT, rarer, np.expm1(bent * rarer) / bent))


def _misfit(excess: FloatArray, shape: FloatArray, scale: FloatArray) -> FloatArray:
    """(R,) Anderson-Darling statistics of excesses (R, k), in ascending order, against distributions (R, 1)."""
    bent = np.where(np.abs(shape) < _FLAT, _FLAT, shape)
    above = np.clip(np.maximum(1 + bent * excess / scale, 1e-300) ** (-1 / bent), 1e-300, 1 - 1e-16)
    k = excess.shape[1]
    terms = (2 * np.arange(1, k + 1) - 1) * (np.log1p(-above) + np.log(above[:, ::-1]))
    return np.asarray(-k - terms.mean(axis=1))
