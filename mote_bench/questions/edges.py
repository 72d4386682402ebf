"""How far from chance the answers of a few people are, in standard errors: what the conformance kit goes by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit


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


def link_edge(answer: FloatArray, mate: npt.NDArray[np.intp]) -> float:
    """Share of the other records that the mate beats, less a half; uniform under chance, variance 1 / 12.

    ``answer`` (n, m), higher = more alike; ``mate`` (n,) is the column of each row's mate.
    """
    own = answer[np.arange(len(answer)), mate][:, None]
    beaten = ((answer < own).sum(axis=1) + ((answer == own).sum(axis=1) - 1) / 2) / (answer.shape[1] - 1)
    return float((beaten.mean() - 0.5) / np.sqrt(1 / 12 / len(answer)))


def face_edge(given: FloatArray, truth: FloatArray) -> float:
    """Cosine (of centred rows, (n, d) both) to the own face less the mean of those to the other faces."""
    cosines = unit(given) @ unit(truth).T
    own = np.diagonal(cosines)
    gain = own - (cosines.sum(axis=1) - own) / (len(own) - 1)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return float(gain.mean() / error) if error > 0 else 0.0
