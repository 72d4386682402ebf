"""CipherFace's templates: TenSEAL reads them, scores are its distances, and the key gives the embeddings back."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import tenseal
from mote_baselines.encrypted import tenseal_vector
from mote_baselines.encrypted.cipherface import CipherFace, CipherFaceEnroller, Slots
from mote_baselines.encrypted.min_max import mapped_back

from mote_bench.contracts import Faces
from mote_bench.toolkit import unit
from populations import gaussian_faces

DISTANCES = ("cosine", "euclidean")


@pytest.fixture(scope="module")
def faces() -> Faces:
    return gaussian_faces(20, 2, dimension=24, seed=3)


@pytest.fixture(scope="module", params=DISTANCES)
def scheme(request, faces) -> CipherFace:
    return CipherFace(distance=request.param).fit(faces, seed=1)


@pytest.fixture(scope="module")
def context():
    """A context as CipherFace makes it, with a key of its own."""
    made = tenseal.context(tenseal.SCHEME_TYPE.CKKS, poly_modulus_degree=2**13, coeff_mod_bit_sizes=[60, 40, 40, 60])
    made.global_scale = 2**40
    return made


def test_a_template_has_the_length_and_the_parameters_of_tenseals_own(scheme, faces, context) -> None:
    [template] = scheme.enroll(faces.embeddings[:1], keys=None, seeds=[0])
    message = base64.b64decode(template)
    vector = tenseal.ckks_vector_from(context, message)  # raises on other parameters
    assert vector.size() == 24
    assert vector.serialize() == message
    own = tenseal.ckks_vector(context, faces.embeddings[0].tolist()).serialize()
    assert len(message) == pytest.approx(len(own), rel=0.01)
    assert tenseal_vector.wrapped(tenseal_vector.unwrapped(own), 24, 2.0**40) == own


def test_scores_are_the_distances_that_cipherface_computes(scheme, faces) -> None:
    """Its own formulas on what it encrypts: 1 - (1 - dot), and the sum of squared differences."""
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=[0, 1])
    found = scheme.score(templates, faces.embeddings[:5], keys=None)
    vectors = unit(faces.embeddings.astype(np.float64))
    if scheme._distance == "cosine":
        low, high = faces.embeddings.min(), faces.embeddings.max()
        mapped = unit((vectors - low) / (high - low))
        expected = mapped[:2] @ mapped[:5].T
    else:
        expected = -((vectors[:2, None] - vectors[None, :5]) ** 2).sum(axis=2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_secret_key_gives_the_embeddings_back(scheme, faces) -> None:
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=[0, 1])
    np.testing.assert_allclose(scheme.reconstruct(templates, keys=None), faces.embeddings[:2], atol=1e-4)
    assert not hasattr(scheme.public(), "score")


def test_mapping_back_by_hand() -> None:
    """(0.6, 0.8) in the range 0 to 1 stays; in the range -1 to 1 it is mapped to (0.8, 0.9), then scaled."""
    for ends in ((0.0, 1.0), (-1.0, 1.0)):
        enroller = CipherFaceEnroller(Slots(8192), b"", 2, ends)
        mapped = enroller.normalised(np.array([[0.6, 0.8]]))
        expected = unit(np.array([[0.6, 0.8]] if ends[0] == 0 else [[0.8, 0.9]]))
        np.testing.assert_allclose(mapped, expected)
        np.testing.assert_allclose(mapped_back(mapped, enroller.low), [[0.6, 0.8]])


@pytest.mark.parametrize("template", [b"", b"?", b"AAAA", base64.b64encode(b"\x0a\x01\x02\x12\x7f")])
def test_other_bytes_are_refused_by_row(scheme, faces, template) -> None:
    with pytest.raises(ValueError, match=r"template 0 is .*; expected a template of CipherFace"):
        scheme.score([template], faces.embeddings[:1], keys=None)


def test_another_distance_is_refused() -> None:
    with pytest.raises(ValueError, match="distance='manhattan'; expected 'cosine' or 'euclidean'"):
        CipherFace(distance="manhattan")
