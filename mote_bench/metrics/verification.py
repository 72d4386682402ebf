"""Recognition performance: error rates of 1:1 verification and 1:N identification.

A claim is accepted if its comparison score reaches the threshold. Names and definitions follow ISO/IEC 19795-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import OWN, FloatArray, InputError, Measurement

from .intervals import (
    Interval,
    Proportion,
    correlation,
    modified_wilson,
    pair_proportion,
    person_proportion,
    wilson_bounds,
)
from .measured import Measured

Index = npt.NDArray[np.integer]
_FALSE_MATCHES = 10
_GRID = np.geomspace(1e-6, 1, 600)


@dataclass(frozen=True, eq=False)
class Scores:
    """Comparison scores of every template against every probe.

    Parameters
    ----------
    values : (n, m) float
        Scores, higher = more alike; finite.
    enrolled : (n,) int
        Subject index of each template.
    shown : (m,) int
        Subject index of each probe.

    Raises
    ------
    ValueError
        On unequal lengths, scores that are not finite, and no mated or no non-mated pair.
    """

    values: FloatArray
    enrolled: Index
    shown: Index

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=float)
        enrolled, shown = np.asarray(self.enrolled), np.asarray(self.shown)
        if values.shape != (len(enrolled), len(shown)):
            raise ValueError(
                f"scores have shape {values.shape}; expected {len(enrolled), len(shown)}, templates by probes"
            )
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            raise ValueError(f"{bad} of {values.size} scores are NaN or infinite; expected finite scores")
        for name, array in (("values", values), ("enrolled", enrolled), ("shown", shown)):
            object.__setattr__(self, name, array)
        if not self.mated.any() or self.mated.all():
            raise ValueError("no genuine or no impostor pair among the scores; expected both")

    @property
    def mated(self) -> npt.NDArray[np.bool_]:
        """(n, m) whether template and probe are mated (of the same subject)."""
        return np.asarray(self.enrolled[:, None] == self.shown[None, :])

    @property
    def genuine(self) -> FloatArray:
        """(k,) genuine scores: of mated comparisons."""
        return self.values[self.mated]

    @property
    def impostor(self) -> FloatArray:
        """(k,) impostor scores: of non-mated comparisons."""
        return self.values[~self.mated]

    @property
    def people(self) -> Index:
        """(P,) every subject index that occurs."""
        return np.union1d(self.enrolled, self.shown)

    def inside(self, member: npt.NDArray[np.bool_]) -> Scores:
        """The scores among the subjects p with ``member[p]``."""
        rows, columns = member[self.enrolled], member[self.shown]
        return Scores(self.values[np.ix_(rows, columns)], self.enrolled[rows], self.shown[columns])

    def errors(self, thresholds: Mapping[str, float]) -> Errors:
        """The error rates, overall and at each threshold."""
        genuine, impostor = self.genuine, self.impostor
        points, trials = operating_points(genuine, impostor), (len(genuine), len(impostor))
        _, false_matches, false_non_matches = points
        equal = _at_equal_errors(self, points)
        return Errors(
            people=self.people,
            claimants=len(np.intersect1d(self.enrolled, self.shown)),
            templates=len(self.enrolled),
            trials=trials,
            eer=equal.eer,
            eer_interval=interval_of_curve(false_matches, false_non_matches, equal),
            eer_influence=equal.influence,
            rank=identified(self),
            missed={name: missed_genuine(self, threshold) for name, threshold in thresholds.items()},
            matched={name: matched_impostors(self, threshold) for name, threshold in thresholds.items()},
            det=spread_points(false_matches, false_non_matches, trials=trials),
        )


@dataclass(frozen=True, eq=False)
class Errors:
    """Error rates of templates against probes.

    Attributes
    ----------
    people : (P,) int
        Every subject index that occurs; ``claimants`` of them have both a template and a probe.
    trials : (int, int)
        Numbers of genuine and impostor scores.
    eer_influence : (P,) float
        :func:`eer_influence`.
    missed, matched : mapping of str -> Proportion
        FNMR and FMR at each threshold.
    det : (k, 2) float
        :func:`det_points`.
    """

    people: Index
    claimants: int
    templates: int
    trials: tuple[int, int]
    eer: float
    eer_interval: Interval
    eer_influence: FloatArray
    rank: Proportion
    missed: Mapping[str, Proportion]
    matched: Mapping[str, Proportion]
    det: FloatArray


class Peopled(Protocol):
    """Templates and probes of subjects."""

    @property
    def people(self) -> Index:
        """(P,) every subject index that occurs."""
        ...


class Compared(Peopled, Protocol):
    """Comparison scores: :class:`Scores` in memory, or :class:`~mote_bench.metrics.tiles.Tiles`."""

    def inside(self, member: npt.NDArray[np.bool_]) -> Compared:
        """The scores among the subjects p with ``member[p]``."""
        ...

    def errors(self, thresholds: Mapping[str, float]) -> Errors:
        """The error rates, overall and at each threshold."""
        ...


def measure_verification(scores: Compared, thresholds: Mapping[str, float], rng: np.random.Generator) -> Measured:
    """EER, rank-1 identification, and FNMR with the observed FMR at each given threshold.

    Parameters
    ----------
    scores : Compared
        Comparison scores of the target subjects.
    thresholds : mapping of str -> float
        Thresholds set on the calibration subjects, keyed by the FMR they were set for (``"1e-2"``).
    rng : numpy.random.Generator
        Not used, as all intervals are analytic; present so that all measures have the same signature.

    Returns
    -------
    Measured
        ``eer``, ``rank_1``, and per threshold X ``fnmr_at_fmr_X`` and ``fmr_reached_at_fmr_X``; details hold the
        DET curve, the thresholds and counts. Of a scheme that decides (a threshold for ``own``) there is no EER, and
        the curve is one point.
    """
    found = scores.errors(thresholds)
    claimants, rank = found.claimants, found.rank
    measurements = [Measurement("rank_1", rank.value, *rank.interval, n=claimants, chance=1 / found.templates)]
    influence, det = {}, found.det.tolist()
    if OWN in thresholds:
        det = [[found.matched[OWN].value, found.missed[OWN].value]]
        influence["fmr_reached_at_fmr_own"] = found.matched[OWN].influence
    else:
        measurements.insert(0, Measurement("eer", found.eer, *found.eer_interval, n=claimants, chance=0.5))
        influence["eer"] = found.eer_influence
    for fmr_name in thresholds:
        missed, matched = found.missed[fmr_name], found.matched[fmr_name]
        refused = Measurement("fnmr", missed.value, *missed.interval, n=claimants, at=fmr_name)
        reached = Measurement("fmr_reached", matched.value, *matched.interval, n=len(found.people), at=fmr_name)
        measurements += [refused, reached]
        influence[refused.name] = missed.influence
    genuine, impostor = found.trials
    details = {
        "det": det,
        "thresholds": {name: float(threshold) for name, threshold in thresholds.items()},
        "counts": {"genuine": genuine, "impostor": impostor, "people": len(found.people)},
    }
    return Measured(tuple(measurements), details, influence)


def eer(genuine: FloatArray, impostor: FloatArray) -> float:
    """Equal error rate, where FNMR = FMR, interpolated between operating points; 0.5 if all scores are equal.

    Parameters
    ----------
    genuine, impostor : (k,) float
        Any strictly increasing function of the scores gives the same value.
    """
    _, false_matches, false_non_matches = operating_points(genuine, impostor)
    return float(np.interp(0, false_non_matches - false_matches, false_non_matches))


def fnmr(genuine: FloatArray, threshold: float) -> float:
    """False non-match rate: share of genuine scores below the threshold."""
    return float(np.mean(_scores("genuine", genuine) < threshold))


def fmr(impostor: FloatArray, threshold: float) -> float:
    """False match rate: share of impostor scores that reach the threshold."""
    return float(np.mean(_scores("impostor", impostor) >= threshold))


def threshold_at_fmr(impostor: FloatArray, fmr: float, *, trials: int | None = None) -> float:
    """The lowest threshold with a false match rate of at most ``fmr``, chosen among the impostor scores.

    If only the highest scores are given (more than ``fmr * trials``), ``trials`` is the number of all scores.

    Tied scores are accepted together, so the observed FMR may be lower than ``fmr``. If too many scores tie for the
    highest, the threshold is the next float above it, and nothing is accepted.

    Raises
    ------
    InputError
        With fewer than 10 / fmr scores: the threshold would then rest on fewer than ten false matches.
    """
    ordered = np.sort(_scores("impostor", impostor))[::-1]
    needed = trials_needed(fmr)
    trials = len(ordered) if trials is None else trials
    if trials < needed:
        raise InputError(
            f"{trials} impostor scores for a threshold at FMR {fmr:g}; expected at least {needed}. "
            "Use more people or a higher FMR."
        )
    allowed = int(np.floor(fmr * trials + 1e-6))
    if allowed >= len(ordered):
        return float(ordered[-1])
    accepted = ordered[:allowed][ordered[:allowed] > ordered[allowed]]
    return float(accepted[-1] if len(accepted) else np.nextafter(ordered[0], np.inf))


def trials_needed(fmr: float) -> int:
    """The number of impostor scores below which nothing is said about a false match rate."""
    return int(np.ceil(_FALSE_MATCHES / fmr - 1e-6))


def least_fmr(trials: int) -> float:
    """The lowest false match rate that so many impostor scores are enough for."""
    return _FALSE_MATCHES / trials


def operating_points(genuine: FloatArray, impostor: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Thresholds in ascending order with the FMR and FNMR at each; the last one accepts nothing.

    There is one operating point per distinct score. FMR falls from 1 to 0 and FNMR rises from 0 to 1, so FNMR - FMR
    increases strictly.
    """
    genuine, impostor = np.sort(_scores("genuine", genuine)), _scores("impostor", impostor)
    ordered = np.sort(np.concatenate([genuine, impostor]))
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    thresholds, below = np.append(ordered[first], np.inf), np.append(first, len(ordered))
    genuine_below = np.searchsorted(genuine, thresholds)
    false_non_matches = genuine_below / len(genuine)
    false_matches = 1 - (below - genuine_below) / len(impostor)
    return thresholds, false_matches, false_non_matches


