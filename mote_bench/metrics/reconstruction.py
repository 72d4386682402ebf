"""How close a rebuilt embedding comes to a person's face, and whom it passes for."""

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
    """The faces that the reconstructions are held against.

    Parameters
    ----------
    mean : (d,) float
        Mean of the background's unit embeddings; what all faces share.
    references : (n, d) float
        The enrolled embedding of each person.
    probes : (m, d) float
        Embeddings of other photos of these people.
    shown : (m,) int
        Which row of ``references`` each probe shows.
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
    """Closeness to the enrolled face and the rates at which a reconstruction is accepted.

    Every cosine is taken between directions from the background's mean, unless its metric is called uncentred:
    embeddings of two strangers share so much that uncentred cosines are high for any answer. A success rate stands
    beside the rate at which the same reconstructions pass for somebody else (their wolf rate): a face near the average
    passes for many.

    A deployed recogniser often compares uncentred, and there the mean face alone is let in as many people. So uncentred
    success stands beside that of the mean face, which knows nothing of anybody; seen from itself it has no direction.

    Parameters
    ----------
    answer : (n, d) float
        A row per person; only its direction counts. A row of zeros has cosine 0 with everything.
    truth : Truth
        Row i is the person of answer i.
    thresholds : mapping of str -> float
        On centred cosines of plain embeddings of other people, keyed by their FMR (``"1e-2"``).
    rng : numpy.random.Generator
        Not drawn from, as all intervals here are analytic; it stands here so that measures are called alike.
    uncentred : mapping of str -> float, optional
        As ``thresholds``, on uncentred cosines.

    Returns
    -------
    Measured
        ``centred_cosine`` (chance: with other people's references), ``cosine_gain`` (own minus others), and per
        threshold X ``type_1_success_at_fmr_X`` (the enrolled image), ``type_2_success_at_fmr_X`` (other photos of the
        person; Mai et al., arXiv 1703.00832), ``wolf_rate_at_fmr_X`` (other people's photos),
        ``success_gain_at_fmr_X`` (type 2 minus wolf rate) and ``genuine_success_at_fmr_X`` (the enrolled photo
        itself). ``type_2_success_at_wolf_rate_Y`` is at the threshold where the wolf rate is Y; with too few pairs for
        that it stands in ``details["undefined"]``.

        Per uncentred threshold X ``uncentred_type_1_success_at_fmr_X``, ``uncentred_type_2_success_at_fmr_X`` (chance:
        those of the mean face), ``uncentred_wolf_rate_at_fmr_X``, ``mean_face_type_2_success_at_fmr_X`` and
        ``mean_face_wolf_rate_at_fmr_X``.

    Raises
    ------
    ValueError
        On a wrong shape, an answer that is not finite, and one that is the same face for everybody: the attack did not
        move, which is a failure of the attack and no strength of the scheme.
    """
    answer = _checked(answer, truth)
    seen = _compared(centred(answer, truth.mean), truth, truth.mean)
    genuine = Scores(_cosines(seen.references, seen.probes), seen.to_probe.owner, truth.shown)
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
    return Measured(tuple(measurements), details, _pulls(seen, thresholds))


@dataclass(frozen=True, eq=False)
class _Compared:
    """Directions of references and probes, and the cosines of the reconstructions with them."""

    references: FloatArray
    probes: FloatArray
    to_reference: Scores
    to_probe: Scores


def _compared(rebuilt: FloatArray, truth: Truth, origin: FloatArray) -> _Compared:
    """``rebuilt`` (n, d) are directions from ``origin``, as those of the true faces are taken to be."""
    references, probes, people = (
        centred(truth.references, origin),
        centred(truth.probes, origin),
        np.arange(len(rebuilt)),
    )
    to_reference = Scores(_cosines(rebuilt, references), people, people)
    return _Compared(references, probes, to_reference, Scores(_cosines(rebuilt, probes), people, truth.shown))


def _uncentred(answer: FloatArray, truth: Truth, thresholds: Mapping[str, float]) -> list[Measurement]:
    """What a recogniser that doesn't centre would accept, of the answer and of the mean face."""
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
    """(n, d) unit directions of unit rows from ``mean`` (d,); zero for a row that is zero or equal to the mean."""
    rows = np.asarray(rows, dtype=float)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    direction = _directions(rows / np.where(largest > 0, largest, 1))
    return _directions(np.where(largest > 0, direction - mean, 0))


def cosine_gain(cosines: FloatArray) -> tuple[float, Interval]:
    """How much closer a row is to its own column than to the others, on average, with its interval over people.

    ``cosines`` is (n, n), own on the diagonal. A person holds both a row and a column, so what they add to the mean
    is the diagonal less the means of both; a direction that all rows share cancels.
    """
    gains = _gains(cosines)
    return float(gains.mean()), t_interval(gains)


def _gains(cosines: FloatArray) -> FloatArray:
    n, own = len(cosines), np.diag(cosines)
    rows, columns = ((cosines.sum(axis=axis) - own) / (n - 1) for axis in (1, 0))
    # Rounded, so that an answer that is the same for all gains 0 and not what sums in another order leave.
    return np.asarray(np.round(own - rows - columns + rows.mean(), 12))


def _pulls(seen: _Compared, thresholds: Mapping[str, float]) -> dict[str, FloatArray]:
    """How far each person pulls the metrics that reconstruction is read by."""
    gains = _gains(seen.to_reference.values)
    pulls = {"cosine_gain": (gains - gains.mean()) / len(gains)}
    for name, at in thresholds.items():
        own, other = _success(seen.to_probe, at), matched_impostors(seen.to_probe, at)
        pulls[flat("success_gain", name)] = own.influence - other.influence
    return pulls


def _closeness(cosines: FloatArray) -> list[Measurement]:
    n, own = len(cosines), np.diag(cosines)
    others = float((cosines.sum() - own.sum()) / (n * (n - 1)))
    (low, high), (gain, gain_bounds) = t_interval(own), cosine_gain(cosines)
    return [
        Measurement("centred_cosine", float(own.mean()), max(-1.0, low), min(1.0, high), n=n, chance=others),
        Measurement("cosine_gain", gain, *gain_bounds, n=n, chance=0.0),
    ]


def _acceptance(name: str, seen: _Compared, threshold: float) -> list[Measurement]:
    """Success with the enrolled image and with other photos, wolf rate and their difference, at one threshold."""
    type_1, type_2 = _success(seen.to_reference, threshold), _success(seen.to_probe, threshold)
    wolf, n = matched_impostors(seen.to_probe, threshold), len(seen.to_probe.owner)
    gain = type_2.value - wolf.value
    return [
        _measurement("type_1_success", type_1, at=name, chance=fmr(seen.to_reference.impostor, threshold)),
        _measurement("type_2_success", type_2, at=name, chance=wolf.value),
        _measurement("wolf_rate", wolf, at=name),
        Measurement("success_gain", gain, *mover_difference(type_2, wolf), n=n, chance=0.0, at=name),
    ]


def _at_wolf_rates(to_probe: Scores, rates: Iterable[str]) -> tuple[list[Measurement], dict[str, str]]:
    """Type 2 success where the wolf rate is a given one, and why it is undefined where there are too few pairs."""
    measurements, undefined = [], {}
    for name in dict.fromkeys((*_WOLF_RATES, *rates)):
        try:
            threshold = threshold_at_fmr(to_probe.impostor, float(name))
        except InputError as error:
            undefined[flat(_AT_WOLF_RATE, name)] = str(error)
            continue
        value, bounds = _success(to_probe, threshold).value, _bounds_at_wolf_rate(to_probe, threshold)
        measurements.append(
            Measurement(_AT_WOLF_RATE, value, *bounds, n=len(to_probe.owner), chance=float(name), at=name)
        )
    return measurements, undefined


def _bounds_at_wolf_rate(to_probe: Scores, threshold: float) -> Interval:
    """The interval of the success at a threshold that was itself read from these people's wolf rate.

    What success would be at the thresholds that the bounds of the wolf rate give is added to the bounds of the
    success itself as a root of summed squares (MOVER).
    """
    success, wolf = _success(to_probe, threshold), matched_impostors(to_probe, threshold)
    strict, lax = np.quantile(to_probe.impostor, 1 - np.array(wolf.interval))
    at_strict, at_lax = (_success(to_probe, float(at)).value for at in (strict, lax))
    low, high = success.interval
    below = np.hypot(success.value - low, max(success.value - at_strict, 0))
    above = np.hypot(high - success.value, max(at_lax - success.value, 0))
    return max(0.0, success.value - float(below)), min(1.0, success.value + float(above))


def _success(scores: Scores, threshold: float) -> Proportion:
    """The rate at which people's own trials are accepted."""
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
    """ValueError where all rows are one face, seen from the mean."""
    alike = _likeness(centred(answer, mean))
    if alike is None or alike > _ONE_FACE:
        raise ValueError(
            f"the attack did not move: its {len(answer)} answers are all but one face; expected a row for each person "
            "that depends on their template"
        )


def _likeness(directions: FloatArray) -> float | None:
    """Mean cosine of two different rows; rows without a direction don't count, and None where all others do."""
    rows = directions[directions.any(axis=1)]
    if len(rows) < 2:
        return None
    return float((np.square(rows.sum(axis=0)).sum() - len(rows)) / (len(rows) * (len(rows) - 1)))
