"""Fuzzy vault: a small one by hand, the elements that it forgives, and the attacks of its papers."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from mote_baselines.cryptosystems.fuzzy_vault import FuzzyVault
from mote_baselines.cryptosystems.reed_solomon import prime_field
from mote_baselines.cryptosystems.related_vaults import differences

from mote_bench.contracts import Faces
from mote_bench.toolkit import stream, unit
from populations import gaussian_faces

FACE = np.array([[-1.0, 1.0, -1.0]])


def by_hand() -> FuzzyVault:
    """Three values, whose signs are the intervals, in GF(7): elements 0 to 5 at the places 1 to 6."""
    return FuzzyVault(coefficients=1, permuted=False).fit(Faces(np.vstack([FACE, -FACE])), seed=0)


def vaults(share: int, *, same: int, count: int = 5) -> tuple[FuzzyVault, list[bytes], list[bytes]]:
    """Vaults of 40 values with k coefficients, and of faces that have ``same`` of the intervals in common."""
    rng = np.random.default_rng(0)
    faces = rng.choice([-1.0, 1.0], (count, 40))
    other = faces.copy()
    other[:, same:] *= -1
    scheme = FuzzyVault(coefficients=share, permuted=False).fit(Faces(np.vstack([faces, -faces])), seed=0)
    first = scheme.enroll(unit(faces), keys=None, seeds=range(count))
    return scheme, first, scheme.enroll(unit(other), keys=None, seeds=range(100, 100 + count))


def test_a_template_by_hand() -> None:
    """Elements 0, 3, 4 lie at 1, 4, 5: x^3 + 4 x^2 + x + 1 modulo 7, plus the secret; three bits a coefficient."""
    [template] = by_hand().enroll(unit(FACE), keys=None, seeds=[3])
    secret = stream(3, "secret").integers(0, 7, 1)
    constant = int(1 + secret[0]) % 7
    assert np.unpackbits(np.frombuffer(template[:2], np.uint8)).tolist() == [
        *map(int, f"{constant:03b}"), 0, 0, 1, 1, 0, 0, *[0] * 7,
    ]  # fmt: skip
    assert template[2:] == hashlib.sha256(secret.astype("<u2").tobytes()).digest()


def test_one_wrong_element_is_forgiven_and_two_are_not() -> None:
    scheme = by_hand()
    templates = scheme.enroll(unit(FACE), keys=None, seeds=[3])
    shown = FACE * np.array([[1, 1, 1], [-1, 1, 1], [1, 1, -1], [-1, -1, 1]])
    assert scheme.score(templates, unit(shown), keys=None).tolist() == [[1, 1, 1, 0]]


def test_a_probe_is_accepted_from_half_of_elements_and_coefficients() -> None:
    """(t + k) / 2 of 40 elements, with k = 8, are 24."""
    for same, accepted in ((24, 1), (23, 0)):
        rng = np.random.default_rng(0)
        scheme, templates, _ = vaults(8, same=same)
        faces = rng.choice([-1.0, 1.0], (5, 40))
        faces[:, same:] *= -1
        assert np.diag(scheme.score(templates, unit(faces), keys=None)).tolist() == [accepted] * 5


def test_an_accepted_probe_gives_every_interval() -> None:
    faces = gaussian_faces(60, 2, dimension=32, spread=0.1)
    scheme = FuzzyVault(intervals=3, coefficients=12).fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:3], keys=None, seeds=[1, 2, 3])
    own, none, _ = scheme.unlock(templates, faces.embeddings[[0, 40, 2]], keys=None)
    assert none is None
    assert own is not None
    assert (own.normals @ faces.embeddings[0] > own.offsets).all()
    assert 32 < len(own.offsets) < 64  # the middle interval has two edges


def test_vaults_of_one_face_differ_by_their_secrets_and_permutations() -> None:
    faces = gaussian_faces(30, 2, dimension=32)
    scheme = FuzzyVault().fit(faces, seed=0)
    twice = scheme.enroll(faces.embeddings[[0, 0]], keys=None, seeds=[1, 2])
    one, two = (vault.polynomial for vault in scheme._read(twice))
    assert (one[10:-1] != two[10:-1]).mean() > 0.8
    plain = FuzzyVault(permuted=False).fit(faces, seed=0)
    one, two = (
        vault.polynomial for vault in plain._read(plain.enroll(faces.embeddings[[0, 0]], keys=None, seeds=[1, 2]))
    )
    assert np.array_equal(one[10:], two[10:])  # only the secret's coefficients differ
    assert scheme.key_bits == pytest.approx(10 * np.log2(67))


@pytest.mark.parametrize(("same", "related"), [(34, True), (32, True), (31, False)])
def test_related_vaults_show_by_what_they_differ(same: int, related: bool) -> None:
    """Merkle & Tams: sets that share (t + k) / 2 elements, 32 of 40 with k = 24, are related without being opened."""
    scheme, first, second = vaults(24, same=same)
    one, two = list(scheme._read(first)), list(scheme._read(second))
    assert all(scheme._list_decoded(vault) is None for vault in one)
    lacking, found = differences(
        np.array([vault.polynomial for vault in one]), two[0].polynomial, two[0].places, 24, prime_field(83)
    )
    assert found.tolist() == [related, False, False, False, False]
    if related:
        sets = [set(scheme._elements(unit(face[None]))[0].tolist()) for face in _faces_of_vaults(same)]
        assert set(np.flatnonzero(lacking[0]).tolist()) == sets[1] - sets[0]
    expected = same / 40 if related else 0
    np.testing.assert_allclose(scheme.link(first, second), expected * np.eye(5))


def _faces_of_vaults(same: int) -> tuple[np.ndarray, np.ndarray]:
    face = np.random.default_rng(0).choice([-1.0, 1.0], (5, 40))[0]
    return face, face * np.where(np.arange(40) < same, 1, -1)


@pytest.mark.parametrize(("coefficients", "opened"), [(9, True), (24, False)])
def test_few_coefficients_open_every_vault_without_a_face(coefficients: int, opened: bool) -> None:
    """Guruswami & Sudan: t^2 > N t (k - 1) is 40 > 2 (k - 1). Permutations are public and don't help."""
    faces = gaussian_faces(300, 1, dimension=40)
    scheme = FuzzyVault(coefficients=coefficients).fit(faces.rows(np.arange(8, 300)), seed=0)
    attacked, public = faces.rows(np.arange(8)), faces.rows(np.arange(8, 300))
    templates = scheme.enroll(attacked.embeddings, keys=None, seeds=range(8))
    found = scheme.solve(templates, keys=None, prior=public.embeddings, rng=np.random.default_rng(0))
    released = np.diag(scheme.score(templates, unit(found).astype(np.float32), keys=None))
    assert bool(released.mean() > 0.9) is opened
    again = scheme.enroll(attacked.embeddings, keys=None, seeds=range(50, 58))
    similar = scheme.link(templates, again)
    assert bool((np.diag(similar) == 1).all()) is opened
    said = list(scheme.likelihood(templates, keys=None))
    assert [len(one.offsets) for one in said] == [40 if opened else 1] * 8


