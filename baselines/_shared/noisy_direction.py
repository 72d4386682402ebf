"""Schemes that store the direction from the mean face plus noise of a public size, and what their templates say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import stream

from .vector_scheme import VectorScheme


@dataclass(frozen=True, eq=False)
class Distances:
    """How far faces are from the mean face: an embedding is the mean face plus this distance times its direction.

    Attributes
    ----------
    origin : (d,) float32
        The mean face.
    mean : float
    uneven : float
        Standard deviation, relative to the mean.
    """

    origin: FloatArray
    mean: float
    uneven: float

    @classmethod
    def of(cls, background: Faces, origin: FloatArray) -> Self:
        """Those of the background."""
        distances = np.linalg.norm(background.embeddings - origin, axis=1)
        return cls(origin, float(distances.mean()), float(distances.std() / distances.mean()))

    def likelihood(self, rows: FloatArray, *, sigma: float, gain: float = 1.0) -> Iterator[Linear]:
        """What rows (n, d) say: ``gain`` times the direction, plus noise with standard deviation ``sigma`` per value.

        The distance by which a direction is scaled is taken as the background's; how uneven it is counts as noise.
        """
        scale = gain * np.eye(len(self.origin)) / self.mean
        spread = float(np.hypot(sigma, gain * self.uneven / np.sqrt(len(self.origin))))
        for row in rows.astype(np.float64):
            yield Linear(scale, row + gain * self.origin / self.mean, spread)


class NoisyDirection(VectorScheme, ABC):
    """Adds independent Gaussian noise to each value of the reference's direction; probes have none.

    The size of the noise is part of the algorithm, so every attacker knows it.
    """

    @property
    @abstractmethod
    def sigma(self) -> float:
        """Standard deviation of the noise in each dimension; the direction has length 1."""

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """Each value is that of the direction, plus noise whose size is public."""
        return self._distances.likelihood(self._read(templates), sigma=self.sigma)

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        self._distances = Distances.of(background, self._origin)

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        sigma, shape = self.sigma, faces.shape[1]
        noise = [sigma * stream(seed, "gaussian mechanism").standard_normal(shape) for seed in seeds]
        return np.asarray(faces + np.array(noise).reshape(faces.shape))
