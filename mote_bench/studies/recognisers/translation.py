"""Maps from stolen vectors to another recogniser's embeddings: from known subjects, and from no pair at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import quadratic_assignment
from sklearn.cluster import KMeans

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit

_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Of the ridge, relative to a row's mean squared length."""
CLUSTERS = (10, 20)
"""Numbers of clusters, in turn."""
STARTS, MATCHINGS = 24, 5
"""Random starts of an alignment, of which the best is kept; and of each matching of centres."""
AXES = 64
"""Leading principal axes that are aligned; the others differ from one sample to the next."""
FIRST, LAST = 50, 5
"""Neighbours whose mean is the pseudo-pair of a stolen vector: at first, and at the end."""
ROUNDS, FINISH = 10, 20
"""Rounds of refinement of each start, and further ones of the best."""


@dataclass(frozen=True, eq=False)
class Translation:
    """A linear map from stolen vectors to another recogniser's space, both seen from their means.

    Attributes
    ----------
    mean : (d,) float
        Mean of the stolen vectors.
    weights : (d, d2) float
    """

    mean: FloatArray
    weights: FloatArray

    def directions(self, vectors: FloatArray) -> FloatArray:
        """(n, d2) estimated unit directions of the faces from the mean in the other space, of vectors (n, d)."""
        return unit((vectors - self.mean) @ self.weights)

    @classmethod
    def from_pairs(cls, mean: FloatArray, stolen: FloatArray, own: FloatArray) -> Self:
        """A ridge regression on the known subjects: row i of both is the same subject.

        Parameters
        ----------
        mean : (d,) float
            Of all stolen vectors, not only of the known subjects'.
        stolen : (k, d) float
        own : (k, d2) float
            Unit directions from the mean of the attacker's own faces, by the attacker's recogniser.

        Raises
        ------
        ValueError
            With fewer than two pairs, as the strength is chosen by leaving each out.
        """
        if len(stolen) < 2 or len(stolen) != len(own):
            raise ValueError(f"{len(stolen)} stolen and {len(own)} own faces; expected two pairs or more")
        centred = stolen - mean
        gram = centred @ centred.T
        scale = np.trace(gram) / len(gram) or 1.0
        errors = [_left_out(gram, own, strength * scale) for strength in _STRENGTHS]
        best = _STRENGTHS[int(np.argmin(errors))] * scale
        return cls(mean, centred.T @ np.linalg.solve(gram + best * np.eye(len(gram)), own))


def _left_out(gram: FloatArray, own: FloatArray, penalty: float) -> float:
    """Mean squared error of the faces left out one by one, in closed form: residual over one minus leverage."""
    hat = gram @ np.linalg.inv(gram + penalty * np.eye(len(gram)))
    return float((((own - hat @ own) / (1 - np.diag(hat))[:, None]) ** 2).mean())


def unpaired(stolen: FloatArray, own: FloatArray, rng: np.random.Generator) -> Translation:
    """An orthogonal map between two sets of faces that share no known subject.

    After mini-vec2vec (Dar, arXiv 2510.02348, algorithms 1 to 3). Both sets are clustered, and centres are matched so
    that their cosines agree (a quadratic assignment). Similarities to matched centres describe a face in either space,
    so each stolen vector gets the mean of its nearest own faces as a pseudo-pair. Procrustes gives the map; it is
    refined by matching again in the other space, with ever fewer neighbours. Different from the paper: there are
    thousands of faces and not tens of thousands, so that most starts end at a wrong map. Each start is refined alone,
    and the one is kept whose translated faces lie nearest to own faces.

    Parameters
    ----------
    stolen : (n, d) float
    own : (m, d2) float
        Unit directions from the mean of the attacker's own faces.

    Returns
    -------
    Translation
        Nothing shows the attacker whether it is right: the answer may be a good map, or a reflected or meaningless one.
    """
    mean = stolen.mean(axis=0)
    count = min(AXES, *stolen.shape, *own.shape)
    into, there = _axes(stolen - mean, count), _axes(own, count)
    rows, faces = unit((stolen - mean) @ into), unit(own @ there)
    tried = [_start(rows, faces, CLUSTERS[number % len(CLUSTERS)], rng) for number in range(STARTS)]
    best = max(tried, key=lambda weights: _nearness(rows @ weights, faces))
    for _ in range(FINISH):
        best = _procrustes(rows, _nearest(rows @ best, faces, faces, LAST))
    return Translation(mean, into @ best @ there.T)


def _axes(rows: FloatArray, count: int) -> FloatArray:
    """(d, count) leading principal axes of centred rows (n, d)."""
    return np.asarray(np.linalg.svd(rows, full_matrices=False)[2][:count].T)


def _start(rows: FloatArray, faces: FloatArray, clusters: int, rng: np.random.Generator) -> FloatArray:
    """The map of one random start, refined."""
    one, other = _anchors(rows, faces, min(clusters, len(rows) // 2, len(faces) // 2), rng)
    weights = _procrustes(rows, _nearest(_described(rows, one), _described(faces, other), faces, FIRST))
    for neighbours in np.geomspace(FIRST, LAST, ROUNDS).round().astype(int):
        weights = _procrustes(rows, _nearest(rows @ weights, faces, faces, int(neighbours)))
    return weights


def _nearness(translated: FloatArray, faces: FloatArray) -> float:
    """Mean cosine of each translated face to its nearest own face, plus that of each own face to its nearest one."""
    cosines = translated @ faces.T
    return float(cosines.max(axis=1).mean() + cosines.max(axis=0).mean())


def _anchors(
    rows: FloatArray, faces: FloatArray, clusters: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The centres of one clustering of each set, (clusters, d) and (clusters, d), matched by their own cosines."""
    centres = [
        unit(KMeans(clusters, n_init=1, random_state=int(rng.integers(2**31))).fit(each).cluster_centers_)
        for each in (rows, faces)
    ]
    one, other = (centre @ centre.T for centre in centres)
    found = [
        quadratic_assignment(
            one, other, method="faq", options={"maximize": True, "P0": "randomized", "rng": np.random.default_rng(seed)}
        )
        for seed in rng.integers(2**31, size=MATCHINGS)
    ]
    best = max(found, key=lambda result: result.fun)
    return centres[0], centres[1][best.col_ind]


def _described(rows: FloatArray, anchors: FloatArray) -> FloatArray:
    """(n, anchors) similarities of faces to the anchors of their space, standardised anchor by anchor, as unit rows."""
    similar = rows @ anchors.T
    return unit((similar - similar.mean(axis=0)) / (similar.std(axis=0) + 1e-12))


def _nearest(rows: FloatArray, candidates: FloatArray, faces: FloatArray, count: int) -> FloatArray:
    """(n, d) mean of the ``count`` own faces whose ``candidates`` rows are nearest to each of ``rows``."""
    count = min(count, len(faces) // 4 or 1)
    near = np.argpartition(-(rows @ candidates.T), count - 1, axis=1)[:, :count]
    return np.asarray(faces[near].mean(axis=1))


def _procrustes(rows: FloatArray, pairs: FloatArray) -> FloatArray:
    """(d, d2) with orthonormal rows or columns: the rotation that brings ``rows`` nearest to ``pairs``."""
    left, _, right = np.linalg.svd(rows.T @ pairs, full_matrices=False)
    return np.asarray(left @ right)
