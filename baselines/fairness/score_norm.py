"""The plain vector with normalised scores: by each subject's own impostor scores, or by clusters of faces.

These schemes protect nothing: the template is the embedding. They make scores fairer without a change of the
recogniser, and are what a MOTE balanced by subject is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import stream, unit

from .._shared.centring import directions
from .._shared.vector_scheme import VectorScheme

_COHORT = 400
_LEAST_SPREAD = 1e-6


class CosineZNorm(VectorScheme):
    """Z-norm: a score in standard deviations above the mean of the template's impostor scores.

    (s - mean) / sd of the template's scores against a cohort of background faces, one of each subject (Auckenthaler,
    Carey and Lloyd-Thomas, "Score normalization for text-independent speaker verification systems", Digital Signal
    Processing 10, 2000). A subject whom many others resemble has no more false matches than any other.

    Parameters
    ----------
    cohort : int
        Number of background subjects, at most.
    """

    def __init__(self, *, cohort: int = _COHORT) -> None:
        self.cohort = cohort

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        who = np.arange(len(faces)).astype(str) if background.identity is None else background.identity
        _, first = np.unique(who, return_index=True)
        chosen = stream(seed, "score norm", "cohort").permutation(first)[: self.cohort]
        self._cohort = unit(faces[np.sort(chosen)])

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 standard deviations."""
        stored = unit(self._read(templates))
        impostors = stored @ self._cohort.T
        raw = stored @ unit(directions(probes, self._origin)).T
        spread = np.maximum(impostors.std(axis=1, keepdims=True), _LEAST_SPREAD)
        return np.asarray((raw - impostors.mean(axis=1, keepdims=True)) / spread, dtype=np.float32)


class CosineFair(VectorScheme):
    """Fair score normalisation: each cluster's threshold is moved to the global one.

    The background's faces are clustered. Each cluster has a local threshold at one FMR, from the impostor scores of its
    faces. A score between faces of clusters i and j is lowered by half of the excess of their two local thresholds over
    the global one: s - (t_i + t_j - 2 t) / 2. No attribute labels are needed (Terhörst, Kolf, Damer, Kirchbuchner and
    Kuijper, "Post-comparison mitigation of demographic bias in face recognition using fair score normalization",
    Pattern Recognition Letters 140, 2020).

    Parameters
    ----------
    clusters : int
        Number of clusters, at most (100 in the paper, for data sets of its size); fewer where one would have under 20
        faces on average.
    fmr : float
        At which local and global thresholds are set.
    """

    needs_identity = True

    def __init__(self, *, clusters: int = 100, fmr: float = 1e-3) -> None:
        self.clusters, self.fmr = clusters, fmr

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        from sklearn.cluster import KMeans

        rows = unit(faces)
        count = max(1, min(self.clusters, len(rows) // 20))
        state = int(stream(seed, "score norm", "clusters").integers(2**31))
        fitted = KMeans(count, n_init=3, random_state=state).fit(rows)
        self._centres = np.asarray(fitted.cluster_centers_, np.float32)
        kind = self._kind(rows)
        scores = rows @ rows.T
        assert background.identity is not None
        others = background.identity[:, None] != background.identity[None]
        overall = np.quantile(scores[others], 1 - self.fmr)
        local = [
            np.quantile(scores[kind == one][others[kind == one]], 1 - self.fmr)
            if others[kind == one].any()
            else overall
            for one in range(count)
        ]
        self._above = (np.array(local) - overall).astype(np.float32)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: cosines minus half of both faces' excess thresholds."""
        stored, shown = unit(self._read(templates)), unit(directions(probes, self._origin))
        excess = self._above[self._kind(stored)][:, None] + self._above[self._kind(shown)]
        return np.asarray(stored @ shown.T - excess / 2, dtype=np.float32)

    def _kind(self, rows: FloatArray) -> npt.NDArray[np.intp]:
        """The nearest centre of each unit row."""
        return np.asarray(np.argmax(rows @ self._centres.T - 0.5 * (self._centres**2).sum(axis=1), axis=1))
