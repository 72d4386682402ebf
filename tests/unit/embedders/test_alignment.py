"""Landmarks are moved where a network expects them."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.embedders.alignment import POINTS, SIZE, aligned, similarity


def test_similarity_by_hand():
    """A quarter turn, twice as large, shifted by (5, 7)."""
    source = np.array([[0.0, 0], [1, 0], [0, 1]])
    target = np.array([[5.0, 7], [5, 9], [3, 7]])
    np.testing.assert_allclose(similarity(source, target), [[0, -2, 5], [2, 0, 7]], atol=1e-12)


def test_similarity_is_the_least_squares_answer():
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    source, target = rng.standard_normal((5, 2)), rng.standard_normal((5, 2))

    def misfit(p):
        a, b, x, y = p
        return (((source @ np.array([[a, -b], [b, a]]).T + [x, y]) - target) ** 2).sum()

    found = similarity(source, target)
    best = minimize(misfit, [1, 0, 0, 0]).x
    np.testing.assert_allclose([found[0, 0], found[1, 0], *found[:, 2]], best, atol=1e-4)


@pytest.mark.parametrize("angle", [0.0, 25.0, -40.0])
def test_marked_landmarks_land_on_the_template(angle):
    turn = np.radians(angle)
    matrix = 1.7 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    landmarks = POINTS @ matrix.T + [90, 60]
    picture = np.zeros((320, 320, 3), np.uint8)
    for x, y in landmarks:
        picture[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4] = 255
    made = aligned(picture, landmarks)
    assert made.shape == (SIZE, SIZE, 3)
    for x, y in POINTS:
        assert made[round(y), round(x)].min() > 200
    bright = np.argwhere(made[..., 0] > 127)[:, ::-1]
    nearest = np.linalg.norm(bright[:, None] - POINTS[None], axis=2)
    centres = [bright[nearest.argmin(axis=1) == point].mean(axis=0) for point in range(5)]
    np.testing.assert_allclose(centres, POINTS, atol=0.6)