def test_a_false_match_opens_a_vault_that_list_decoding_does_not() -> None:
    faces = gaussian_faces(60, 1, dimension=40)
    scheme = FuzzyVault(coefficients=24).fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:1], keys=None, seeds=[1])
    with_own = scheme.solve_without_keys(templates, prior=faces, rng=np.random.default_rng(0))
    assert scheme.score(templates, unit(with_own).astype(np.float32), keys=None).tolist() == [[1]]


def test_parameters_out_of_range_are_refused() -> None:
    faces = gaussian_faces(5, 2, dimension=8)
    with pytest.raises(ValueError, match="intervals=1 of 8 dimensions; expected two or more"):
        FuzzyVault(intervals=1).fit(faces, seed=0)
    with pytest.raises(ValueError, match=r"intervals=1025 of 8 dimensions; expected .* at most 8,192 in all"):
        FuzzyVault(intervals=1025).fit(faces, seed=0)
    with pytest.raises(ValueError, match="coefficients=8; expected 1 to 7"):
        FuzzyVault(coefficients=8).fit(faces, seed=0)
    scheme = FuzzyVault().fit(faces, seed=0)
    with pytest.raises(ValueError, match="template 0 has 3 bytes; expected 53 "):
        scheme.score([b"abc"], faces.embeddings, keys=None)
