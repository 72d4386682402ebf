"""Samples by annealed Monte Carlo against posteriors in closed form."""

import numpy as np
import torch
from mote_attacks._shared.annealed import sampled
from mote_attacks._shared.face_model import FaceModel

from mote_bench.contracts import Smooth

R = 6
MODEL = FaceModel(np.eye(R + 1)[0], 0.01 * np.eye(R + 1)[:, 1:], 0.7 * np.eye(R))
"""Faces of nearly unit length: the axes are at a right angle to the mean, and short."""


def seen(values, spread):
    """The likelihood of each coordinate, seen with normal noise; the width adds to it."""
    shown = torch.tensor(values, dtype=torch.float32)

    def log_likelihood(faces, width):
        miss = (faces[:, 1:] / 0.01 - shown) / (spread * max(1.0, width / 0.1))
        return -0.5 * (miss**2).sum(-1)

    return Smooth(log_likelihood)


def test_a_normal_posterior_is_found():
    """Noise of the prior's size: the mean is half of what is seen, the variance one half."""
    values = np.linspace(-2, 2, R)
    samples = sampled(seen(values, 1.0), MODEL, seed=0)
    np.testing.assert_allclose(samples.mean(axis=0), values / 2, atol=0.3)
    np.testing.assert_allclose(samples.var(axis=0).mean(), 0.5, atol=0.15)


def test_a_narrow_posterior_is_reached():
    values = np.linspace(2, -1, R)
    np.testing.assert_allclose(sampled(seen(values, 0.05), MODEL, seed=1).mean(axis=0), values, atol=0.1)


def test_equal_seeds_give_equal_samples():
    values = np.ones(R)
    np.testing.assert_array_equal(*(sampled(seen(values, 0.5), MODEL, seed=3) for _ in range(2)))
    assert not np.array_equal(sampled(seen(values, 0.5), MODEL, seed=3), sampled(seen(values, 0.5), MODEL, seed=4))


def test_a_likelihood_that_says_nothing_leaves_the_prior():
    samples = sampled(Smooth(lambda faces, width: 0 * faces.sum(-1)), MODEL, seed=5)
    np.testing.assert_allclose(samples.mean(axis=0), 0, atol=0.4)
    np.testing.assert_allclose(samples.std(axis=0).mean(), 1, atol=0.2)
