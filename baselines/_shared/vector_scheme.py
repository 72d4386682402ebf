"""The base of schemes whose template is a float32 vector and whose score is a cosine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, NonLinear, Template
from mote_bench.toolkit import on_sphere, unit

from .centring import directions, start, torch_directions
from .float_vectors import read_vectors

if TYPE_CHECKING:
    import torch

ROUNDING = 1e-6
"""Standard deviation of the rounding error of a stored value, with those of the steps to it."""


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


class AffineScheme(VectorScheme):
    """A :class:`VectorScheme` that stores an affine function of the direction and shows the same of probes."""

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[NonLinear]:
        """The stored values are those of the face's direction, but for rounding."""
        import torch

        d = len(self._origin)
        shift = np.asarray(self._shown(np.zeros((1, d))), dtype=np.float64)
        matrix = torch.from_numpy(self._shown(np.eye(d)) - shift)
        function = partial(_affine, self._origin, matrix, torch.from_numpy(shift[0]))
        for row in self._read(templates).astype(np.float64):
            yield NonLinear(function, row, ROUNDING)

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        return self._shown(faces)


def _affine(origin: FloatArray, matrix: torch.Tensor, shift: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """(k, m) values of the directions of embeddings (k, d), in their precision."""
    return torch_directions(faces, origin) @ matrix.to(faces.dtype) + shift.to(faces.dtype)
