"""The reference curve: the plain vector with Gaussian noise, which anybody can add, at nine levels."""

from __future__ import annotations

from functools import partial

from .._shared.noisy_direction import NoisyDirection


class NoisyVector(NoisyDirection):
    """The direction from the mean face as float32, with Gaussian noise on the reference and none on probes.

    Noise costs nothing to invent and nothing to build. So at its own false non-match rate a protected template should
    leak less than this one. The noise moves a cosine by ``sigma``, in any number of dimensions: a probe is a unit
    vector. So the same levels serve recognisers of 128 and of 512 dimensions. Attackers know ``sigma``.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise in each dimension, above 0; the direction has length 1.
    """

    def __init__(self, *, sigma: float) -> None:
        if not 0 < sigma < float("inf"):
            raise ValueError(f"sigma={sigma}; expected a number above 0")
        self._sigma = sigma

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise in each dimension; the direction has length 1."""
        return self._sigma


level_05 = partial(NoisyVector, sigma=0.05)
level_08 = partial(NoisyVector, sigma=0.08)
level_11 = partial(NoisyVector, sigma=0.11)
level_14 = partial(NoisyVector, sigma=0.14)
level_17 = partial(NoisyVector, sigma=0.17)
level_21 = partial(NoisyVector, sigma=0.21)
level_26 = partial(NoisyVector, sigma=0.26)
level_32 = partial(NoisyVector, sigma=0.32)
level_40 = partial(NoisyVector, sigma=0.40)
