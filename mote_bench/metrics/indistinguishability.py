"""How well templates of two faces under fresh keys are distinguished."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .attributes import balanced_accuracy, macro_auc, two_classes
from .intervals import t_interval
from .measured import Measured


def measure_pairs(answer: FloatArray, truth: npt.NDArray[np.intp], tested: npt.NDArray[np.int64]) -> Measured:
    """AUC and advantage of distinguishing two faces' templates, means over pairs of faces; higher = leaks more.

    Parameters
    ----------
    answer : (pairs, m) float
        Higher = more likely the second face's. The attacker decides for the second face above 0.
    truth : (pairs, m) int
        Whose template each is: 0 or 1.
    tested : (pairs,) int
        How many of a pair's templates the attacker asked for: the first so many columns count.

    Returns
    -------
    Measured
        ``auc`` (chance 0.5) and ``advantage`` (2 x balanced accuracy - 1, chance 0; an answer of 0 counts half), with
        Student's interval over the pairs. Details: ``templates_tested`` of each pair. Undefined unless templates of
        both faces of two pairs were tested.

    Raises
    ------
    ValueError
        On wrong shapes, answers that are not finite and numbers of templates that don't exist.
    """
    answer, truth, tested = np.asarray(answer, dtype=np.float64), np.asarray(truth), np.asarray(tested)
    if answer.ndim != 2 or truth.shape != answer.shape or tested.shape != (len(answer),):
        raise ValueError(
            f"answer has shape {answer.shape}, truth {truth.shape} and tested {tested.shape}; "
            "expected (pairs, m) twice and (pairs,)"
        )
    if not np.isfinite(answer).all() or (tested < 0).any() or (tested > answer.shape[1]).any():
        raise ValueError(
            f"the answer holds NaN or infinity, or 'tested' numbers outside 0 to {answer.shape[1]}; expected finite "
            "answers and numbers of templates"
        )
    counted = np.array([0 < of[:n].sum() < n for of, n in zip(truth, tested, strict=True)], dtype=bool)
    played = [(answer[pair, : tested[pair]], truth[pair, : tested[pair]]) for pair in np.flatnonzero(counted)]
    if len(played) < 2:
        why = "templates of fewer than two pairs of faces were tested"
        return Measured((), {"templates_tested": tested.tolist(), "undefined": {"auc": why, "advantage": why}})
    areas = np.array([macro_auc(two_classes(row), of) for row, of in played])
    advantages = np.array([2 * balanced_accuracy(np.column_stack([-row, row]), of) - 1 for row, of in played])
    measurements = (
        _mean("auc", areas, (0.0, 1.0), 0.5),
        _mean("advantage", advantages, (-1.0, 1.0), 0.0),
    )
    influence = np.zeros(len(answer))
    influence[counted] = (areas - areas.mean()) / len(areas)
    details = {"templates_tested": tested.tolist(), "auc_of_pairs": areas.tolist()}
    return Measured(measurements, details, {"auc": influence})


def _mean(metric: str, values: FloatArray, bounds: tuple[float, float], chance: float) -> Measurement:
    low, high = np.clip(t_interval(values), *bounds)
    mean = float(values.mean())
    return Measurement(metric, mean, min(float(low), mean), max(float(high), mean), len(values), chance=chance)
