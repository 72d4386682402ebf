"""Reconstruction: cosine of reconstructed to true embeddings, and successful attack rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError, Measurement, flat

from .intervals import Interval, Proportion, mover_difference, t_interval
from .measured import Measured
from .verification import Scores, fmr, matched_impostors, missed_genuine, threshold_at_fmr

Index = npt.NDArray[np.integer]
_NO_LENGTH = 1e-9
_WOLF_RATES = ("1e-2", "1e-3")
_AT_WOLF_RATE = "type_2_success_at_wolf_rate"
_ONE_FACE = 0.999


@dataclass(frozen=True, eq=False)
class Truth:
    """The true embeddings that reconstructions are compared with.

    Parameters
    ----------
    mean : (d,) float
        Mean of the background set's unit embeddings, the component common to all faces.
    references : (n, d) float
        The enrolled embedding of each subject.
    probes : (m, d) float
        Embeddings of other photos of these subjects.
    shown : (m,) int
        The subject of each probe, as a row of ``references``.
    """

    mean: FloatArray
    references: FloatArray
    probes: FloatArray
    shown: Index

    def __post_init__(self) -> None:
        n, d = np.shape(self.references)
        if np.shape(self.mean) != (d,) or np.shape(self.probes) != (len(self.shown), d):
            raise ValueError(
                f"references are {n, d}, the mean {np.shape(self.mean)}, probes {np.shape(self.probes)} for "
                f"{len(self.shown)} shown people; expected one dimension and one person per probe"
            )
        if len(self.shown) and (np.min(self.shown) < 0 or np.max(self.shown) >= n):
            raise ValueError(f"probes show people {np.min(self.shown)} to {np.max(self.shown)}; expected 0 to {n - 1}")
        if not all(np.isfinite(rows).all() for rows in (self.mean, self.references, self.probes)):
            raise ValueError("the mean, the references or the probes hold NaN or infinity; expected finite numbers")


def measure_reconstruction(
    answer: FloatArray,
    truth: Truth,
    thresholds: Mapping[str, float],
    rng: np.random.Generator,
    *,
    uncentred: Mapping[str, float] | None = None,
) -> Measured:
    """Cosines of reconstructions to true embeddings, and successful attack rates (SAR); higher is worse.

    Cosines are taken between directions from the background mean, unless the metric's name says uncentred. Embeddings
    have a large common component, so uncentred cosines are high for any answer. Each success rate is published with
    the wolf rate, at which the same reconstructions match other subjects: a face near the mean matches many.

    Deployed recognisers often compare uncentred, and there the mean face alone matches many subjects. So uncentred
    success is published with that of the mean face, which holds no information about anybody. (Centred, the mean face
    has no direction.)

    Parameters
    ----------
    answer : (n, d) float
        One reconstruction per subject; only its direction counts. A row of zeros has cosine 0 with everything.
    truth : Truth
        Row i is the subject of answer i.
    thresholds : mapping of str -> float
        Thresholds on centred cosines of unprotected embeddings, set on the calibration subjects, by FMR (``"1e-2"``).
    rng : numpy.random.Generator
        Not used, as all intervals are analytic; present so that all measures have the same signature.
    uncentred : mapping of str -> float, optional
        As ``thresholds``, on uncentred cosines.

    Returns
    -------
    Measured
        ``centred_cosine`` (chance: cosine to other subjects' references), ``cosine_gain`` (own minus others), and per
        threshold X ``type_1_success_at_fmr_X`` (against the enrolled image), ``type_2_success_at_fmr_X`` (against
        other images of the subject; Mai et al., arXiv 1703.00832), ``wolf_rate_at_fmr_X`` (against other subjects'
        images), ``success_gain_at_fmr_X`` (type II minus wolf rate) and ``genuine_success_at_fmr_X`` (type II of the
        enrolled embedding itself). ``type_2_success_at_wolf_rate_Y`` is taken at the threshold with wolf rate Y; with
        too few pairs for that it is named in ``details["undefined"]``.

        Per uncentred threshold X: ``uncentred_type_1_success_at_fmr_X``, ``uncentred_type_2_success_at_fmr_X`` (chance:
        those of the mean face), ``uncentred_wolf_rate_at_fmr_X``, ``mean_face_type_2_success_at_fmr_X`` and
        ``mean_face_wolf_rate_at_fmr_X``.

    Raises
    ------
    ValueError
        On a wrong shape, answers that are not finite, and answers that are all the same face. In the last case the
        attack failed, which is no strength of the scheme.
    """
    answer = _checked(answer, truth)
    seen = _compared(centred(answer, truth.mean), truth, truth.mean)
    genuine = Scores(_cosines(seen.references, seen.probes), seen.to_probe.enrolled, truth.shown)
    measurements = _closeness(seen.to_reference.values)
    for name, threshold in thresholds.items():
        measurements += _acceptance(name, seen, threshold)
        measurements.append(_measurement("genuine_success", _success(genuine, threshold), at=name))
    at_wolf_rate, undefined = _at_wolf_rates(seen.to_probe, thresholds)
    measurements += at_wolf_rate + _uncentred(answer, truth, uncentred or {})
    own, others = len(seen.to_probe.genuine), len(seen.to_probe.impostor)
    details = {
        "thresholds": {name: float(threshold) for name, threshold in thresholds.items()},
        "counts": {"people": len(answer), "probes": len(seen.probes), "genuine": own, "wolf": others},
        "undefined": undefined,
    }
    if uncentred:
        details["uncentred_thresholds"] = {name: float(threshold) for name, threshold in uncentred.items()}
    return Measured(tuple(measurements), details, _influence(seen, thresholds), _outcome(seen, thresholds))


@dataclass(frozen=True, eq=False)
class _Compared:
    """Directions of references and probes, and the reconstructions' cosines to them."""

    references: FloatArray
    probes: FloatArray
    to_reference: Scores
    to_probe: Scores


def _compared(reconstructed: FloatArray, truth: Truth, origin: FloatArray) -> _Compared:
    """Cosines of the directions ``reconstructed`` (n, d) to the true faces' directions from ``origin`` (d,)."""
    references, probes, people = (
        centred(truth.references, origin),
        centred(truth.probes, origin),
        np.arange(len(reconstructed)),
    )
    to_reference = Scores(_cosines(reconstructed, references), people, people)
    return _Compared(references, probes, to_reference, Scores(_cosines(reconstructed, probes), people, truth.shown))


def _uncentred(answer: FloatArray, truth: Truth, thresholds: Mapping[str, float]) -> list[Measurement]:
    """Success rates of the answer and of the mean face at a recogniser that compares uncentred embeddings."""
    if not thresholds:
        return []
    nowhere = np.zeros_like(truth.mean)
    given = _compared(centred(answer, nowhere), truth, nowhere)
    average = _compared(centred(np.tile(truth.mean, (len(answer), 1)), nowhere), truth, nowhere)
    return [one for name, at in thresholds.items() for one in _beside_the_mean_face(name, given, average, float(at))]


def _beside_the_mean_face(name: str, given: _Compared, average: _Compared, threshold: float) -> list[Measurement]:
    own, other = (_success(average.to_reference, threshold), _success(average.to_probe, threshold))
    wolf = matched_impostors(average.to_probe, threshold)
    type_1, type_2 = (_success(given.to_reference, threshold), _success(given.to_probe, threshold))
    passed = matched_impostors(given.to_probe, threshold)
    return [
        _measurement("uncentred_type_1_success", type_1, at=name, chance=own.value),
        _measurement("uncentred_type_2_success", type_2, at=name, chance=other.value),
        _measurement("uncentred_wolf_rate", passed, at=name, chance=wolf.value),
        _measurement("mean_face_type_2_success", other, at=name),
        _measurement("mean_face_wolf_rate", wolf, at=name),
    ]


def centred(rows: FloatArray, mean: FloatArray) -> FloatArray:
    """(n, d) unit directions of the rows, scaled to unit length, from ``mean`` (d,); zero for zero rows or the mean."""
    rows = np.asarray(rows, dtype=float)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    direction = _directions(rows / np.where(largest > 0, largest, 1))
    return _directions(np.where(largest > 0, direction - mean, 0))


def cosine_gain(cosines: FloatArray) -> tuple[float, Interval]:
    """Mean cosine to the own face minus that to other faces, with its interval over subjects.

    ``cosines`` is (n, n), own faces on the diagonal. A subject has a row and a column, so their contribution is the
    diagonal minus the means of both. A direction common to all rows cancels.
    """
    gains = _gains(cosines)
    return float(gains.mean()), t_interval(gains)


def _gains(cosines: FloatArray) -> FloatArray:
    n, own = len(cosines), np.diag(cosines)
    rows, columns = ((cosines.sum(axis=axis) - own) / (n - 1) for axis in (1, 0))
    # Rounded, so that a constant answer gains exactly 0, whatever the order of summation.
    return np.asarray(np.round(own - rows - columns + rows.mean(), 12))


def _influence(seen: _Compared, thresholds: Mapping[str, float]) -> dict[str, FloatArray]:
    """Influence of each subject on the headline metrics of reconstruction."""
    gains = _gains(seen.to_reference.values)
    influence = {"cosine_gain": (gains - gains.mean()) / len(gains)}
    for name, at in thresholds.items():
        own, other = _success(seen.to_probe, at), matched_impostors(seen.to_probe, at)
        influence[flat("success_gain", name)] = own.influence - other.influence
    return influence


def _outcome(seen: _Compared, thresholds: Mapping[str, float]) -> FloatArray | None:
    """(n,) share of each subject's other images that the reconstruction is accepted against, at the lowest FMR."""
    people = np.arange(len(seen.references))
    if not thresholds or len(np.unique(seen.to_probe.shown)) < len(people):
        return None
    accepted = seen.to_probe.values >= thresholds[min(thresholds, key=float)]
    own = seen.to_probe.mated
    return np.asarray((accepted & own).sum(axis=1) / own.sum(axis=1))


def _closeness(cosines: FloatArray) -> list[Measurement]:
    n, own = len(cosines), np.diag(cosines)
    others = float((cosines.sum() - own.sum()) / (n * (n - 1)))
    (low, high), (gain, gain_bounds) = t_interval(own), cosine_gain(cosines)
    return [
        Measurement("centred_cosine", float(own.mean()), max(-1.0, low), min(1.0, high), n=n, chance=others),
        Measurement("cosine_gain", gain, *gain_bounds, n=n, chance=0.0),
    ]


def _acceptance(name: str, seen: _Compared, threshold: float) -> list[Measurement]:
    """Type I and type II success, wolf rate, and type II success minus wolf rate, at one threshold."""
    type_1, type_2 = _success(seen.to_reference, threshold), _success(seen.to_probe, threshold)
    wolf, n = matched_impostors(seen.to_probe, threshold), len(seen.to_probe.enrolled)
    gain = type_2.value - wolf.value
    return [
        _measurement("type_1_success", type_1, at=name, chance=fmr(seen.to_reference.impostor, threshold)),
        _measurement("type_2_success", type_2, at=name, chance=wolf.value),
        _measurement("wolf_rate", wolf, at=name),
        Measurement("success_gain", gain, *mover_difference(type_2, wolf), n=n, chance=0.0, at=name),
    ]


def _at_wolf_rates(to_probe: Scores, rates: Iterable[str]) -> tuple[list[Measurement], dict[str, str]]:
    """Type II success at given wolf rates, and the reason for each rate with too few pairs."""
    measurements, undefined = [], {}
    for name in dict.fromkeys((*_WOLF_RATES, *rates)):
        try:
            threshold = threshold_at_fmr(to_probe.impostor, float(name))
        except InputError as error:
            undefined[flat(_AT_WOLF_RATE, name)] = str(error)
            continue
        value, bounds = _success(to_probe, threshold).value, _bounds_at_wolf_rate(to_probe, threshold)
        measurements.append(
            Measurement(_AT_WOLF_RATE, value, *bounds, n=len(to_probe.enrolled), chance=float(name), at=name)
        )
    return measurements, undefined


def _bounds_at_wolf_rate(to_probe: Scores, threshold: float) -> Interval:
    """The interval of type II success at a threshold that was itself set by the wolf rate of the same subjects.

    The bounds of the wolf rate give two other thresholds. The success there and the bounds of the success itself are
    combined as a root of summed squares (MOVER).
    """
    success, wolf = _success(to_probe, threshold), matched_impostors(to_probe, threshold)
    strict, lax = np.quantile(to_probe.impostor, 1 - np.array(wolf.interval))
    at_strict, at_lax = (_success(to_probe, float(at)).value for at in (strict, lax))
    low, high = success.interval
    below = np.hypot(success.value - low, max(success.value - at_strict, 0))
    above = np.hypot(high - success.value, max(at_lax - success.value, 0))
    return max(0.0, success.value - float(below)), min(1.0, success.value + float(above))


def _success(scores: Scores, threshold: float) -> Proportion:
    """The share of mated trials that are accepted."""
    missed = missed_genuine(scores, threshold)
    return Proportion(1 - missed.value, missed.effective, -missed.influence)


def _measurement(metric: str, rate: Proportion, *, at: str, chance: float | None = None) -> Measurement:
    return Measurement(metric, rate.value, *rate.interval, n=len(rate.influence), chance=chance, at=at)


def _cosines(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(np.clip(one @ other.T, -1, 1))


def _directions(rows: FloatArray) -> FloatArray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.where(length > _NO_LENGTH, rows / np.maximum(length, _NO_LENGTH), 0))


def _checked(answer: FloatArray, truth: Truth) -> FloatArray:
    answer = np.asarray(answer, dtype=float)
    if answer.shape != np.shape(truth.references):
        raise ValueError(f"answer has shape {answer.shape}; expected {np.shape(truth.references)}, people by dimension")
    if not np.isfinite(answer).all():
        bad = int((~np.isfinite(answer).all(axis=1)).sum())
        raise ValueError(f"{bad} of {len(answer)} answers hold NaN or infinity; expected finite numbers")
    _require_movement(answer, truth.mean)
    return answer


def _require_movement(answer: FloatArray, mean: FloatArray) -> None:
    """ValueError if all rows are the same face after centring."""
    alike = _likeness(centred(answer, mean))
    if alike is None or alike > _ONE_FACE:
        raise ValueError(
            f"the attack did not move: its {len(answer)} answers are nearly the same face; expected a row for each "
            "subject that depends on the subject's template"
        )


def _likeness(directions: FloatArray) -> float | None:
    """Mean cosine of two different rows; zero rows don't count, and fewer than two others give ``None``."""
    rows = directions[directions.any(axis=1)]
    if len(rows) < 2:
        return None
    return float((np.square(rows.sum(axis=0)).sum() - len(rows)) / (len(rows) * (len(rows) - 1)))
