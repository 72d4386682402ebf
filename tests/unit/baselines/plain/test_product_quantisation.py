"""Product quantisation, in numbers worked out by hand and properties from its paper."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_baselines.plain.product_quantisation import ProductQuantisation, k_means, nearest

from mote_bench.contracts import Faces
from mote_bench.testing import check_scheme
from populations import gaussian_faces


@pytest.fixture(scope="module")
def faces():
    return gaussian_faces(800, 1, dimension=30, seed=4)


def test_keeps_the_contract():
    assert [finding for finding in check_scheme(ProductQuantisation) if not finding.ok] == []


def test_by_hand():
    """Centroids (1, 0) and (0, 1) in both halves; (.1, .7 | .7, .1) has codes 1 and 0, and is .2 off, squared."""
    scheme = ProductQuantisation(length=2).fit(Faces(np.eye(4)), seed=0)
    scheme._centroids = [np.eye(2, dtype=np.float32)] * 2
    face = np.array([[0.1, 0.7, 0.7, 0.1]])
    templates = scheme.enroll(face, keys=None, seeds=[0])
    assert templates == [bytes([0b10000000])]
    np.testing.assert_allclose(scheme.score(templates, face, keys=None), [[0.9]], rtol=1e-6)
    np.testing.assert_allclose(scheme.reconstruct(templates, keys=None), [[0, 0.5**0.5, 0.5**0.5, 0]], rtol=1e-6)


def test_a_byte_for_each_sub_vector(faces):
    scheme = ProductQuantisation(length=4, codes=200).fit(faces, seed=0)
    assert [len(part) for part in scheme._parts] == [5, 5, 4, 4, 4, 4, 4]  # 30 coordinates
    [template] = scheme.enroll(faces.embeddings[:1], keys=None, seeds=[0])
    assert len(template) == 7
    assert {len(own) for own in scheme._centroids} == {200}


def test_a_distance_is_wrong_by_the_quantisation_error_at_most(faces):
    """The triangle inequality of section III-C: |d(x, y) - d(x, q(y))| <= d(y, q(y))."""
    scheme = ProductQuantisation(codes=16).fit(faces, seed=0)
    stored, shown = faces.embeddings[:40], faces.embeddings[40:120]
    scores = scheme.score(scheme.enroll(stored, keys=None, seeds=range(40)), shown, keys=None)
    centroids = scheme._values(scheme._nearest(stored))
    exact = np.linalg.norm(stored[:, None] - shown, axis=2)
    error = np.linalg.norm(stored - centroids, axis=1)
    assert (np.abs(np.sqrt(2 - 2 * scores) - exact) <= error[:, None] + 1e-5).all()


def test_more_codes_are_nearer_to_the_face(faces):
    errors = []
    for codes in (2, 8, 32):
        scheme = ProductQuantisation(codes=codes).fit(faces, seed=0)
        errors.append(np.linalg.norm(faces.embeddings - scheme._values(scheme._nearest(faces.embeddings)), axis=1))
    assert errors[0].mean() > errors[1].mean() > errors[2].mean()


def test_the_spread_is_the_error_of_faces_that_it_was_not_fitted_on(faces):
    scheme = ProductQuantisation(codes=64).fit(faces, seed=0)
    others = gaussian_faces(800, 1, dimension=30, seed=5).embeddings
    [first, *_] = scheme.likelihood(scheme.enroll(others[:2], keys=None, seeds=range(2)), keys=None)
    error = others - scheme._values(scheme._nearest(others))
    assert first.spread == pytest.approx(np.sqrt((error**2).mean()), rel=0.1)
    np.testing.assert_array_equal(first.values, scheme._values(scheme._nearest(others[:1]))[0])


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_k_means_by_its_own_conditions(n, k, seed):
    """More rounds never leave the rows further from their centroids; each centroid of a cell is its mean in the end."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 3)).astype(np.float32)

    def left(rounds):
        found = k_means(rows, k, rounds, np.random.default_rng(seed))
        return found, float(((rows - found[nearest(rows, found)]) ** 2).sum())

    errors = [left(rounds)[1] for rounds in (1, 2, 4, 8)]
    assert all(later <= earlier + 1e-4 for earlier, later in pairwise(errors))
    centroids, _ = left(200)
    cells = nearest(rows, centroids)
    for cell in np.unique(cells):
        np.testing.assert_allclose(centroids[cell], rows[cells == cell].mean(axis=0), atol=1e-4)


@pytest.mark.parametrize("arguments", [{"length": 0}, {"codes": 1}, {"codes": 65537}, {"rounds": 0}])
def test_impossible_parameters(arguments):
    with pytest.raises(ValueError, match="expected"):
        ProductQuantisation(**arguments)


def test_garbage_is_refused(faces):
    scheme = ProductQuantisation(codes=16).fit(faces, seed=0)
    with pytest.raises(ValueError, match="expected"):
        scheme.score([b"x"], faces.embeddings[:2], keys=None)
