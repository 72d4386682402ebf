"""Accuracy of inferring a soft-biometric class: balanced accuracy, accuracy, gain over the majority class, AUC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .intervals import Interval, modified_wilson, mover_mean
from .measured import Measured

Labels = npt.NDArray[np.integer]


def measure_attribute(answer: FloatArray, truth: Labels, classes: Sequence[str]) -> Measured:
    """Balanced accuracy, accuracy, gain over the majority class, and AUC of predicted classes; higher = leaks more.

    Parameters
    ----------
    answer : (n, C) float
        One row per subject, higher = more likely.
    truth : (n,) int
        Position of each subject's class in ``classes``.
    classes : sequence of str
        The C class names.

    Returns
    -------
    Measured
        ``balanced_accuracy`` (chance: one over the classes that occur), ``accuracy`` (chance: the majority's share),
        ``attack_gain`` (chance 0) and ``auc`` (chance 0.5); details hold the confusion matrix (rows: truth) and
        class counts.

    Raises
    ------
    ValueError
        On wrong shapes, answers that are not finite, a truth outside the classes, and fewer than two classes.
    """
    answer, truth = _checked(answer, truth, len(classes))
    confusion = confusion_matrix(answer, truth)
    n, counts = len(truth), np.bincount(truth, minlength=len(classes))
    accuracy, majority = float(np.trace(confusion)) / n, float(counts.max()) / n
    low, high = modified_wilson(accuracy * n, n)
    balanced, present = balanced_accuracy(answer, truth), int((counts > 0).sum())
    gain, gain_low, gain_high = (attack_gain(rate, majority) for rate in (accuracy, low, high))
    measurements = (
        Measurement("balanced_accuracy", balanced, *balanced_interval(confusion), n=n, chance=1 / present),
        Measurement("accuracy", accuracy, low, high, n=n, chance=majority),
        Measurement("attack_gain", gain, gain_low, gain_high, n=n, chance=0.0),
        Measurement("auc", macro_auc(answer, truth), *auc_interval(answer, truth), n=n, chance=0.5),
    )
    details = {"classes": list(classes), "class_counts": counts.tolist(), "confusion": confusion.tolist()}
    correct = _credit(answer)[np.arange(n), truth]
    return Measured(measurements, details, {"balanced_accuracy": _influence(answer, truth)}, correct)


def balanced_accuracy(answer: FloatArray, truth: Labels) -> float:
    """Mean per-class recall, over the classes that occur.

    Classes that tie for a row's best share its credit, so a constant answer is at chance.
    """
    credit = _credit(answer)[np.arange(len(truth)), truth]
    return float(np.mean([credit[truth == label].mean() for label in np.unique(truth)]))


def _influence(answer: FloatArray, truth: Labels) -> FloatArray:
    """(n,) influence of each subject on the balanced accuracy."""
    credit, influence = _credit(answer)[np.arange(len(truth)), truth], np.zeros(len(truth))
    labels = np.unique(truth)
    for label in labels:
        members = truth == label
        influence[members] = (credit[members] - credit[members].mean()) / (members.sum() * len(labels))
    return influence


def balanced_interval(confusion: FloatArray) -> Interval:
    """Interval of the balanced accuracy: MOVER over the Wilson intervals of the classes' recalls.

    Newcombe 1998; Zou & Donner 2008. ``confusion`` is (C, C), rows: truth.
    """
    counts = confusion.sum(axis=1)
    correct, people = np.diag(confusion)[counts > 0], counts[counts > 0]
    correct = np.minimum(correct, people)
    bounds = np.array([modified_wilson(float(t), float(n)) for t, n in zip(correct, people, strict=True)])
    return mover_mean(correct / people, bounds[:, 0], bounds[:, 1])


def attack_gain(accuracy: float, majority: float) -> float:
    """(accuracy - majority) / (1 - majority): 0 = always the most frequent class, 1 = always right."""
    return (accuracy - majority) / (1 - majority)


def macro_auc(answer: FloatArray, truth: Labels) -> float:
    """Mean over the classes that occur of the area under the ROC curve of that class against the rest.

    A class's score is its column minus the row's mean. For probabilities this ranks as the column itself; for other
    scores it removes a row's common offset.
    """
    margins = _margins(answer)
    return float(np.mean([np.mean(_above_rest(margins[:, label], truth == label)[0]) for label in np.unique(truth)]))


def two_classes(scores: FloatArray) -> FloatArray:
    """(n, 2) answers about two classes, from scores (n,) of the second one; for the AUC, which depends on order alone.

    They are ranks: differences of scores could overflow.
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    return np.column_stack([-ranks, ranks])


def auc_interval(answer: FloatArray, truth: Labels) -> Interval:
    """Interval of :func:`macro_auc`: Wilson's with the variance of DeLong et al. (Biometrics 44, 1988).

    The variance is summed over the classes' curves. Few misranked subjects are too few to estimate it, so it is shrunk
    towards that of as many independent trials as the smallest class has subjects. That has the weight of one misranked
    subject.
    """
    area, labels = macro_auc(answer, truth), np.unique(truth)
    margins, influence = _margins(answer), np.zeros(len(truth))
    telling, fewest = np.zeros(len(truth), dtype=bool), len(truth)
    for label in labels:
        members = truth == label
        for people, placement in zip((members, ~members), _above_rest(margins[:, label], members), strict=True):
            size = len(placement)
            influence[people] += (placement - placement.mean()) / (size * np.sqrt(1 - 1 / max(size, 2)))
            telling[people] |= placement < 1
            fewest = min(fewest, size)
    spread = float((influence**2).sum()) / len(labels) ** 2
    variance = (telling.sum() * spread + area * (1 - area) / fewest) / (telling.sum() + 1)
    trials = area * (1 - area) / variance if variance > 0 else float(fewest)
    return modified_wilson(area * trials, trials)


def confusion_matrix(answer: FloatArray, truth: Labels) -> FloatArray:
    """(C, C) number of subjects per true class (row) and predicted class (column); ties give fractions."""
    table = np.zeros((answer.shape[1], answer.shape[1]))
    np.add.at(table, truth, _credit(answer))
    return table


def _credit(answer: FloatArray) -> FloatArray:
    best = answer == answer.max(axis=1, keepdims=True)
    return np.asarray(best / best.sum(axis=1, keepdims=True))


def _margins(answer: FloatArray) -> FloatArray:
    """Columns minus row means, rounded so that equal values stay equal."""
    scale = float(np.abs(answer).max()) or 1.0
    scaled = answer / scale
    return np.asarray(np.round(scaled - scaled.mean(axis=1, keepdims=True), 12))


def _above_rest(scores: FloatArray, members: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """For each member the share of the rest below it; for each of the rest the share of members above. Ties: half."""
    inside, outside = np.sort(scores[members]), np.sort(scores[~members])
    below = (np.searchsorted(outside, scores[members]) + np.searchsorted(outside, scores[members], "right")) / 2
    above = (np.searchsorted(inside, scores[~members]) + np.searchsorted(inside, scores[~members], "right")) / 2
    return below / len(outside), 1 - above / len(inside)


def _checked(answer: FloatArray, truth: Labels, classes: int) -> tuple[FloatArray, Labels]:
    answer, truth = np.asarray(answer, dtype=float), np.asarray(truth)
    if answer.shape != (len(truth), classes):
        raise ValueError(f"answer has shape {answer.shape}; expected {len(truth), classes}, people by classes")
    if not np.isfinite(answer).all():
        bad = int((~np.isfinite(answer).all(axis=1)).sum())
        raise ValueError(f"{bad} of {len(answer)} answers hold NaN or infinity; expected finite numbers")
    outside = (truth < 0) | (truth >= classes)
    if outside.any():
        raise ValueError(f"{int(outside.sum())} people of no class; expected class positions 0 to {classes - 1}")
    if len(np.unique(truth)) < 2:
        raise ValueError(f"{len(np.unique(truth))} class occurs among {len(truth)} people; expected at least 2")
    return answer, truth