def det_points(genuine: FloatArray, impostor: FloatArray, most: int = 200) -> FloatArray:
    """(k, 2) operating points (FMR, FNMR) of the detection error trade-off curve, k at most ``most``.

    Evenly spread on logarithmic axes, both ends included.
    """
    _, false_matches, false_non_matches = operating_points(genuine, impostor)
    return spread_points(false_matches, false_non_matches, trials=(len(genuine), len(impostor)), most=most)


def spread_points(
    false_matches: FloatArray, false_non_matches: FloatArray, *, trials: tuple[int, int], most: int = 200
) -> FloatArray:
    """:func:`det_points`, from operating points, (k,) each; ``trials``: numbers of genuine and impostor scores."""
    points = np.column_stack([false_matches, false_non_matches])
    along = np.log(np.maximum(false_non_matches, 0.5 / trials[0]))
    along -= np.log(np.maximum(false_matches, 0.5 / trials[1]))
    wanted = np.linspace(along[0], along[-1], most)
    chosen = np.unique(np.minimum(np.searchsorted(along, wanted), len(points) - 1))
    return np.asarray(points[chosen])


def rank_1(scores: Scores) -> float:
    """Rank-1 identification rate: share of probes whose highest score is mated; ties share the credit."""
    return identified(scores).value


