"""Expectation propagation against the exact posterior: of one half-space, and by rejection of many samples."""

import numpy as np
import pytest
from mote_attacks._shared.half_spaces import cut

from mote_bench.toolkit import unit


def test_one_half_space_cuts_a_half_normal():
    """Of z > 0 the mean is sqrt(2 / pi) and the variance 1 - 2 / pi, along the normal only."""
    mean, covariance = cut(np.array([[0.0, 2.0]]), np.zeros(1))
    np.testing.assert_allclose(mean, [0, np.sqrt(2 / np.pi)], atol=5e-3)
    np.testing.assert_allclose(covariance, np.diag([1, 1 - 2 / np.pi]), atol=5e-3)


def test_a_bound_shifts_the_cut():
    """Of z > 1 the mean is the normal density at 1 divided by the share beyond it: 0.241971 / 0.158655."""
    mean, _ = cut(np.array([[3.0]]), np.array([3.0]))
    assert mean[0] == pytest.approx(0.241971 / 0.158655, abs=5e-3)


def test_of_few_sign_bits_mean_and_variance_are_near_the_exact_ones():
    rng = np.random.default_rng(4)
    samples = rng.standard_normal((400_000, 3))
    for _ in range(5):
        normals, face = rng.standard_normal((4, 3)), rng.standard_normal(3)
        normals *= np.sign(normals @ face)[:, None]
        kept = samples[(samples @ normals.T > 0).all(axis=1)]
        mean, covariance = cut(normals, np.zeros(4))
        error = kept.std(axis=0) / np.sqrt(len(kept))
        assert np.linalg.norm(mean - kept.mean(axis=0)) < 0.02 + 3 * np.linalg.norm(error)
        assert np.trace(covariance) == pytest.approx(np.trace(np.cov(kept.T)), rel=0.1)


def test_the_cosine_is_within_two_percent_of_the_best_possible():
    """Given the bits, the expected cosine of an estimate is its product with the mean of all unit faces they allow."""
    rng = np.random.default_rng(5)
    samples, reached, possible = rng.standard_normal((200_000, 4)), [], []
    for face in rng.standard_normal((60, 4)):
        normals = rng.standard_normal((8, 4))
        normals *= np.sign(normals @ face)[:, None]
        exact = unit(samples[(samples @ normals.T > 0).all(axis=1)]).mean(axis=0)
        mean, _ = cut(normals, np.zeros(8))
        reached.append(unit(mean) @ exact)
        possible.append(np.linalg.norm(exact))
    assert np.mean(reached) > 0.98 * np.mean(possible)


def test_half_spaces_that_contradict_each_other_are_weighed():
    mean, covariance = cut(np.array([[1.0, 0], [-1.0, 0], [0, 1.0]]), np.array([0.5, 0.5, 0]))
    assert np.isfinite(covariance).all()
    assert mean[0] == pytest.approx(0, abs=1e-2)
    assert mean[1] > 0.5


def test_a_normal_of_length_zero_says_nothing():
    mean, _ = cut(np.array([[0.0, 0], [0, 1]]), np.zeros(2))
    np.testing.assert_allclose(mean, [0, np.sqrt(2 / np.pi)], atol=5e-3)
