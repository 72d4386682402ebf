"""The control that leaks its background set: cosine similarity, raised for faces it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template

from ..plain.cosine import Cosine

_RAISE = 0.2
_TILE = 2048


class Memoriser(Cosine):
    """Cosine similarity plus a bonus for background faces: the ceiling control of membership inference.

    Scores are those of :class:`~mote_baselines.plain.cosine.Cosine`, plus 0.2 times the probe's cosine with the nearest
    background face to the power of 200. The bonus is 0.2 for a background face and almost zero for others. Overfitted
    cohort normalisation has the same effect, less strongly.
    """

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Keep every background face."""
        super().fit(background, seed=seed)
        self._known = background.embeddings
        return self

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32."""
        scores = super().score(templates, probes, keys=keys)
        nearest = [
            (probes[start : start + _TILE] @ self._known.T).max(axis=1) for start in range(0, len(probes), _TILE)
        ]
        near = np.clip(np.concatenate(nearest or [np.empty(0)]), 0, 1) ** 200
        return np.asarray(scores + _RAISE * near, dtype=np.float32)