def identified(scores: Scores) -> Proportion:
    """:func:`rank_1` as a proportion with interval; probes of subjects without a template don't count."""
    best = scores.values == scores.values.max(axis=0)
    credit = (best & scores.mated).sum(axis=0) / best.sum(axis=0)
    enrolled = np.isin(scores.shown, scores.enrolled)
    return by_person(scores, scores.shown[enrolled], credit[enrolled])


def missed_genuine(scores: Scores, threshold: float) -> Proportion:
    """FNMR at a threshold; its interval allows for correlated trials of one subject."""
    row, column = np.nonzero(scores.mated)
    return by_person(scores, scores.enrolled[row], scores.values[row, column] < threshold)


def matched_impostors(scores: Scores, threshold: float) -> Proportion:
    """FMR at a threshold; its interval allows for correlated pairs that share a subject.

    For an FMR of 0 or 1 the effective sample size is estimated at the threshold with two accepted (or rejected) pairs
    per subject. If that fails too, it is the number of subjects.
    """
    rate = _accepted_pairs(scores, threshold)
    if 0 < rate.value < 1:
        return rate
    share = 2 / len(scores.people)
    readable = _accepted_pairs(scores, float(np.quantile(scores.impostor, 1 - share if rate.value == 0 else share)))
    return as_readable(rate, readable)


