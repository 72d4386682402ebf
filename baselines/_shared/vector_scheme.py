"""The base of schemes whose template is a float32 vector and whose score is a cosine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import on_sphere, unit

from .centring import directions, start
from .float_vectors import read_vectors


class VectorScheme:
    """A scheme that transforms the direction from the mean face; subclasses define the transform.

    ``_learn`` sees the background, ``_stored`` gives the values that are enrolled, ``_shown`` those of a probe.
    ``_back`` turns stored rows into directions of embeddings, as far as the format allows.
    """

    revocable = False
    needs_identity = False
    centred = True
    """Whether directions start at the background's mean face. False where the paper's scheme uses uncentred embeddings
    and its results depend on that."""

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and the parameters of the transform."""
        self._origin = start(background, centre=self.centred)
        self._length = len(self._origin)
        self._learn(directions(background.embeddings, self._origin), background, seed)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 4 bytes per stored value for each row of ``references`` (n, d)."""
        stored = self._stored(directions(references, self._origin), seeds)
        return [row.tobytes() for row in stored.astype("<f4")]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 cosines in [-1, 1]."""
        shown = self._shown(directions(probes, self._origin))
        return np.asarray(unit(self._read(templates)) @ unit(shown).T, dtype=np.float32)

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: the stored values, transformed back."""
        back = self._back(self._read(templates).astype(np.float64))
        return on_sphere(self._origin.astype(np.float64), unit(back)).astype(np.float32)

    def _read(self, templates: Sequence[Template]) -> FloatArray:
        return read_vectors(templates, self._length)

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        return

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        return faces

    def _shown(self, faces: FloatArray) -> FloatArray:
        return faces

    def _back(self, stored: FloatArray) -> FloatArray:
        return stored
