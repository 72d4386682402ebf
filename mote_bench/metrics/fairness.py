"""Fairness: error rates per demographic group, and published measures of how much they differ between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement, flat

from .intervals import Interval, Proportion, Z
from .measured import Measured
from .names import snake_case
from .verification import Compared, Index

FEWEST_PEOPLE = 10
"""Subjects of the smallest group that is compared."""
_REPLICATES = 2000
_SMALLEST = 1e-4
_AT = "threshold"


@dataclass(frozen=True, eq=False)
class Group:
    """The error rates of one group; impostor pairs are within the group."""

    label: str
    people: int
    genuine: int
    impostor: int
    fnmr: Proportion
    fmr: Proportion
    eer: float
    eer_interval: Interval


@dataclass(frozen=True, eq=False)
class Spread:
    """One measure of how much the groups' rates differ, or the reason why it is undefined."""

    value: float = np.nan
    interval: Interval = (np.nan, np.nan)
    undefined: str | None = None


def measure_fairness(
    scores: Compared,
    groups: Mapping[str, npt.NDArray[np.str_]],
    threshold: float,
    *,
    rng: np.random.Generator,
    fmr_name: str = "1e-2",
    alpha: float = 0.5,
) -> Measured:
    """Error rates of each group at one threshold, and FDR, IR, GARBE, SER and maximum ratios of each attribute.

    The interval of a spread covers at least 95 %, also for equal groups. An estimated spread is off by at most the
    spread of the groups' own errors. These are drawn from the groups' intervals, and the 95 % quantile of their spread
    is added on both sides. With more than two groups that differ a lot the coverage is higher.

    Parameters
    ----------
    scores : Compared
        Person indices point into the arrays of ``groups``.
    groups : mapping of attribute -> (P,) str
        The label of every subject.
    threshold : float
        Lowest score that is accepted.
    rng : numpy.random.Generator
        For the intervals of the spreads.
    fmr_name : str
        The FMR that the threshold was set for, as a part of metric names.
    alpha : float
        The weight of FMR against FNMR in FDR, IR and GARBE, in [0, 1].

    Returns
    -------
    Measured
        Per attribute A and group g ``fnmr_A_g_at_fmr_X`` and ``fmr_A_g_at_fmr_X``, and ``fdr_A_at_fmr_X``,
        ``ir_A_at_fmr_X``, ``garbe_A_at_fmr_X``, ``ser_A``, ``max_ratio_fmr_A_at_fmr_X`` and
        ``max_ratio_fnmr_A_at_fmr_X``. Details name the groups with fewer than 10 subjects,
        which are left out, and the measures that are undefined, with the reason.

    Raises
    ------
    ValueError
        When ``groups`` doesn't label every subject, or two labels map to the same metric name.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}; expected 0 to 1, the weight of FMR against FNMR")
    measurements: list[Measurement] = []
    details: dict[str, Any] = {"alpha": alpha, "threshold": float(threshold), "groups": {}, "left_out": {}}
    details["undefined"] = {}
    for attribute, labels in groups.items():
        found, left_out = _groups(scores, np.asarray(labels).astype(str), threshold)
        details["groups"][attribute] = {group.label: _described(group) for group in found}
        details["left_out"][attribute] = left_out
        measurements += _group_rates(snake_case(attribute), found, fmr_name)
        people = sum(group.people for group in found)
        for name, spread in _spreads(found, alpha, rng).items():
            at, group = None if name == "ser" else fmr_name, (snake_case(attribute),)
            if spread.undefined is None:
                measurements.append(Measurement(name, spread.value, *spread.interval, n=people, at=at, group=group))
            else:
                details["undefined"][flat(name, at, group)] = spread.undefined
    return Measured(tuple(measurements), details)


def wanted_of_groups(
    people: Index, groups: Mapping[str, npt.NDArray[np.str_]], threshold: float
) -> list[tuple[npt.NDArray[np.bool_], dict[str, float]]]:
    """The groups of these people that :func:`measure_fairness` asks for error rates, and at which thresholds."""
    wanted = []
    for labels in groups.values():
        present, counts = np.unique(np.asarray(labels).astype(str)[people], return_counts=True)
        wanted += [
            (np.asarray(labels).astype(str) == label, {_AT: threshold}) for label in present[counts >= FEWEST_PEOPLE]
        ]
    return wanted


def fdr(fmrs: FloatArray, fnmrs: FloatArray, alpha: float) -> float:
    """Fairness discrepancy rate 1 - (alpha max|FMR_i - FMR_j| + (1 - alpha) max|FNMR_i - FNMR_j|); 1 = equal.

    de Freitas Pereira & Marcel, IEEE TBIOM 4 (2022), arXiv 2011.02395. Rates are (G,), one per group.
    """
    return float(1 - (alpha * np.ptp(fmrs) + (1 - alpha) * np.ptp(fnmrs)))


def ir(fmrs: FloatArray, fnmrs: FloatArray, alpha: float) -> float:
    """Inequity rate (max FMR / min FMR)^alpha (max FNMR / min FNMR)^(1 - alpha); 1 = equal.

    Described in arXiv 2203.05051. Undefined if a rate is 0: ValueError.
    """
    return float(_ratio(fmrs) ** alpha * _ratio(fnmrs) ** (1 - alpha))


def garbe(fmrs: FloatArray, fnmrs: FloatArray, alpha: float) -> float:
    """Gini aggregation rate for biometric equitability alpha G(FMR) + (1 - alpha) G(FNMR); 0 = equal.

    Howard et al., arXiv 2203.05051.
    """
    return alpha * gini(fmrs) + (1 - alpha) * gini(fnmrs)


def gini(rates: FloatArray) -> float:
    """Gini coefficient n / (n - 1) sum_ij |x_i - x_j| / (2 n^2 mean(x)) of (n,) rates; 0 if all are zero."""
    return float(_mean_difference(_relative(np.asarray(rates, dtype=float))))


def ser(errors: FloatArray) -> float:
    """Skewed error ratio max / min of the groups' errors, (G,); 1 = equal. ValueError if an error is 0.

    Wang & Deng, CVPR 2020.
    """
    return _ratio(errors)


def max_ratio(rates: FloatArray) -> float:
    """The highest of the groups' rates, (G,), divided by their geometric mean; 1 = equal. ValueError if a rate is 0.

    NIST FRVT Part 8 (NISTIR 8429), one ratio for FNMR and one for FMR. A group without errors would make the ratio
    infinite, whatever the other groups' rates are; so the ratio is refused there.
    """
    _ratio(rates)
    return float(np.max(rates) / np.exp(np.mean(np.log(rates))))


def ratio_between(rates: Sequence[Proportion], name: str, rng: np.random.Generator) -> Spread:
    """:func:`max_ratio` of the groups' rates, (G,) of them, with its interval; or the reason why it is undefined.

    Parameters
    ----------
    name : str
        The rate's name, for the reason.
    rng : numpy.random.Generator
        For the interval.
    """
    if len(rates) < 2:
        return Spread(undefined=_one_group(len(rates)))
    return _max_ratio(_rates([one.value for one in rates], [one.interval for one in rates], rng), name)


def _one_group(groups: int) -> str:
    return f"{groups} of its groups can be measured; at least 2 are needed"


def _groups(scores: Compared, labels: npt.NDArray[np.str_], threshold: float) -> tuple[list[Group], dict[str, str]]:
    """The groups of one attribute that can be measured, and the reasons why others can't."""
    people = scores.people
    if people.max() >= len(labels):
        raise ValueError(f"{len(labels)} labels for person indices up to {people.max()}; expected a label per person")
    present, counts = np.unique(labels[people], return_counts=True)
    if len({snake_case(str(label)) for label in present}) < len(present):
        raise ValueError(f"two of the labels {', '.join(present)} map to the same metric name; rename one")
    found, left_out = [], {}
    for label, count in zip(present.tolist(), counts.tolist(), strict=True):
        if count < FEWEST_PEOPLE:
            left_out[label] = f"{count} people; fewer than {FEWEST_PEOPLE}"
            continue
        try:
            found.append(_group(scores, label, labels == label, threshold))
        except ValueError as error:
            left_out[label] = str(error)
    return found, left_out


