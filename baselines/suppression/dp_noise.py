"""Local differential privacy by Gaussian noise on the embedding."""

from __future__ import annotations

import numpy as np

from .._shared.noisy_direction import NoisyDirection

_SENSITIVITY = 2.0
"""The largest distance between two unit vectors."""


class GaussianMechanism(NoisyDirection):
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


def leaked(sigma: float, epsilon: float) -> float:
    """The smallest delta for which noise of this standard deviation is private: Balle & Wang, equation 6."""
    from scipy.stats import norm

    half, tilt = _SENSITIVITY / (2 * sigma), epsilon * sigma / _SENSITIVITY
    # exp(epsilon) alone would overflow.
    return float(norm.cdf(half - tilt) - np.exp(epsilon + norm.logcdf(-half - tilt)))
