"""How far from chance the answers of a few people are, in standard errors: what the conformance kit goes by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray


def class_edge(answer: FloatArray, truth: npt.NDArray[np.integer]) -> float:
    """Balanced accuracy less 1 / C; the first place is shared by all that tie for it.

    ``answer`` (n, C), higher = likelier; ``truth`` (n,) holds the place of each row's right column.
    """
    first = answer == answer.max(axis=1, keepdims=True)
    credit = first / first.sum(axis=1, keepdims=True)
    classes = answer.shape[1]
    rates = [credit[truth == one, one].mean() for one in range(classes)]
    variance = sum(1 / (truth == one).sum() for one in range(classes)) * (classes - 1) / classes**4
    return float((np.mean(rates) - 1 / classes) / np.sqrt(variance))