def _group(scores: Compared, label: str, member: npt.NDArray[np.bool_], threshold: float) -> Group:
    found = scores.inside(member).errors({_AT: threshold})
    genuine, impostor = found.trials
    return Group(
        label=label,
        people=len(found.people),
        genuine=genuine,
        impostor=impostor,
        fnmr=found.missed[_AT],
        fmr=found.matched[_AT],
        eer=found.eer,
        eer_interval=found.eer_interval,
    )


def _described(group: Group) -> dict[str, float]:
    return {
        "people": group.people,
        "genuine": group.genuine,
        "impostor": group.impostor,
        "fnmr": group.fnmr.value,
        "fmr": group.fmr.value,
        "eer": group.eer,
    }


def _group_rates(attribute: str, groups: list[Group], fmr_name: str) -> list[Measurement]:
    return [
        Measurement(
            name, rate.value, *rate.interval, n=one.people, at=fmr_name, group=(attribute, snake_case(one.label))
        )
        for one in groups
        for name, rate in (("fnmr", one.fnmr), ("fmr", one.fmr))
    ]


def _spreads(groups: list[Group], alpha: float, rng: np.random.Generator) -> dict[str, Spread]:
    """FDR, IR, GARBE, SER and the ratios of the maximum to the geometric mean, of one attribute."""
    if len(groups) < 2:
        names = ("fdr", "ir", "garbe", "ser", "max_ratio_fmr", "max_ratio_fnmr")
        return dict.fromkeys(names, Spread(undefined=_one_group(len(groups))))
    fmrs = _rates([group.fmr.value for group in groups], [group.fmr.interval for group in groups], rng)
    fnmrs = _rates([group.fnmr.value for group in groups], [group.fnmr.interval for group in groups], rng)
    eers = _rates([group.eer for group in groups], [group.eer_interval for group in groups], rng)
    return {
        "fdr": _fdr(fmrs, fnmrs, alpha),
        "ir": _ir(fmrs, fnmrs, alpha),
        "garbe": _garbe(fmrs, fnmrs, alpha),
        "ser": _ser(eers),
        "max_ratio_fmr": _max_ratio(fmrs, "FMR"),
        "max_ratio_fnmr": _max_ratio(fnmrs, "FNMR"),
    }


