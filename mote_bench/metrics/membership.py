"""Accuracy of identifying the enrolled photo, and of membership inference on the background set."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .attributes import auc_interval, macro_auc, two_classes
from .intervals import modified_wilson, wilson
from .measured import Measured

_FPR = "1e-2"


def measure_photo(answer: FloatArray, truth: npt.NDArray[np.intp], rng: np.random.Generator) -> Measured:
    """Share of subjects whose enrolled photo is ranked first among the candidates; higher = leaks more.

    Parameters
    ----------
    answer : (n, photos) float
        Higher = likelier.
    truth : (n,) int
        The place of the enrolled photo.
    rng : numpy.random.Generator
        Not used: photos that tie for the first place share the credit.

    Returns
    -------
    Measured
        ``top_1`` (chance 1 / photos) with a Wilson interval over subjects.

    Raises
    ------
    ValueError
        On wrong shapes, answers that are not finite, and a truth outside the candidates.
    """
    answer, truth = np.asarray(answer, dtype=np.float64), np.asarray(truth)
    if answer.ndim != 2 or truth.shape != (len(answer),) or answer.shape[1] < 2:
        raise ValueError(f"answer has shape {answer.shape} and truth {truth.shape}; expected (n, photos) and (n,)")
    if not np.isfinite(answer).all() or not ((truth >= 0) & (truth < answer.shape[1])).all():
        raise ValueError(
            "the answer holds NaN or infinity, or the truth names no candidate; expected finite answers and places "
            f"from 0 to {answer.shape[1] - 1}"
        )
    first = answer == answer.max(axis=1, keepdims=True)
    credit = (first / first.sum(axis=1, keepdims=True))[np.arange(len(truth)), truth]
    low, high = modified_wilson(float(credit.sum()), len(truth))
    chance = 1 / answer.shape[1]
    top_1 = Measurement("top_1", float(credit.mean()), low, high, len(truth), chance=chance)
    return Measured((top_1,), influence={"top_1": (credit - credit.mean()) / len(truth)})


def measure_membership(answer: FloatArray, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Measured:
    """AUC and true-positive rate at a false-positive rate of 1e-2 of membership inference; higher = leaks more.

    Parameters
    ----------
    answer : (n, 1) float
        Higher = more likely a member.
    truth : (n,) bool
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Measured
        ``auc`` (chance 0.5) and ``tpr_at_fpr_1e-2`` (chance 0.01). Carlini et al. (IEEE S&P 2022, arXiv 2112.03570)
        recommend the latter: an attack that is certain about few subjects harms these more than one that is slightly
        right about all. Its interval is Wilson's over the members at the threshold found. Members that tie with the
        threshold don't count.

    Raises
    ------
    ValueError
        On wrong shapes, answers that are not finite, and a truth without members or without non-members.
    """
    answer, truth = np.asarray(answer, dtype=np.float64), np.asarray(truth, dtype=bool)
    if truth.ndim != 1 or answer.shape != (len(truth), 1):
        raise ValueError(f"answer has shape {answer.shape} and truth {truth.shape}; expected (n, 1) and (n,)")
    if not np.isfinite(answer).all() or truth.all() or not truth.any():
        raise ValueError(
            "the answer holds NaN or infinity, or the candidates are all members or all non-members; expected finite "
            "answers and both kinds"
        )
    two = two_classes(answer[:, 0])
    members, others = answer[truth, 0], answer[~truth, 0]
    allowed = int(np.floor(float(_FPR) * len(others)))
    hits = float((members > np.sort(others)[::-1][allowed]).sum())
    low, high = wilson(hits, len(members))
    measurements = (
        Measurement("auc", macro_auc(two, truth.astype(int)), *auc_interval(two, truth.astype(int)), len(truth), 0.5),
        Measurement("tpr_at_fpr", hits / len(members), low, high, len(members), chance=float(_FPR), at=_FPR),
    )
    return Measured(measurements, {"members": len(members), "others": len(others)})
