"""The nearest point of the lattices E8 and Z8, and their points up to doubled whole vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

BLOCK = 8
"""Dimensions of these lattices."""

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
    Information Theory 28 (1982) 227-232, sections IV (D8) and V (two cosets of D8).
    """
    whole, missed = _nearest_of_d8(vectors)
    halves, missed_by_halves = _nearest_of_d8(vectors - np.float32(0.5))
    return np.where((missed <= missed_by_halves)[..., None], whole, halves + np.float32(0.5))


def _nearest_of_d8(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The nearest whole numbers of even sum, and the squared distance (...,).

    Where the sum of the rounded numbers is odd, the one that rounding changed most is rounded the other way.
    """
    rounded = np.rint(vectors)
    change = vectors - rounded
    odd = rounded.sum(axis=-1) % 2
    place = np.abs(change).argmax(axis=-1)[..., None]
    most = np.take_along_axis(change, place, axis=-1)
    turned = np.take_along_axis(rounded, place, axis=-1) + odd[..., None] * np.where(most < 0, -1, 1)
    np.put_along_axis(rounded, place, turned.astype(rounded.dtype), axis=-1)
    return rounded, (change**2).sum(axis=-1) + odd * (1 - 2 * np.abs(most[..., 0]))


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