def as_readable(rate: Proportion, readable: Proportion) -> Proportion:
    """For a rate of 0 or 1, use the effective sample size estimated at another threshold, if it has one."""
    return replace(rate, effective=readable.effective if 0 < readable.value < 1 else rate.effective)


def _accepted_pairs(scores: Scores, threshold: float) -> Proportion:
    people, index = np.unique(np.concatenate([scores.enrolled, scores.shown]), return_inverse=True)
    templates = len(scores.enrolled)
    cell = index[:templates, None] * len(people) + index[None, templates:]
    different = ~np.eye(len(people), dtype=bool)

    def per_pair(cells: Index) -> FloatArray:
        counts = np.bincount(cells.ravel(), minlength=different.size)
        return np.asarray(counts.reshape(different.shape) * different, dtype=float)

    return pair_proportion(per_pair(cell[scores.values >= threshold]), per_pair(cell))


def eer_interval(scores: Scores) -> Interval:
    """Interval of the EER over subjects, by inverting the test that FNMR = FMR at a threshold.

    A threshold is a candidate if the MOVER interval of FNMR - FMR (two dependent rates of the same subjects) holds
    zero there. The common rates at the candidates, weighted by precision, bound the EER. The uncertainty of the common
    rate itself is added as a root of summed squares. Without any error this is about Wilson's interval over subjects.

    A percentile bootstrap over subjects does worse, as many resamples hold no error at all. In simulations of 50
    subjects with three probes each it covers an EER of 1.5 % in 84 % of runs, and one of 0.3 % in 52 %.
    """
    mated = scores.mated
    points = operating_points(scores.values[mated], scores.values[~mated])
    _, false_matches, false_non_matches = points
    return interval_of_curve(false_matches, false_non_matches, _at_equal_errors(scores, points))


def interval_of_curve(false_matches: FloatArray, false_non_matches: FloatArray, at: AtEqualErrors) -> Interval:
    """:func:`eer_interval`, from operating points, (k,) each."""
    estimate, missed, matched = at.eer, at.missed, at.matched
    apart = false_non_matches - false_matches
    grid = np.concatenate([-_GRID[::-1], [0.0], _GRID])
    curve = np.interp(grid, apart, false_non_matches), np.interp(grid, apart, false_matches)
    low, high = _common_rate(curve, missed, matched)
    trials = _joint_trials(missed, matched)
    own_low, own_high = modified_wilson(estimate * trials, trials)
    low = estimate - float(np.hypot(estimate - low, estimate - own_low))
    high = estimate + float(np.hypot(high - estimate, own_high - estimate))
    if estimate in (0, 1):  # no errors to estimate a variance from: no narrower than Wilson's interval over subjects
        least = modified_wilson(estimate * missed.effective, missed.effective)
        low, high = min(low, least[0]), max(high, least[1])
    return max(0.0, low), min(1.0, high)


def eer_influence(scores: Scores) -> FloatArray:
    """(P,) influence of each of ``scores.people`` on the EER, as the precision-weighted mean of FNMR and FMR."""
    return _at_equal_errors(scores, operating_points(scores.genuine, scores.impostor)).influence


