"""Generated templates, probes and answers whose true error rates are known or can be had by brute force."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import settings

from mote_bench.contracts import FloatArray
from mote_bench.metrics.verification import Scores

DIMENSION = 24

quick = settings(max_examples=50, deadline=None)


@dataclass(frozen=True)
class Population:
    """People as Gaussian directions; ``noise`` is how much two photos of one person differ.

    ``uneven`` makes some people's photos differ more than others'; ``offset`` is what a template adds to all of its
    scores, which makes its genuine and its impostor scores rise together.
    """

    noise: float
    uneven: float = 0.25
    offset: float = 0.0

    def scores(self, rng: np.random.Generator, people: int, probes: int = 3) -> Scores:
        """One template and ``probes`` probes of each person."""
        shown = np.repeat(np.arange(people), probes)
        faces, spread = self._people(rng, people)
        templates, shots = self._photo(rng, faces, spread), self._photo(rng, faces[shown], spread[shown])
        values = templates @ shots.T + self.offset * rng.standard_normal((people, 1))
        return Scores(values, np.arange(people), shown)

    def trials(self, people: int = 150_000, impostors: int = 5) -> tuple[FloatArray, FloatArray]:
        """Genuine and impostor scores of very many people, for the true rates."""
        rng = np.random.default_rng(99)
        faces, spread = self._people(rng, people)
        templates, offset = self._photo(rng, faces, spread), self.offset * rng.standard_normal(people)
        genuine = [(templates * self._photo(rng, faces, spread)).sum(axis=1) + offset for _ in range(2)]
        shots = self._photo(rng, faces, spread)
        impostor = [(templates * np.roll(shots, k, axis=0)).sum(axis=1) + offset for k in range(1, impostors + 1)]
        return np.concatenate(genuine), np.concatenate(impostor)

    def _people(self, rng: np.random.Generator, people: int) -> tuple[FloatArray, FloatArray]:
        spread = self.noise * np.exp(self.uneven * rng.standard_normal((people, 1)))
        return rng.standard_normal((people, DIMENSION)), spread

    def _photo(self, rng: np.random.Generator, faces: FloatArray, spread: FloatArray) -> FloatArray:
        photo = faces + spread * rng.standard_normal(faces.shape)
        return np.asarray(photo / np.linalg.norm(photo, axis=1, keepdims=True))


def at_least(nominal: float, repetitions: int) -> float:
    """The lowest share of covering intervals that chance leaves plausible in dozens of tests (3.5 standard errors)."""
    return nominal - 3.5 * float(np.sqrt(nominal * (1 - nominal) / repetitions))
