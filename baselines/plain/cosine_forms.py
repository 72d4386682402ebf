"""The plain embedding in smaller forms: half precision, one byte a value, one bit a value, fewer values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Template
from mote_bench.toolkit import unit

from .._shared.centring import directions, start
from .._shared.vector_scheme import VectorScheme

_TILE = 256


class CosineFloat16(VectorScheme):
    """The embedding as little-endian float16: 2 d bytes."""

    centred = False

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 2 d bytes per row of ``references`` (n, d)."""
        return [row.tobytes() for row in directions(references, self._origin).astype("<f2")]

    def _read(self, templates: Sequence[Template]) -> FloatArray:
        vectors = _values(templates, "<f2", self._length).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise ValueError("a template holds values that are not finite; expected a float16 vector")
        return vectors


class CosineInt8(VectorScheme):
    """The embedding in signed bytes, scaled so that each template's largest absolute value is 127: d bytes."""

    centred = False

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of d bytes per row of ``references`` (n, d)."""
        faces = directions(references, self._origin)
        largest = np.abs(faces).max(axis=1, keepdims=True)
        return [row.tobytes() for row in np.rint(127 * faces / largest).astype(np.int8)]

    def _read(self, templates: Sequence[Template]) -> FloatArray:
        return _values(templates, "i1", self._length).astype(np.float32)


class CosinePCA(VectorScheme):
    """The direction from the mean face in the background's first principal axes, as float32.

    Parameters
    ----------
    share : float
        Of the dimensions, the share that is kept, above 0 and at most 1.
    """

    def __init__(self, *, share: float = 0.5) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share={share}; expected above 0 and at most 1")
        self.share = share

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        centred = faces.astype(np.float64) - faces.mean(axis=0)
        self._length = max(1, round(self.share * faces.shape[1]))
        self._axes = np.linalg.svd(centred, full_matrices=True)[2][: self._length].T

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        return self._shown(faces)

    def _shown(self, faces: FloatArray) -> FloatArray:
        return np.asarray(faces @ self._axes)

    def _back(self, stored: FloatArray) -> FloatArray:
        return np.asarray(stored @ self._axes.T)


class CosineBinary:
    """The signs of the direction from the mean face, packed: d / 8 bytes; the score is the share of equal signs."""

    revocable = False
    needs_identity = False

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face."""
        self._origin = start(background, centre=True)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(d / 8) bytes per row of ``references`` (n, d)."""
        return [row.tobytes() for row in self._packed(references)]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 shares of equal signs."""
        stored, shown, d = self._read(templates), self._packed(probes), len(self._origin)
        scores = np.empty((len(stored), len(shown)), dtype=np.float32)
        for first in range(0, len(stored), _TILE):
            apart = np.bitwise_count(stored[first : first + _TILE, None] ^ shown).sum(axis=2, dtype=np.int32)
            scores[first : first + _TILE] = 1 - apart / d
        return scores

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32: the mean face plus the signs."""
        return unit(self._origin + unit(self._signs(templates))).astype(np.float32)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[HalfSpaces]:
        """Each bit says on which side of the mean face's value a coordinate lies."""
        for signs in self._signs(templates):
            yield HalfSpaces(np.diag(signs), signs * self._origin)

    def _signs(self, templates: Sequence[Template]) -> FloatArray:
        return 2.0 * np.unpackbits(self._read(templates), axis=1, count=len(self._origin)) - 1

    def _packed(self, faces: FloatArray) -> npt.NDArray[np.uint8]:
        return np.packbits(directions(faces, self._origin) > 0, axis=1)

    def _read(self, templates: Sequence[Template]) -> npt.NDArray[np.uint8]:
        stored = _values(templates, "u1", -(-len(self._origin) // 8)).astype(np.uint8)
        spare = -len(self._origin) % 8
        if spare and (stored[:, -1] & ((1 << spare) - 1)).any():
            raise ValueError(f"a template has padding bits set after its {len(self._origin)} bits")
        return stored


def _values(templates: Sequence[Template], dtype: str, count: int) -> npt.NDArray[np.generic]:
    """(n, count) stored values; ValueError on a wrong length."""
    size = count * np.dtype(dtype).itemsize
    for row, template in enumerate(templates):
        if len(template) != size:
            raise ValueError(f"template {row} has {len(template)} bytes; expected {size} ({count} values of {dtype})")
    return np.frombuffer(b"".join(templates), dtype=dtype).reshape(len(templates), count)
