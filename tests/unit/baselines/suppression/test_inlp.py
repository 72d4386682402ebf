"""Iterative null-space projection, in numbers worked out by hand and properties from its paper."""

import numpy as np
import pytest
from mote_baselines.suppression.inlp import INLP
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from mote_bench.contracts import Faces, InputError
from mote_bench.testing import check_scheme
from mote_bench.toolkit import unit
from populations import gaussian_faces

SIDES = {"side": np.array(["a", "a", "b", "b"])}


@pytest.fixture(scope="module")
def faces():
    return gaussian_faces(1500, 1, dimension=24, seed=3)


def stored(scheme, faces):
    templates = scheme.enroll(faces, keys=None, seeds=range(len(faces)))
    return np.array([np.frombuffer(one, "<f4") for one in templates], dtype=np.float64)


def test_keeps_the_contract():
    assert [finding for finding in check_scheme(INLP) if not finding.ok] == []


def test_by_hand():
    """The class is the first coordinate's sign: its classifier looks at nothing else, and it is projected out."""
    x = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=float)
    scheme = INLP(rounds=1).fit(Faces(x, attributes=SIDES), seed=0)
    np.testing.assert_allclose(stored(scheme, x), x / np.sqrt(2) * [0, 1], atol=1e-6)


def test_a_linear_probe_is_at_chance_on_the_training_faces(faces):
    scheme = INLP(attributes=["gender"], rounds=6, share=0.5).fit(faces, seed=0)
    labels = faces.attributes["gender"]

    def right(rows):
        probe = LogisticRegression(class_weight="balanced").fit(rows, labels)
        return balanced_accuracy_score(labels, probe.predict(rows))

    assert right(unit(faces.embeddings - faces.embeddings.mean(axis=0))) > 0.95
    assert right(stored(scheme, faces.embeddings)) == pytest.approx(0.5, abs=0.05)


def test_the_projection_is_idempotent_and_removes_a_direction_in_each_round(faces):
    scheme = INLP(attributes=["gender"], rounds=3).fit(faces, seed=0)
    basis = scheme._removed
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-6)
    once = scheme._shown(faces.embeddings.astype(np.float64))
    np.testing.assert_allclose(scheme._shown(once), once, atol=1e-12)
    np.testing.assert_allclose(once @ basis, 0, atol=1e-6)


def test_rounds_end_where_the_share_is_removed(faces):
    assert INLP(rounds=50, share=0.25).fit(faces, seed=0)._removed.shape == (24, 6)


def test_hiding_needs_something_to_hide(faces):
    with pytest.raises(InputError, match="none with two classes"):
        INLP().fit(Faces(faces.embeddings), seed=0)
    with pytest.raises(InputError, match="no attribute height"):
        INLP(attributes=["height"]).fit(faces, seed=0)


@pytest.mark.parametrize("arguments", [{"rounds": 0}, {"share": 1}, {"share": 0}, {"penalty": 0}])
def test_impossible_parameters(arguments):
    with pytest.raises(ValueError, match="expected"):
        INLP(**arguments)