@dataclass(frozen=True, eq=False)
class AtEqualErrors:
    """The EER, and FNMR and FMR near the threshold where they are equal."""

    eer: float
    missed: Proportion
    matched: Proportion

    @property
    def influence(self) -> FloatArray:
        """:func:`eer_influence`."""
        weight = _weight_of_fnmr(self.missed, self.matched)
        return np.asarray(weight * self.missed.influence + (1 - weight) * self.matched.influence)


def _at_equal_errors(scores: Scores, points: tuple[FloatArray, FloatArray, FloatArray]) -> AtEqualErrors:
    """With the :func:`operating_points` of the scores."""
    thresholds, false_matches, false_non_matches = points
    apart = false_non_matches - false_matches
    estimate = float(np.interp(0, apart, false_non_matches))
    missed = missed_genuine(scores, thresholds[np.searchsorted(apart, 0)])
    readable = float(np.quantile(scores.impostor, readable_share(estimate, len(scores.people))))
    return AtEqualErrors(estimate, missed, matched_impostors(scores, readable))


def readable_share(estimate: float, people: int) -> float:
    """Share of impostor scores below the threshold at which their correlation is estimated.

    That is the EER's threshold, or, if its FMR is too low for an estimate, the one with two false matches per subject.
    """
    return 1 - max(estimate, 2 / people)


def _common_rate(curve: tuple[FloatArray, FloatArray], missed: Proportion, matched: Proportion) -> Interval:
    """The lowest and highest common rate along the points (FNMR, FMR) where the two may be equal."""
    fnmrs, fmrs = curve
    together = correlation(missed, matched)
    (low, high), (other_low, other_high) = (
        wilson_bounds(rates, rate.effective) for rates, rate in ((fnmrs, missed), (fmrs, matched))
    )
    below = _hypotenuse(fnmrs - low, other_high - fmrs, together)
    above = _hypotenuse(high - fnmrs, fmrs - other_low, together)
    equal = (fnmrs - fmrs <= below) & (fmrs - fnmrs <= above)
    weight = _weight_of_fnmr(missed, matched)
    common = (weight * fnmrs + (1 - weight) * fmrs)[equal]
    return float(common.min()), float(common.max())


def _hypotenuse(one: FloatArray, other: FloatArray, together: float) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum(one**2 + other**2 - 2 * together * one * other, 0)))


def _variances(missed: Proportion, matched: Proportion) -> tuple[float, float, float]:
    """Variances and covariance of FNMR and FMR at a common rate p, in units of p (1 - p)."""
    one, other = 1 / missed.effective, 1 / matched.effective
    return one, other, correlation(missed, matched) * float(np.sqrt(one * other))


def _weight_of_fnmr(missed: Proportion, matched: Proportion) -> float:
    one, other, both = _variances(missed, matched)
    return float(np.clip((other - both) / max(one + other - 2 * both, 1e-12), 0, 1))


def _joint_trials(missed: Proportion, matched: Proportion) -> float:
    """Effective trials of the precision-weighted mean of FNMR and FMR."""
    one, other, both = _variances(missed, matched)
    weight = _weight_of_fnmr(missed, matched)
    return 1 / max(weight**2 * one + (1 - weight) ** 2 * other + 2 * weight * (1 - weight) * both, 1e-12)


def by_person(scores: Peopled, person: Index, credit: npt.NDArray[Any]) -> Proportion:
    """The rate of ``credit`` (k,) over trials of the subjects ``person`` (k,)."""
    index, size = np.searchsorted(scores.people, person), len(scores.people)
    successes, trials = np.bincount(index, credit, minlength=size), np.bincount(index, minlength=size)
    return person_proportion(np.asarray(successes, dtype=float), np.asarray(trials, dtype=float))


def _scores(name: str, values: FloatArray) -> FloatArray:
    values = np.asarray(values, dtype=float).ravel()
    if len(values) == 0 or not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise ValueError(f"{bad} of {len(values)} {name} scores are NaN or infinite; expected one or more, all finite")
    return values