@dataclass(frozen=True, eq=False)
class _Rates:
    """One error rate per group with its interval, (G,), and draws of its standardised error, (R, G).

    A draw of 1 (-1) puts the true rate on the upper (lower) bound of its interval.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    draws: FloatArray

    @property
    def errors(self) -> FloatArray:
        """(R, G) true rate minus estimate."""
        error = np.where(self.draws > 0, self.high - self.value, self.value - self.low) * self.draws
        return np.asarray(np.clip(self.value + error, 0, 1) - self.value)

    @property
    def log_errors(self) -> FloatArray:
        """(R, G) log of true rate over estimate."""
        up, down = np.log(self.high / self.value), np.log(self.value / np.maximum(self.low, _SMALLEST))
        return np.asarray(np.where(self.draws > 0, up, down) * self.draws)


def _rates(values: list[float], intervals: list[Interval], rng: np.random.Generator) -> _Rates:
    low, high = np.array(intervals).T
    return _Rates(np.array(values), low, high, rng.standard_normal((_REPLICATES, len(values))) / Z)


def _fdr(fmrs: _Rates, fnmrs: _Rates, alpha: float) -> Spread:
    value = fdr(fmrs.value, fnmrs.value, alpha)
    off = alpha * np.ptp(fmrs.errors, axis=1) + (1 - alpha) * np.ptp(fnmrs.errors, axis=1)
    margin = _margin(off)
    return Spread(value, (max(0.0, value - margin), min(1.0, value + margin)))


def _ir(fmrs: _Rates, fnmrs: _Rates, alpha: float) -> Spread:
    for name, rates in (("FMR", fmrs), ("FNMR", fnmrs)):
        if not rates.value.all():
            return Spread(undefined=f"a group's {name} is 0, and the rate divides by it")
    value = ir(fmrs.value, fnmrs.value, alpha)
    off = alpha * np.ptp(fmrs.log_errors, axis=1) + (1 - alpha) * np.ptp(fnmrs.log_errors, axis=1)
    return _times(value, _margin(off))


def _garbe(fmrs: _Rates, fnmrs: _Rates, alpha: float) -> Spread:
    value = garbe(fmrs.value, fnmrs.value, alpha)
    off_fmr, off_fnmr = (
        _mean_difference(_relative(rates.value + rates.errors) - _relative(rates.value)) for rates in (fmrs, fnmrs)
    )
    margin = _margin(alpha * off_fmr + (1 - alpha) * off_fnmr)
    return Spread(value, (max(0.0, value - margin), min(1.0, value + margin)))


def _ser(eers: _Rates) -> Spread:
    if not eers.value.all():
        return Spread(undefined="a group's EER is 0, and the ratio divides by it")
    return _times(ser(eers.value), _margin(np.ptp(eers.log_errors, axis=1)))


def _max_ratio(rates: _Rates, name: str) -> Spread:
    """The error of the logarithm is at most the larger distance of the groups' own errors' ends from their mean."""
    if not rates.value.all():
        return Spread(undefined=f"a group's {name} is 0, and the geometric mean with it")
    errors = rates.log_errors
    mean = errors.mean(axis=1)
    off = np.maximum(errors.max(axis=1) - mean, mean - errors.min(axis=1))
    return _times(max_ratio(rates.value), _margin(off))


def _times(ratio: float, margin: float) -> Spread:
    """A ratio with the interval for an error of its logarithm of at most ``margin``."""
    return Spread(ratio, (max(1.0, ratio * float(np.exp(-margin))), ratio * float(np.exp(margin))))


def _margin(off: FloatArray) -> float:
    return float(np.quantile(off, 0.95))


def _ratio(rates: FloatArray) -> float:
    smallest, largest = float(np.min(rates)), float(np.max(rates))
    if smallest <= 0:
        raise ValueError(f"the smallest rate is {smallest}; expected rates above 0, as the ratio divides by it")
    return largest / smallest


def _relative(rates: FloatArray) -> FloatArray:
    """(..., G) rates divided by their mean; all equal if all are zero."""
    mean = rates.mean(axis=-1, keepdims=True)
    return np.asarray(np.where(mean > 0, rates / np.where(mean > 0, mean, 1), 1))


def _mean_difference(values: FloatArray) -> FloatArray:
    """n / (n - 1) sum_ij |x_i - x_j| / (2 n^2) over the last axis, of length n."""
    n = values.shape[-1]
    if n < 2:
        raise ValueError(f"{n} group; expected at least 2")
    return np.asarray(np.abs(values[..., :, None] - values[..., None, :]).sum(axis=(-2, -1)) / (2 * n * (n - 1)))
