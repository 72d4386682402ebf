"""Clusters of stolen templates as classes: which cluster is which class, with a class share or a few known subjects."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from mote_bench.contracts import FloatArray

Labels = npt.NDArray[np.int64]
AXES = 10
"""Principal axes that vectors are clustered on."""
MOST_CLASSES = 6
"""All permutations of the classes are tried, 720 of six."""


def clustered(vectors: FloatArray, count: int, seed: int) -> Labels:
    """(n,) cluster of each of the vectors (n, d): k-means on their leading principal axes. No label is used."""
    centred = vectors - vectors.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    axes = left[:, :AXES] * lengths[:AXES]
    return np.asarray(KMeans(count, n_init=10, random_state=seed).fit_predict(axes), dtype=np.int64)


def named_by_shares(clusters: Labels, shares: FloatArray) -> Labels:
    """(n,) class of each subject: the larger a cluster, the more frequent its class.

    Parameters
    ----------
    shares : (C,) float
        The share of each class among the enrolled subjects, as the attacker knows it.
    """
    sizes = np.bincount(clusters, minlength=len(shares))
    names = np.empty(len(shares), dtype=np.int64)
    names[np.argsort(-sizes, kind="stable")] = np.argsort(-np.asarray(shares), kind="stable")
    return names[clusters]


def credit_of_best(clusters: Labels, truth: Labels) -> FloatArray:
    """(n,) 1 where a subject's class is right under the naming with the highest balanced accuracy: a bound.

    No attacker has it without labels; of two clusters that say nothing it is above one half.
    """
    count = int(truth.max()) + 1
    recalls = [_credit(clusters, truth, np.array(names)) for names in permutations(range(count))]
    best: FloatArray = max(recalls, key=lambda credit: _balanced(credit, truth))
    return best


def credit_of_known(clusters: Labels, truth: Labels, known: npt.NDArray[np.intp]) -> FloatArray:
    """(n,) how far each subject's class is right where clusters are named after the known subjects.

    The naming fits as many known subjects as possible. Namings that fit equally many share the credit: with one known
    subject of three classes, the two other clusters are named at random.
    """
    count = int(truth.max()) + 1
    namings = [np.array(names) for names in permutations(range(count))]
    fits = [int((names[clusters[known]] == truth[known]).sum()) for names in namings]
    best = [_credit(clusters, truth, names) for names, fit in zip(namings, fits, strict=True) if fit == max(fits)]
    return np.asarray(np.mean(best, axis=0))


def _credit(clusters: Labels, truth: Labels, names: Labels) -> FloatArray:
    return np.asarray(names[clusters] == truth, dtype=np.float64)


def _balanced(credit: FloatArray, truth: Labels) -> float:
    return float(np.mean([credit[truth == label].mean() for label in np.unique(truth)]))
