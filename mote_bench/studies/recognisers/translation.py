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
CLUSTERS, RUNS, STARTS = 20, 8, 5
"""Of each clustering; clusterings whose centres become anchors; random starts of each matching of centres."""
NEIGHBOURS, ROUNDS = 50, 10
"""Own faces whose mean is the pseudo-pair of a stolen vector; rounds of refinement."""


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

    After mini-vec2vec (Dar, arXiv 2510.02348, algorithms 1 to 3). Both sets are clustered several times. Centres are
    matched so that their cosines agree (a quadratic assignment). Similarities to matched centres describe a face in
    either space, so each stolen vector gets the mean of its nearest own faces as a pseudo-pair. Procrustes gives the
    map; it is refined by matching again in the other space. Different from the paper: fewer clusterings, as there are
    thousands of faces and not tens of thousands, and no second refinement by clusters.

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
    rows = unit(stolen - mean)
    clusters = min(CLUSTERS, len(rows) // 2, len(own) // 2)
    anchors = [_anchors(rows, own, clusters, rng) for _ in range(RUNS)]
    one, other = (np.vstack([pair[side] for pair in anchors]) for side in (0, 1))
    pairs = _nearest(_described(rows, one), _described(own, other), own)
    weights = _procrustes(rows, pairs)
    for _ in range(ROUNDS):
        weights = _procrustes(rows, _nearest(unit(rows @ weights), own, own))
    return Translation(mean, weights)


def _anchors(
    rows: FloatArray, own: FloatArray, clusters: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The centres of one clustering of each set, (clusters, d) and (clusters, d2), matched by their own cosines."""
    centres = [
        unit(KMeans(clusters, n_init=1, random_state=int(rng.integers(2**31))).fit(faces).cluster_centers_)
        for faces in (rows, own)
    ]
    one, other = (centre @ centre.T for centre in centres)
    found = [
        quadratic_assignment(
            one, other, method="faq", options={"maximize": True, "P0": "randomized", "rng": np.random.default_rng(seed)}
        )
        for seed in rng.integers(2**31, size=STARTS)
    ]
    best = max(found, key=lambda result: result.fun)
    return centres[0], centres[1][best.col_ind]


def _described(rows: FloatArray, anchors: FloatArray) -> FloatArray:
    """(n, anchors) similarities of faces to the anchors of their space, standardised anchor by anchor, as unit rows."""
    similar = rows @ anchors.T
    return unit((similar - similar.mean(axis=0)) / (similar.std(axis=0) + 1e-12))


def _nearest(rows: FloatArray, candidates: FloatArray, own: FloatArray) -> FloatArray:
    """(n, d2) mean of the own faces whose ``candidates`` rows are nearest to each of ``rows``."""
    count = min(NEIGHBOURS, len(own) // 4 or 1)
    near = np.argpartition(-(rows @ candidates.T), count - 1, axis=1)[:, :count]
    return np.asarray(own[near].mean(axis=1))


def _procrustes(rows: FloatArray, pairs: FloatArray) -> FloatArray:
    """(d, d2) with orthonormal rows or columns: the rotation that brings ``rows`` nearest to ``pairs``."""
    left, _, right = np.linalg.svd(rows.T @ pairs, full_matrices=False)
    return np.asarray(left @ right)
