"""Local differential privacy by Gaussian noise on the embedding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import stream

from .._shared.vector_scheme import VectorScheme

_SENSITIVITY = 2.0
"""The largest distance between two unit vectors."""


class GaussianMechanism(VectorScheme):
    """Local (epsilon, delta)-differential privacy by Gaussian noise on the unit vector of the face.

    Any two faces are neighbours. So epsilon and delta bound how well a template shows which of two subjects it was made
    of. The noise has the smallest standard deviation that satisfies the exact condition of Balle & Wang, ICML 2018
    (arXiv 1805.06530), theorem 8; the textbook condition holds for epsilon below 1 only. At 128 dimensions an epsilon
    of 1 leaves no recognition at all; at the default some faces are still recognised.

    Parameters
    ----------
    epsilon, delta : float
        Above 0; delta below 1.
    """

    def __init__(self, *, epsilon: float = 50.0, delta: float = 1e-5) -> None:
        if not (epsilon > 0 and 0 < delta < 1):
            raise ValueError(f"epsilon={epsilon}, delta={delta}; expected epsilon above 0 and delta between 0 and 1")
        self.epsilon = epsilon
        self.delta = delta

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise in each dimension."""
        from scipy.optimize import brentq

        return float(brentq(lambda sigma: leaked(sigma, self.epsilon) - self.delta, 1e-3, 1e4, xtol=1e-9))

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """Each value is that of the direction, plus noise whose size is public.

        The distance of faces from the mean face, by which a direction is scaled, is taken as that of the background.
        """
        scale = np.eye(self._length) / self._distance
        spread = float(np.hypot(self.sigma, self._uneven / np.sqrt(self._length)))
        for row in self._read(templates).astype(np.float64):
            yield Linear(scale, row + self._origin / self._distance, spread)

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        distances = np.linalg.norm(background.embeddings - self._origin, axis=1)
        self._distance, self._uneven = float(distances.mean()), float(distances.std() / distances.mean())

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        sigma, shape = self.sigma, faces.shape[1]
        noise = [sigma * stream(seed, "gaussian mechanism").standard_normal(shape) for seed in seeds]
        return np.asarray(faces + np.array(noise).reshape(faces.shape))


def leaked(sigma: float, epsilon: float) -> float:
    """The smallest delta for which noise of this standard deviation is private: Balle & Wang, equation 6."""
    from scipy.stats import norm

    half, tilt = _SENSITIVITY / (2 * sigma), epsilon * sigma / _SENSITIVITY
    # exp(epsilon) alone would overflow.
    return float(norm.cdf(half - tilt) - np.exp(epsilon + norm.logcdf(-half - tilt)))
