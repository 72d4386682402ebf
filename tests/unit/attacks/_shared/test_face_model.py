"""The two-covariance model finds what it was drawn from."""

import numpy as np
import pytest
from mote_attacks._shared.face_model import FaceModel

from mote_bench.contracts import Faces
from mote_bench.toolkit import on_sphere, unit

D = 12


def drawn(rng, people, photos, share):
    """Unit embeddings about a common direction: photos of one person share this part of the variance."""
    centres = np.repeat(rng.standard_normal((people, D)), photos, axis=0)
    z = np.sqrt(share) * centres + np.sqrt(1 - share) * rng.standard_normal((people * photos, D))
    faces = np.eye(D)[0] + 0.02 * z @ np.diag(np.linspace(1, 2, D))
    return Faces(unit(faces), np.repeat(np.arange(people), photos).astype(str))


def test_what_photos_of_a_subject_share_is_found():
    model = FaceModel.of(drawn(np.random.default_rng(0), 1500, 4, 0.6))
    assert model.axes.shape[0] == D
    shares = np.diag(model.between)[1:]  # the first axis is what unit length leaves of the distance to the origin
    np.testing.assert_allclose(shares, 0.6, atol=0.03)
    assert np.abs(model.between - np.diag(np.diag(model.between))).max() < 0.1


def test_one_photo_a_subject_says_nothing_of_what_photos_share():
    faces = drawn(np.random.default_rng(1), 300, 1, 0.6)
    for known in (faces, Faces(faces.embeddings)):
        model = FaceModel.of(known)
        np.testing.assert_array_equal(model.between, 0.7 * np.eye(len(model.between)))


def test_coordinates_are_standard_and_lead_back():
    faces = drawn(np.random.default_rng(2), 800, 2, 0.5)
    model = FaceModel.of(faces)
    z = model.coordinates(faces.embeddings)
    np.testing.assert_allclose(np.cov(z.T), np.eye(z.shape[1]), atol=1e-6)
    back = on_sphere(model.mean, unit(z @ model.axes.T))
    np.testing.assert_allclose(back, faces.embeddings, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 1)


def test_a_subject_lies_nearer_to_the_mean_than_its_photo():
    model = FaceModel.of(drawn(np.random.default_rng(3), 500, 3, 0.5))
    z = np.random.default_rng(4).standard_normal((5, model.axes.shape[1]))
    assert (np.linalg.norm(model.subject(z), axis=1) < np.linalg.norm(z, axis=1)).all()


@pytest.mark.parametrize("people", [20, 400])
def test_at_most_256_axes_are_kept(people):
    rng = np.random.default_rng(5)
    model = FaceModel.of(Faces(unit(np.eye(300)[0] + 0.05 * rng.standard_normal((people, 300)))))
    assert model.axes.shape == (300, min(people - 1, 256))
