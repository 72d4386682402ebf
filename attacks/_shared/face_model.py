"""A two-covariance model of public faces: how photos vary, and how much of it photos of one subject share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray

_MOST_AXES = 256
"""A posterior has the square of this many numbers per template."""
_LEAST_VARIANCE = 1e-5
"""Of an axis that is kept, relative to the largest: beyond it lie rounding errors."""
_SHARED = 0.7
"""Share of the variance that photos of one subject have in common, where public faces show each subject once."""
_SHRUNK = 0.5
"""Weight of equal variances in the covariance within subjects: there are few public subjects with several photos."""
_LEAST_REPEATS = 50
_SHARES = (0.02, 0.99)


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Embeddings are ``mean + axes z`` with z standard normal (r,): probabilistic linear discriminant analysis.

    Prince & Elder, ICCV 2007; of two covariances: Brümmer & de Villiers, Odyssey 2010.

    Attributes
    ----------
    mean : (d,) float64
    axes : (d, r) float64
        Principal axes of the public embeddings, times their standard deviations.
    between : (r, r) float64
        Covariance in z of the subjects' centres; photos of one subject differ by the identity minus it.
    """

    mean: FloatArray
    axes: FloatArray
    between: FloatArray

    @classmethod
    def of(cls, public: Faces) -> Self:
        """The model fitted to public faces; only the largest 256 axes are kept."""
        faces = public.embeddings.astype(np.float64)
        mean = faces.mean(axis=0)
        variance, vectors = np.linalg.eigh(np.cov((faces - mean).T))
        kept = np.flatnonzero(variance > _LEAST_VARIANCE * variance[-1])[-_MOST_AXES:]
        axes = vectors[:, kept] * np.sqrt(variance[kept])
        model = cls(mean, axes, _SHARED * np.eye(len(kept)))
        return cls(mean, axes, _between(public, model))

    def coordinates(self, embeddings: FloatArray) -> FloatArray:
        """(n, r) coordinates z of embeddings (n, d), the nearest ones."""
        back = self.axes / (self.axes**2).sum(axis=0)
        return np.asarray((np.asarray(embeddings, dtype=np.float64) - self.mean) @ back)

    def subject(self, z: FloatArray) -> FloatArray:
        """(n, r) the expected centres of the subjects whose photos have the coordinates z (n, r)."""
        return np.asarray(z @ self.between)


def _between(public: Faces, model: FaceModel) -> FloatArray:
    if public.identity is None:
        return model.between
    _, subject, photos = np.unique(public.identity, return_inverse=True, return_counts=True)
    freedom = int((photos - 1).sum())
    if freedom < _LEAST_REPEATS:
        return model.between
    z = model.coordinates(public.embeddings)
    centres = np.zeros((len(photos), z.shape[1]))
    np.add.at(centres, subject, z)
    apart = z - (centres / photos[:, None])[subject]
    within = apart.T @ apart / freedom
    within = (1 - _SHRUNK) * within + _SHRUNK * np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = np.linalg.eigh(within)
    return np.asarray((vectors * np.clip(1 - values, *_SHARES)) @ vectors.T)
