"""Distances of answers from chance in standard errors, for the few people of the conformance kit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit


def class_edge(answer: FloatArray, truth: npt.NDArray[np.integer]) -> float:
    """Balanced accuracy minus 1 / C, in standard errors; classes that tie for the first place share the credit.

    ``answer`` (n, C), higher = likelier; ``truth`` (n,) holds each row's true class.
    """
    first = answer == answer.max(axis=1, keepdims=True)
    credit = first / first.sum(axis=1, keepdims=True)
    classes = answer.shape[1]
    rates = [credit[truth == one, one].mean() for one in range(classes)]
    variance = sum(1 / (truth == one).sum() for one in range(classes)) * (classes - 1) / classes**4
    return float((np.mean(rates) - 1 / classes) / np.sqrt(variance))


def link_edge(answer: FloatArray, mate: npt.NDArray[np.intp]) -> float:
    """Share of the non-mated scores below the mated one, minus 1/2, in standard errors (uniform under chance).

    ``answer`` (n, m), higher = more alike; ``mate`` (n,) is the column of each row's mate.
    """
    own = answer[np.arange(len(answer)), mate][:, None]
    beaten = ((answer < own).sum(axis=1) + ((answer == own).sum(axis=1) - 1) / 2) / (answer.shape[1] - 1)
    return float((beaten.mean() - 0.5) / np.sqrt(1 / 12 / len(answer)))


def rank_edge(answer: FloatArray, truth: npt.NDArray[np.integer]) -> float:
    """The sum of the rows' Mann-Whitney statistics minus its mean, in standard errors under chance.

    ``answer`` (rows, m), higher = likelier; ``truth`` (rows, m) is 1 where the answer should be high, and 0 elsewhere.
    """
    from scipy.stats import rankdata

    own = (truth == 1).sum(axis=1)
    others = (truth == 0).sum(axis=1)
    above = (rankdata(answer, axis=1) * (truth == 1)).sum() - (own * (own + 1) / 2).sum()
    variance = (own * others * (own + others + 1) / 12).sum()
    return float((above - (own * others / 2).sum()) / np.sqrt(variance))


def face_edge(given: FloatArray, truth: FloatArray) -> float:
    """Mean cosine to the own face minus that to the others, in standard errors; centred rows, (n, d) both."""
    cosines = unit(given) @ unit(truth).T
    own = np.diagonal(cosines)
    gain = own - (cosines.sum(axis=1) - own) / (len(own) - 1)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return float(gain.mean() / error) if error > 0 else 0.0
