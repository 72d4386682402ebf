"""deepface's templates by LightPHE: its own arithmetic gives our scores, and equal ciphertexts show the zeros."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

from mote_bench.contracts import Faces, InputError
from mote_bench.toolkit import unit
from populations import gaussian_faces

lightphe = pytest.importorskip("lightphe")

from lightphe.models.Tensor import EncryptedTensor, Fraction  # noqa: E402
from mote_baselines.encrypted import lightphe_paillier  # noqa: E402
from mote_baselines.encrypted.lightphe_paillier import LightPHEPaillier, PaillierEnroller  # noqa: E402


@pytest.fixture(scope="module")
def faces() -> Faces:
    return gaussian_faces(20, 2, dimension=6, seed=3)


@pytest.fixture(scope="module")
def scheme(faces) -> LightPHEPaillier:
    return LightPHEPaillier(key_bits=256).fit(faces, seed=1)


def test_scores_are_what_lightphes_own_encrypted_products_decrypt_to(scheme, faces) -> None:
    templates = scheme.enroll(faces.embeddings[:1], keys=None, seeds=[0])
    divisor, *values = scheme.public().numbers(0, templates[0])
    keys = {"public_key": scheme.public().public_key, "private_key": {"phi": scheme._phi}}
    system = lightphe.LightPHE("Paillier", keys=keys, precision=19)
    stored = EncryptedTensor([Fraction(one, one, divisor, 1) for one in values], system.cs, precision=19)
    shown = scheme.public().normalised(faces.embeddings[:3])
    theirs = [system.decrypt(stored @ row.tolist())[0] for row in shown]
    np.testing.assert_allclose(scheme.score(templates, faces.embeddings[:3], keys=None)[0], theirs, atol=1e-6)
    assert theirs[0] == pytest.approx(1)


def test_the_secret_key_gives_the_embeddings_back_and_the_public_part_does_not_score(scheme, faces) -> None:
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=[0, 1])
    assert {len(one) for one in templates} == {7 * 64}
    np.testing.assert_allclose(scheme.reconstruct(templates, keys=None), faces.embeddings[:2], atol=1e-5)
    assert not hasattr(scheme.public(), "score")


def test_more_templates_than_are_remembered_are_decrypted_too(faces, monkeypatch) -> None:
    monkeypatch.setattr(lightphe_paillier, "_REMEMBERED", 2 * 6 * 8)
    scheme = LightPHEPaillier(key_bits=256).fit(faces, seed=1)
    templates = scheme.enroll(faces.embeddings[:3], keys=None, seeds=range(3))
    scores = scheme.score(templates, faces.embeddings[:3], keys=None)
    np.testing.assert_allclose(np.diag(scores), 1, atol=1e-6)
    assert len(scheme._opened) == 2


def test_normalising_by_hand() -> None:
    """(0.6, -0.8) in the range -0.6 to 1: -0.8 is cut off to -0.6, so the values are 1.2 / 1.6 and 0."""
    enroller = PaillierEnroller(1, 256, 19, 2, (-0.6, 1.0))
    assert enroller.normalised(np.array([[0.6, -0.8]])).tolist() == [[1.0, 0.0]]


def test_equal_ciphertexts_show_which_values_are_zero_without_any_key(faces) -> None:
    scheme = LightPHEPaillier(key_bits=256).fit(Faces(np.abs(faces.embeddings)), seed=1)
    face = unit(np.array([[-0.5, -0.4, 0.5, 0.3, 0.4, 0.5]]))
    zero = scheme.public().normalised(face)[0] == 0
    assert zero.sum() == 2
    templates = scheme.enroll(face, keys=None, seeds=[3])
    assert scheme.public().readings(templates)[0][:, 0].tolist() == zero.astype(float).tolist()


def test_equal_seeds_give_equal_templates_and_the_global_generator_is_left_as_it_was(scheme, faces) -> None:
    before = random.getstate()
    first, again = (scheme.enroll(faces.embeddings[:1], keys=None, seeds=[5]) for _ in range(2))
    assert first == again
    assert first != scheme.enroll(faces.embeddings[:1], keys=None, seeds=[6])
    assert random.getstate() == before


@pytest.mark.parametrize("template", [b"", bytes(7 * 64), b"\xff" * 7 * 64, b"a" * 100])
def test_other_bytes_are_refused_by_row(scheme, faces, template) -> None:
    with pytest.raises(ValueError, match=r"template 0 is .* bytes; expected 7 ciphertexts of 64 bytes"):
        scheme.score([template], faces.embeddings[:1], keys=None)


def test_another_systems_template_is_refused(scheme, faces) -> None:
    other = LightPHEPaillier(key_bits=256).fit(faces, seed=2).enroll(faces.embeddings[:1], keys=None, seeds=[0])
    with pytest.raises(ValueError, match="template 0 is"):
        scheme.score(other, faces.embeddings[:1], keys=None)


@pytest.mark.parametrize(("more", "said"), [({"key_bits": 100}, "key_bits=100"), ({"precision": 300}, "precision=300")])
def test_parameters_without_room_are_refused(more, said) -> None:
    with pytest.raises(ValueError, match=said):
        LightPHEPaillier(**more)


def test_without_lightphe_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "lightphe", None)
    with pytest.raises(InputError, match=r"pip install 'mote-bench\[phe\]'"):
        LightPHEPaillier()
