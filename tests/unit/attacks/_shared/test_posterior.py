"""Posteriors against conditional normal distributions, worked out by hand or by the joint covariance."""

import numpy as np
import pytest
from mote_attacks._shared.face_model import FaceModel
from mote_attacks._shared.posterior import Beliefs, Posterior, beliefs, unlocked

from mote_bench.contracts import Evidence, Faces, HalfSpaces, Knowledge, Linear, Shadow

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


class Locked:
    """Its templates are a value each: a guess is accepted if its first coordinate is near, and then tells the face."""

    def score(self, templates, probes, *, keys):
        values = np.frombuffer(b"".join(templates), dtype=np.float64)
        return (np.abs(values[:, None] - probes[:, 0]) < 0.05).astype(np.float32)

    def unlock(self, templates, probes, *, keys):
        for row, (template, probe) in enumerate(zip(templates, probes, strict=True)):
            value = np.frombuffer(template, dtype=np.float64)
            accepted = self.score([template], probe[None], keys=None)[0, 0] > 0
            yield Linear(np.eye(2), np.array([value[0], row]), 1e-3) if accepted else None

    def likelihood(self, templates, *, keys):
        return [Linear(np.eye(2), np.zeros(2), 100.0) for _ in templates]  # says next to nothing


def opened(value, *, mean=(0.0, 0.0), public=((0.0, 1.0),)):
    """The mean of the first coordinate's posterior, of which ``mean`` was found before."""
    found = Beliefs(np.array([mean]), np.array([1e-6 * np.eye(2)]))
    faces = np.array(public, dtype=np.float32)
    after = unlocked(Locked(), [np.float64(value).tobytes()], None, found=found, model=FLAT, public=faces)
    return after.mean[0], found.mean[0]


FLAT = FaceModel(np.zeros(2), np.eye(2), 0.7 * np.eye(2))


@pytest.mark.parametrize(
    ("mean", "public"),
    [((0.6, 0.8), ((0.0, 1.0),)), ((-0.6, -0.8), ((0.0, 1.0),)), ((0.0, 1.0), ((0.0, 1.0), (0.62, 0.78)))],
    ids=["its own mean", "the mirror image of its mean", "a public face"],
)
def test_a_guess_that_is_accepted_opens_the_template(mean, public):
    after, _ = opened(0.6, mean=mean, public=public)
    np.testing.assert_allclose(after, [0.6, 0.0], atol=1e-3)


def test_a_template_that_accepts_no_guess_keeps_its_posterior():
    after, before = opened(0.6, mean=(0.0, 1.0))
    np.testing.assert_array_equal(after, before)


def test_templates_of_the_evidence_are_opened_by_public_faces():
    angles = np.linspace(0, np.pi, 40)
    public = Faces(np.column_stack([np.cos(angles), np.sin(angles)]))
    templates = tuple(np.float64(value).tobytes() for value in (0.5, 3.0))  # no face has the second value
    evidence = Evidence(Knowledge.ALGORITHM, templates, scheme=Locked(), public=public, shadow=Shadow(public, (), None))
    made = Posterior().prepare(evidence, np.random.default_rng(0)).per_template
    variance = np.diagonal(made["covariance"], axis1=1, axis2=2)
    assert (variance[0] < 1e-4).all()
    assert (variance[1] > 0.9).all()
