"""The base of schemes that store the direction from the mean face plus Gaussian noise of a public size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import stream

from .vector_scheme import VectorScheme


class NoisyDirection(VectorScheme, ABC):
    """Adds independent Gaussian noise to each value of the reference's direction; probes have none.

    The size of the noise is part of the algorithm, so every attacker knows it.
    """

    @property
    @abstractmethod
    def sigma(self) -> float:
        """Standard deviation of the noise in each dimension; the direction has length 1."""

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
