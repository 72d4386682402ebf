"""Similarity-sensitive noise: every template is at the same cosine or distance from its face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import stream, unit

from .._shared.noisy_direction import Distances
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

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """The template's direction is s times the face's, plus noise.

        The noise is uniform on the directions that are orthogonal to the face's. Of all template directions, those at
        the cosine s are equally likely, so the likelihood depends on the product with the face alone; as faces have
        length one, independent normal noise of the same mean square says the same.
        """
        sigma = float(np.sqrt((1 - self.cosine**2) / self._length))
        return self._distances.likelihood(unit(self._read(templates)), sigma=sigma, gain=self.cosine)

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        self._distances = Distances.of(background, self._origin)

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

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """Each value is that of the face's direction, plus noise: delta's share of one value in the mean."""
        sigma = float(self.distance / np.sqrt(self._length))
        return self._distances.likelihood(self._read(templates), sigma=sigma)

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        self._distances = Distances.of(background, self._origin)

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        noise = _normal(seeds, faces.shape[1], "esn direction") if len(faces) else faces
        return np.asarray(faces + self.distance * unit(noise))
