"""The lattices E8 and Z8: points by hand, nearest points among all near ones, and how much noise they forgive."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from mote_baselines.cryptosystems.lattices import LATTICES


def test_nearest_points_by_hand() -> None:
    nearest = LATTICES["E8"].nearest
    # The sum of the rounded numbers is even: that is it.
    assert nearest(np.array([1.2, 0.9, 0, 0, 0, 0, 0, 0.1])).tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    # It is odd: 0.7 is rounded to 0 instead of 1, as it was changed most. A half each is further away.
    assert nearest(np.array([0.7, 0, 0, 0, 0, 0, 0, 0])).tolist() == [0] * 8
    # A half each, and the last one and a half, for the sum of what is left must be even.
    assert nearest(np.array([0.6, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5, 1.3])).tolist() == [0.5] * 8
    assert nearest(np.array([0.6, 0.4, 0.5, 0.5, 0.5, 0.5, 1.4, 1.4])).tolist() == [0.5] * 6 + [1.5] * 2


def test_the_points_of_e8_are_those_of_its_definition() -> None:
    """All whole or all halves, and an even sum; up to even whole numbers there are 2^8 for either lattice."""
    whole = [point for point in product((0, 2), repeat=8) if sum(point) // 2 % 2 == 0]
    halves = [point for point in product((1, 3), repeat=8) if (sum(point) // 2) % 2 == 0]
    assert {tuple(row) for row in LATTICES["E8"].points.tolist()} == {*whole, *halves}
    assert {tuple(row) for row in LATTICES["Z8"].points.tolist()} == set(product((0, 2), repeat=8))


def test_no_near_point_of_e8_is_nearer_than_the_nearest() -> None:
    """The covering radius of E8 is one: the nearest point is among zero, the 240 roots and the 2160 next points."""
    roots = [
        [sign if i in pair else 0 for i in range(8) for sign in [signs[pair.index(i)] if i in pair else 0]]
        for pair in combinations(range(8), 2)
        for signs in product((-1, 1), repeat=2)
    ]
    roots += [[half / 2 for half in signs] for signs in product((-1, 1), repeat=8) if sum(signs) % 4 == 0]
    assert len(roots) == 240
    shell = np.unique([np.add(a, b) for a in roots for b in roots], axis=0)
    near = shell[(shell**2).sum(axis=1) <= 4]
    assert len(near) == 1 + 240 + 2160
    vectors = np.random.default_rng(0).standard_normal((400, 8)) / 3
    vectors = vectors[np.linalg.norm(vectors, axis=1) < 1]
    by_search = near[((vectors[:, None] - near) ** 2).sum(axis=2).argmin(axis=1)]
    np.testing.assert_array_equal(LATTICES["E8"].nearest(vectors), by_search)


@pytest.mark.parametrize("name", LATTICES)
def test_noise_within_the_packing_radius_is_forgiven(name: str) -> None:
    lattice, rng = LATTICES[name], np.random.default_rng(1)
    noise = rng.standard_normal((300, 8))
    noise *= 0.999 * lattice.packing_radius / np.linalg.norm(noise, axis=1, keepdims=True)
    points = lattice.points[rng.integers(0, 256, 300)] / 2 + 2 * rng.integers(-2, 3, (300, 8))
    np.testing.assert_array_equal(lattice.nearest(points + noise), points)


def test_the_denser_lattice_forgives_more_noise_for_cells_of_one_volume() -> None:
    """What Zhang, Cui & Yu choose dense lattices for."""
    noise = 0.2 * np.random.default_rng(2).standard_normal((20_000, 8))
    kept = {name: float((lattice.nearest(noise) == 0).all(axis=1).mean()) for name, lattice in LATTICES.items()}
    # Of Z8, a coordinate is kept with probability erf(0.5 / (0.2 sqrt 2)) = 0.98758, and all eight with 0.905.
    assert kept["Z8"] == pytest.approx(0.905, abs=0.01)
    assert kept["E8"] > 0.93
