"""A Gaussian prior of face embeddings, fitted to public ones, and samples from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit


@dataclass(frozen=True, eq=False)
class Displacements:
    """Displacements from wherever a search stands (m, d): in coordinates, and as embeddings before these are scaled."""

    z: FloatArray
    offsets: FloatArray


@dataclass(frozen=True, eq=False)
class Prior:
    """A prior of unit embeddings: ``unit(mean + axes z)`` with z standard normal.

    Attributes
    ----------
    mean : (d,) float64
    axes : (d, d) float64
        Lower triangular; ``axes @ axes.T`` is the shrunk covariance of the public embeddings.
    """

    mean: FloatArray
    axes: FloatArray

    @classmethod
    def of(cls, embeddings: FloatArray) -> Self:
        """The prior fitted to public embeddings (m, d), with a shrunk covariance.

        Ledoit & Wolf, J. Multivar. Anal. 88, 2004. Shrinkage is needed because there may be fewer public faces than
        dimensions.
        """
        from sklearn.covariance import ledoit_wolf

        faces = np.asarray(embeddings, dtype=np.float64)
        covariance, _ = ledoit_wolf(faces)
        ridge = 1e-9 * np.trace(covariance) / len(covariance) + 1e-15
        return cls(faces.mean(axis=0), np.linalg.cholesky(covariance + ridge * np.eye(len(covariance))))

    def faces(self, z: FloatArray) -> FloatArray:
        """(..., d) float32 unit embeddings at the standard normal coordinates ``z`` (..., d)."""
        return unit(self.mean + self.offsets(z)).astype(np.float32)

    def offsets(self, z: FloatArray) -> FloatArray:
        """(..., d) float64 displacements of embeddings, before these are scaled, for displacements ``z`` (..., d)."""
        return np.asarray(z @ self.axes.T)

    def displaced(self, at: FloatArray, offsets: FloatArray) -> FloatArray:
        """(m, d) float32 unit embeddings: ``faces(at + z)`` for ``at`` (d,) and ``offsets(z)`` (m, d).

        Many searches that move by the same displacements compute these once.
        """
        return unit(self.mean + self.axes @ at + offsets).astype(np.float32)

    def coordinates(self, faces: FloatArray) -> FloatArray:
        """(n, d) float64 coordinates z of unit embeddings (n, d), the scaling to length one ignored."""
        from scipy.linalg import solve_triangular

        return np.asarray(solve_triangular(self.axes, (faces - self.mean).T, lower=True).T)

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """(n, d) float32 unit embeddings drawn from the prior."""
        return self.faces(rng.standard_normal((n, len(self.mean))))
