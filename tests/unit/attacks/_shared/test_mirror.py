"""Templates that don't distinguish a face from its mirror image: planted, found, and weighed by public faces."""

import numpy as np
import pytest
import torch
from mote_attacks._shared.face_model import FaceModel
from mote_attacks._shared.mirror import folded, is_symmetric
from mote_attacks._shared.posterior import Beliefs, beliefs
from mote_attacks._shared.sides import Sides
from mote_attacks.linkage.posterior import ratios

from mote_bench.contracts import Faces, Smooth
from mote_bench.toolkit import on_sphere, unit

D = 8
MEAN = 0.8 * np.eye(D)[0]


def lopsided(n, seed):
    """Directions whose second coordinate is mostly positive: two thirds of faces lie on that side, far out."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, D))
    rows[:, 1] = np.where(rng.random(n) < 0.9, 2.0, -6.0) + 0.3 * rows[:, 1]
    rows[:, 0] = 0
    return on_sphere(MEAN, unit(rows))


PUBLIC = lopsided(600, 0)
MODEL = FaceModel.of(Faces(PUBLIC.astype(np.float32)))


def even(truth):
    """The likelihood of all products of two coordinates of the direction from the mean."""
    mean = torch.tensor(MODEL.mean, dtype=torch.float32)
    wanted = torch.tensor(truth - MODEL.mean, dtype=torch.float32)
    wanted = wanted / wanted.norm()
    products = wanted[:, None] * wanted

    def log_likelihood(shown, width):
        v = torch.nn.functional.normalize(torch.nn.functional.normalize(shown, dim=-1) - mean, dim=-1)
        miss = v[:, :, None] * v[:, None] - products
        return -0.5 * (miss**2).sum((1, 2)) / (0.5 * width) ** 2

    return Smooth(log_likelihood, numbers=1 << 16)  # four chains will do


@pytest.fixture(scope="module")
def found():
    faces = lopsided(6, 1)
    return faces, beliefs((even(face) for face in faces), MODEL, public=PUBLIC)


def test_the_symmetry_is_found_and_public_faces_choose_the_side(found):
    faces, got = found
    cosine = (unit(got.mean @ MODEL.axes.T) * unit(faces - MODEL.mean)).sum(axis=1)
    assert (np.abs(cosine) > 0.9).all()
    assert got.odds is not None
    assert (got.odds >= 0).all()
    assert (cosine > 0).mean() >= 0.5


def test_a_likelihood_that_tells_or_says_nothing_is_not_symmetric():
    [face] = lopsided(1, 2)
    samples = MODEL.coordinates(face[None]) + 0.01 * np.random.default_rng(0).standard_normal((16, MODEL.axes.shape[1]))
    own = torch.tensor(face, dtype=torch.float32)
    tells = Smooth(lambda shown, width: -((shown - own) ** 2).sum(-1) / width**2)
    assert is_symmetric(even(face), MODEL, samples)
    assert not is_symmetric(tells, MODEL, samples)
    nothing = Smooth(lambda shown, width: 0 * shown.sum(-1))
    assert not is_symmetric(nothing, MODEL, np.random.default_rng(1).standard_normal((64, MODEL.axes.shape[1])))


def test_samples_are_folded_to_one_side():
    rows = np.array([[1.0, 2.0], [-1.1, -2.0], [0.9, 2.1]])
    aside = folded(rows)
    assert (aside @ aside[0] > 0).all()
    np.testing.assert_array_equal(np.abs(aside), np.abs(rows))


def test_opposite_directions_have_opposite_odds_that_are_calibrated():
    sides = Sides.of(MODEL, PUBLIC)
    rows = unit(lopsided(400, 3) - MODEL.mean)
    odds = sides.log_odds(rows)
    np.testing.assert_allclose(sides.log_odds(-rows), -odds)
    right = (odds > 0).mean()
    assert right > 0.6
    assert (1 / (1 + np.exp(-np.abs(odds)))).mean() == pytest.approx(right, abs=0.1)


def test_normal_faces_have_no_side():
    """What is symmetric can't be told: at chance."""
    rng = np.random.default_rng(4)
    normal = on_sphere(MEAN, unit(rng.standard_normal((600, D)) * [0, 1, 1, 1, 1, 1, 1, 1]))
    model = FaceModel.of(Faces(normal.astype(np.float32)))
    odds = Sides.of(model, normal[:300]).log_odds(unit(normal[300:] - model.mean))
    assert (odds > 0).mean() == pytest.approx(0.5, abs=0.1)


def test_a_side_that_is_not_known_halves_the_expectation_by_hand():
    got = Beliefs(np.array([[1.0, 2.0]]), np.eye(2)[None], np.array([np.log(3)]))  # three to one
    np.testing.assert_allclose(got.probability, [0.75])
    np.testing.assert_allclose(got.expectation, [[0.5, 1.0]])
    np.testing.assert_allclose(Beliefs(got.mean, got.covariance).expectation, got.mean)


def test_records_on_opposite_sides_are_linked_where_sides_are_not_known():
    """With even odds a record and its mirror image have the same ratio with any other."""
    model = FaceModel(np.zeros(2), np.eye(2), 0.7 * np.eye(2))
    means, narrow = np.array([[2.0, 1.0], [-2.0, -1.0], [1.0, -2.0]]), np.tile(0.05 * np.eye(2), (3, 1, 1))
    unsure = Beliefs(means, narrow, np.zeros(3))
    links = ratios(unsure, unsure, model)
    np.testing.assert_allclose(links[0], links[1])
    assert links[0, 1] > links[0, 2]
    sure = ratios(Beliefs(means, narrow, np.full(3, 30.0)), Beliefs(means, narrow, np.full(3, 30.0)), model)
    plain = ratios(Beliefs(means, narrow), Beliefs(means, narrow), model)
    np.testing.assert_allclose(np.diag(sure), np.diag(plain), atol=1e-6)


def test_several_records_are_turned_to_one_side():
    first = Beliefs(np.array([[2.0, 0.0]]), 0.5 * np.eye(2)[None], np.array([0.5]))
    second = Beliefs(np.array([[-2.0, 0.0]]), 0.5 * np.eye(2)[None], np.array([2.5]))
    product = Beliefs.product([first, second])
    assert product.mean[0, 0] < -2.0
    np.testing.assert_allclose(product.odds, [1.0])
