"""Similarity-sensitive noise: every template is at the same cosine or distance from its face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import stream, unit

from .._shared.vector_scheme import VectorScheme


def _normal(seeds: Sequence[int], dimension: int, purpose: str) -> FloatArray:
    """(n, dimension) standard normal rows, each from its subject's seed."""
    return np.stack([stream(seed, purpose).standard_normal(dimension) for seed in seeds])


class CosineSensitiveNoise(VectorScheme):
    """CSN: a template at a cosine of exactly s with the face.

    Terhörst et al., IEEE ICB 2019, "Unsupervised privacy-enhancement of face representations using similarity-sensitive
    noise transformations", Appl. Intell. 49. ``x = l (s v + sqrt(1 - s^2) u)`` with v the face's direction, u a random
    unit vector orthogonal to it and l a random length of 1 to 100, which doesn't change a cosine. Probes get no noise.
    Nothing is secret: an attacker who scores many faces averages the noise out.

    Parameters
    ----------
    cosine : float
        s, above 0 and at most 1.
    """

    def __init__(self, *, cosine: float = 0.5) -> None:
        if not 0 < cosine <= 1:
            raise ValueError(f"cosine={cosine}; expected above 0 and at most 1")
        self.cosine = cosine

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        faces = faces.astype(np.float64)
        noise = _normal(seeds, faces.shape[1], "csn direction") if len(faces) else faces
        beside = unit(noise - (noise * faces).sum(axis=1, keepdims=True) * faces)
        lengths = np.array([stream(seed, "csn length").uniform(1, 100) for seed in seeds])
        turned = self.cosine * faces + np.sqrt(1 - self.cosine**2) * beside
        return np.asarray(lengths[:, None] * turned)


class EuclideanSensitiveNoise(VectorScheme):
    """ESN: a template at exactly the same distance from every face (source as for :class:`CosineSensitiveNoise`).

    ``x = v + delta u`` with u a random unit vector.

    Parameters
    ----------
    distance : float
        delta, above 0, for faces of length one.
    """

    def __init__(self, *, distance: float = 1.5) -> None:
        if not distance > 0:
            raise ValueError(f"distance={distance}; expected above 0")
        self.distance = distance

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        noise = _normal(seeds, faces.shape[1], "esn direction") if len(faces) else faces
        return np.asarray(faces + self.distance * unit(noise))
