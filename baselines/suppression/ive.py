"""Incremental variable elimination: the coordinates most predictive of an attribute are dropped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Faces, FloatArray
from mote_bench.toolkit import stream_seed

from .._shared.vector_scheme import AffineScheme
from .attributes_to_hide import columns_to_hide

_MOST_FACES = 2000
_TREES = 100


class IVE(AffineScheme):
    """Drop the coordinates most predictive of the attributes, in rounds.

    Terhörst, Damer, Kirchbuchner & Kuijper, "Suppressing Gender and Age in Face Templates Using Incremental Variable
    Elimination", IAPR ICB 2019. In each of T rounds a forest of trees is trained to classify the attribute from the
    remaining coordinates, and the k most important ones are dropped. The template is the remaining coordinates. What
    these leak jointly, they still leak.

    Parameters
    ----------
    attributes : sequence of str, optional
        By default all that the background has; importances are averaged over them.
    share : float
        Of the coordinates, the share that is dropped in total, above 0 and below 1.
    rounds : int
        T.
    """

    principal = False
    slow_to_try = True
    """Forests of trees are grown, however small the background. Embeddings of any dimension will do."""

    def __init__(self, *, attributes: Sequence[str] | None = None, share: float = 0.4, rounds: int = 4) -> None:
        if not 0 < share < 1 or rounds < 1:
            raise ValueError(f"share={share}, rounds={rounds}; expected a share between 0 and 1 and a round or more")
        self.attributes = attributes
        self.share = share
        self.rounds = rounds

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        from sklearn.ensemble import ExtraTreesClassifier

        tables = columns_to_hide(background, self.attributes)
        self._axes = np.eye(faces.shape[1])
        if self.principal:
            centred = faces - faces.mean(axis=0)
            self._axes = np.linalg.svd(centred.astype(np.float64), full_matrices=True)[2].T
        turned, kept = faces @ self._axes, np.arange(faces.shape[1])
        for dropped in np.diff(np.rint(np.linspace(0, self.share * len(kept), self.rounds + 1)).astype(int)):
            importance = np.zeros(len(kept))
            for name, table in tables.items():
                rows = np.flatnonzero(table.any(axis=1))[:_MOST_FACES]
                random_state = stream_seed(seed, "ive", name) % 2**32
                trees = ExtraTreesClassifier(_TREES, max_depth=8, class_weight="balanced", random_state=random_state)
                importance += trees.fit(turned[rows][:, kept], table[rows].argmax(axis=1)).feature_importances_
            kept = np.sort(kept[np.argsort(importance, kind="stable")[: len(kept) - dropped]])
        self.kept = kept
        self._length = len(kept)

    def _shown(self, faces: FloatArray) -> FloatArray:
        return np.asarray((faces @ self._axes)[:, self.kept])

    def _back(self, stored: FloatArray) -> FloatArray:
        return np.asarray(stored @ self._axes[:, self.kept].T)


class MultiIVE(IVE):
    """:class:`IVE` of several attributes at once, on principal components instead of raw coordinates.

    Melzi et al., "Multi-IVE: Privacy Enhancement of Multiple Soft-Biometrics in Face Embeddings", WACV Workshops 2023.
    """

    principal = True
