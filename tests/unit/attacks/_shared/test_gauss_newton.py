"""Samples where values are a smooth function of the face, against posteriors in closed form."""

import numpy as np
import pytest
import torch
from mote_attacks._shared.face_model import FaceModel
from mote_attacks._shared.gauss_newton import solved

from mote_bench.contracts import NonLinear

R = 6
MODEL = FaceModel(np.eye(R + 1)[0], 0.01 * np.eye(R + 1)[:, 1:], 0.7 * np.eye(R))
"""Faces of nearly unit length: the axes are at a right angle to the mean, and short."""


def coordinates(faces):
    return faces[:, 1:] / 0.01


def test_a_normal_posterior_is_found():
    """Noise of the prior's size: the mean is half of what is seen, the variance one half."""
    values = np.linspace(-2, 2, R)
    samples, near = solved(NonLinear(coordinates, values, 1.0), MODEL, seed=0)
    np.testing.assert_allclose(samples.mean(axis=0), values / 2, atol=0.35)
    np.testing.assert_allclose(samples.var(axis=0).mean(), 0.5, atol=0.15)
    np.testing.assert_allclose(near, 0.5 * np.eye(R), atol=1e-2)


def test_a_curved_function_is_undone():
    """The first coordinate is seen through a cubic, the others are not seen."""

    def cubic(faces):
        z = coordinates(faces)[:, :2]
        return z + 0.3 * z**3

    samples, _ = solved(NonLinear(cubic, np.array([1.3, -0.0375 - 0.5]), 1e-3), MODEL, seed=1)
    np.testing.assert_allclose(samples.mean(axis=0)[:2], [1.0, -0.5], atol=0.05)
    assert samples[:, 2:].var() == pytest.approx(1, abs=0.35)


def test_a_length_that_is_not_seen_keeps_the_size_of_the_prior():
    """Only the direction in the plane of two coordinates is seen: the likeliest point is zero, the mean isn't."""

    def direction(faces):
        return torch.nn.functional.normalize(coordinates(faces)[:, :2], dim=-1)

    samples, _ = solved(NonLinear(direction, np.array([0.6, 0.8]), 1e-3), MODEL, seed=2)
    assert (samples[:, :2] ** 2).sum(axis=1).mean() > 1.0
    mean = samples.mean(axis=0)[:2]
    np.testing.assert_allclose(mean / np.linalg.norm(mean), [0.6, 0.8], atol=0.1)


def test_equal_seeds_give_equal_samples():
    said = NonLinear(coordinates, np.ones(R), 0.5)
    np.testing.assert_array_equal(solved(said, MODEL, seed=3)[0], solved(said, MODEL, seed=3)[0])
