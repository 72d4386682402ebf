"""The nearest point of the lattices E8 and Z8, and their points up to doubled whole vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

BLOCK = 8
"""Dimensions of these lattices."""

_ROWS_IN_CACHE = 4096

Doubled = npt.NDArray[np.uint8]
"""(..., 8) lattice points of which whole multiples of 2 are left out, times two: 0, 1, 2 or 3."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """A lattice in eight dimensions with cells of volume one, which holds all vectors of even whole numbers.

    Up to these vectors it has 256 points, so that a point is one byte.

    Attributes
    ----------
    nearest : callable
        From vectors (..., 8) to the nearest lattice point of each.
    points : (256, 8) uint8
        The points up to vectors of even whole numbers, times two.
    packing_radius : float
        Up to this distance from a lattice point no other point is nearer.
    """

    nearest: Callable[[FloatArray], FloatArray]
    points: Doubled
    packing_radius: float


def nearest_of_z8(vectors: FloatArray) -> FloatArray:
    """The nearest vector of whole numbers."""
    return np.rint(vectors)


def nearest_of_e8(vectors: FloatArray) -> FloatArray:
    """The nearest point of E8: whole numbers of even sum, or such numbers and a half each.

    Conway & Sloane, "Fast quantizing and decoding algorithms for lattice quantizers and codes", IEEE Transactions on
    Information Theory 28 (1982) 227-232: of the nearest whole numbers and the nearest halves the nearer ones, for which
    each is first rounded. Where the sum is odd, the number that rounding changed most is rounded the other way.
    """
    rows = vectors.reshape(-1, BLOCK)
    points = np.empty_like(rows)
    for first in range(0, len(rows), _ROWS_IN_CACHE):
        some = slice(first, first + _ROWS_IN_CACHE)
        points[some] = _nearest_columns(np.ascontiguousarray(rows[some].T)).T
    return points.reshape(vectors.shape)


def _nearest_columns(columns: FloatArray) -> FloatArray:
    """(8, n) the points of E8 nearest to columns (8, n), whose sums are quicker than those of rows."""
    half = columns.dtype.type(0.5)
    whole, halves = _Rounded.of(columns), _Rounded.of(columns - half)
    nearer = halves.missed < whole.missed
    points = np.where(nearer, halves.to + half, whole.to)
    change = np.where(nearer, halves.change, whole.change)
    turned = np.flatnonzero(np.where(nearer, halves.odd, whole.odd))
    change = change[:, turned]
    place = np.abs(change).argmax(axis=0)
    points[place, turned] += np.where(change[place, np.arange(len(turned))] < 0, -1, 1).astype(points.dtype)
    return points


@dataclass(frozen=True, eq=False)
class _Rounded:
    """Columns (8, n) rounded to whole numbers, and how far the nearest ones of even sum are.

    Attributes
    ----------
    to, change : (8, n)
    odd : (n,) bool
        Whether the sum is odd, so that a number has to be rounded the other way.
    missed : (n,)
        The squared distance of the nearest whole numbers of even sum.
    """

    to: FloatArray
    change: FloatArray
    odd: npt.NDArray[np.bool_]
    missed: FloatArray

    @classmethod
    def of(cls, columns: FloatArray) -> Self:
        to = np.rint(columns)
        change = columns - to
        odd = (to.sum(axis=0).astype(np.int64) & 1).astype(np.bool_)
        return cls(to, change, odd, (change**2).sum(axis=0) + odd * (1 - 2 * np.abs(change).max(axis=0)))


def _bits_of_bytes() -> npt.NDArray[np.uint8]:
    return np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)


def _points_of_e8() -> Doubled:
    """Seven bits and their parity are the whole numbers; the eighth bit says whether a half is added to each."""
    bits = _bits_of_bytes()
    parity = bits[:, :7].sum(axis=1, keepdims=True) & 1
    return np.asarray(2 * np.hstack([bits[:, :7], parity]) + bits[:, 7:], dtype=np.uint8)


LATTICES: Mapping[str, Lattice] = {
    "E8": Lattice(nearest_of_e8, _points_of_e8(), 0.5**0.5),
    "Z8": Lattice(nearest_of_z8, 2 * _bits_of_bytes(), 0.5),
}
