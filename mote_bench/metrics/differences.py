"""Change of a figure between two runs that share subjects, with bounds at a chosen confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from mote_bench.contracts import Measurement

from .intervals import Z

POWER = 0.9
"""Probability with which the detectable change is found."""


@dataclass(frozen=True)
class Change:
    """How much worse a figure became, its bounds, and the smallest detectable worsening (before any tolerance)."""

    value: float
    low: float
    high: float
    detectable: float


def difference(before: Measurement, now: Measurement, together: float, *, worse: float, z: float) -> Change:
    """``now - before``, positive = worse, with bounds that each fail with probability ``1 - Phi(z)``.

    MOVER for two dependent figures (Zou & Donner, Statistics in Medicine 27, 2008) on the published 95 % intervals,
    scaled from 1.96 to ``z``.

    Parameters
    ----------
    together : float
        Correlation of the two figures, -1 to 1.
    worse : {1.0, -1.0}
        Whether higher or lower figures are worse.
    """
    apart = now.value - before.value
    below = _apart(now.value - now.low, before.high - before.value, together) * z / Z
    above = _apart(now.high - now.value, before.value - before.low, together) * z / Z
    spread = (below if worse > 0 else above) / z
    detectable = (z + float(special.ndtri(POWER))) * spread
    if worse < 0:
        return Change(-apart, -apart - above, -apart + below, detectable)
    return Change(apart, apart - below, apart + above, detectable)


def _apart(distance: float, other: float, together: float) -> float:
    return float(np.sqrt(max(distance**2 + other**2 - 2 * together * distance * other, 0.0)))


def together(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    """Correlation of two figures, each given as a mapping of subject id to influence.

    The covariance of two sums over independent subjects is that over the subjects in both, so others add nothing.
    """
    length = float(np.sqrt(sum(v * v for v in one.values()) * sum(v * v for v in other.values())))
    shared = sum(value * other[person] for person, value in one.items() if person in other)
    return float(np.clip(shared / length, -1, 1)) if length > 0 else 0.0
