"""A Gaussian that is updated by one accept/reject decision after another."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray

_FARTHEST = 8.0
"""Standard deviations beyond which a decision counts as no more surprising."""


class HalfSpaceFilter:
    """A Gaussian belief about coordinates a (r,), moment-matched after each decision.

    Assumed-density filtering with the probit likelihood ``Phi(y (h . a - bound) / width)``: Minka, "A family of
    algorithms for approximate Bayesian inference" (2001), section 3.3; Opper, "A Bayesian approach to on-line learning"
    (1998). An update costs ``2 r^2`` operations.
    """

    def __init__(self, covariance: FloatArray) -> None:
        self.mean, self.covariance = np.zeros(len(covariance)), covariance.copy()

    def see(self, h: FloatArray, bound: float, width: float, *, accepted: bool) -> None:
        """Take in that the probe with direction ``h`` (r,) was accepted or rejected."""
        sign = 1.0 if accepted else -1.0
        along = self.covariance @ h
        spread = float(np.sqrt(max(float(h @ along), 0.0) + width**2))
        at = float(np.clip(sign * (h @ self.mean - bound) / spread, -_FARTHEST, _FARTHEST))
        ratio = _inverse_mills(at)
        self.mean = self.mean + sign * ratio / spread * along
        self.covariance -= ratio * (at + ratio) / spread**2 * np.outer(along, along)


def _inverse_mills(at: float) -> float:
    """The normal density divided by the normal distribution function."""
    from scipy.special import log_ndtr

    return float(np.exp(-0.5 * at**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(at)))
