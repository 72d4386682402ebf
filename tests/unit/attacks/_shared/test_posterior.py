"""Posteriors against conditional normal distributions, worked out by hand or by the joint covariance."""

import numpy as np
from mote_attacks._shared.face_model import FaceModel
from mote_attacks._shared.posterior import Beliefs, beliefs

from mote_bench.contracts import HalfSpaces, Linear

MODEL = FaceModel(np.array([0.5, 0.0]), np.diag([0.2, 0.1]), 0.7 * np.eye(2))


def test_a_value_is_weighed_against_the_prior():
    """x = 0.5 + 0.2 z is seen as 0.9, with noise of 0.2: half of z = 2 remains, with a variance of one half."""
    found = beliefs([Linear(np.array([[1.0, 0.0]]), np.array([0.9]), 0.2)], MODEL)
    np.testing.assert_allclose(found.mean, [[1.0, 0.0]])
    np.testing.assert_allclose(found.covariance, [np.diag([0.5, 1.0])])


def test_a_side_is_measured_from_the_prior_mean():
    """x > 0.5 is z > 0."""
    found = beliefs([HalfSpaces(np.array([[2.0, 0.0]]), np.array([1.0]))], MODEL)
    np.testing.assert_allclose(found.mean, [[np.sqrt(2 / np.pi), 0]], atol=5e-3)


def test_several_records_are_one_record_of_all_their_values():
    rng = np.random.default_rng(0)
    matrices, values = rng.standard_normal((3, 1, 2)), rng.standard_normal((3, 1))
    parts = [beliefs([Linear(matrix, value, 0.3)], MODEL) for matrix, value in zip(matrices, values, strict=True)]
    whole = beliefs([Linear(np.concatenate(matrices), np.concatenate(values), 0.3)], MODEL)
    product = Beliefs.product(parts)
    np.testing.assert_allclose(product.mean, whole.mean, atol=1e-6)
    np.testing.assert_allclose(product.covariance, whole.covariance, atol=1e-6)


def test_no_template_gives_no_belief():
    found = beliefs([], MODEL)
    assert found.mean.shape == (0, 2)
    assert found.covariance.shape == (0, 2, 2)
