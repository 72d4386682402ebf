"""Fuzzy commitment: a small one by hand, the errors that it forgives, and what its helper data say."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from mote_baselines.cryptosystems.bch import bch
from mote_baselines.cryptosystems.fuzzy_commitment import FuzzyCommitment

from mote_bench.contracts import Faces
from mote_bench.toolkit import unit
from populations import gaussian_faces


def by_hand(repeat: int = 1) -> FuzzyCommitment:
    """Of 7 dimensions, whose own signs are the bits, seen from the origin; repeated where there are repetitions."""
    scheme = FuzzyCommitment(length=7, errors=1, repeat=repeat, centre=False)
    scheme.fit(Faces(np.eye(7)), seed=0)
    scheme._projections = np.tile(np.eye(7, dtype=np.float32), repeat)
    return scheme


FACE = np.array([[1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]])
BITS = np.array([1, 0, 1, 1, 0, 0, 1], dtype=np.uint8)


def test_a_template_by_hand() -> None:
    [template] = by_hand().enroll(unit(FACE), keys=None, seeds=[3])
    codeword = np.unpackbits(np.frombuffer(template[:1], np.uint8))[:7] ^ BITS
    codewords = {tuple(word) for word in bch(7, 1).encoded(np.array(list(np.ndindex(2, 2, 2, 2)), dtype=np.uint8))}
    assert tuple(codeword) in codewords
    assert template[1:] == hashlib.sha256(np.packbits(codeword).tobytes()).digest()


def test_one_wrong_bit_is_forgiven_and_two_are_not() -> None:
    scheme = by_hand()
    templates = scheme.enroll(unit(FACE), keys=None, seeds=[3])
    turned = [FACE * np.where(np.isin(np.arange(7), places), -1, 1) for places in ([], [2], [5], [2, 5])]
    assert scheme.score(templates, unit(np.vstack(turned)), keys=None).tolist() == [[1, 1, 1, 0]]


def test_a_majority_of_repetitions_decides() -> None:
    scheme = by_hand(repeat=3)
    templates = scheme.enroll(unit(FACE), keys=None, seeds=[3])
    minority, majority = np.ones((2, 21))
    minority[7:14], majority[:14] = -1, -1  # all bits of one repetition, of two
    answers = []
    for signs in (minority, majority):
        scheme._projections = np.tile(np.eye(7, dtype=np.float32), 3) * signs.astype(np.float32)
        answers.append(float(scheme.score(templates, unit(FACE), keys=None)[0, 0]))
    assert answers == [1, 0]


def test_helper_data_of_one_face_differ_by_a_codeword() -> None:
    """Juels & Wattenberg: the commitment hides which codeword it is, and nothing but that."""
    faces = gaussian_faces(30, 2, dimension=32)
    scheme = FuzzyCommitment(length=63, errors=11, repeat=1).fit(faces, seed=0)
    twice = scheme.enroll(faces.embeddings[[0, 0]], keys=None, seeds=[1, 2])
    first, second = (np.unpackbits(np.frombuffer(one[:8], np.uint8))[:63] for one in twice)
    assert twice[0] != twice[1]
    word = (first ^ second)[None]
    assert np.array_equal(bch(63, 11).encoded(word[:, :16]), word)


def test_an_accepted_probe_opens_every_bit() -> None:
    faces = gaussian_faces(40, 2, dimension=32)
    scheme = FuzzyCommitment(length=63, errors=11, repeat=3).fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:3], keys=None, seeds=[1, 2, 3])
    shown = faces.embeddings[[0, 40, 2]]
    own, none, _ = scheme.unlock(templates, shown, keys=None)
    assert none is None
    assert own is not None
    assert own.normals.shape == (189, 32)
    assert (own.normals @ faces.embeddings[0] > own.offsets).all()


def test_helper_data_do_not_tell_a_face_from_its_mirror_image() -> None:
    faces = gaussian_faces(40, 2, dimension=32)
    scheme = FuzzyCommitment(length=63, errors=11, repeat=3, centre=False).fit(faces, seed=0)
    [said] = scheme.likelihood(scheme.enroll(faces.embeddings[:1], keys=None, seeds=[1]), keys=None)
    shown = torch.from_numpy(np.vstack([faces.embeddings[0], -faces.embeddings[0], faces.embeddings[9]]))
    own, mirrored, other = said.log_likelihood(shown, 0.3).tolist()
    assert own == pytest.approx(mirrored, rel=1e-4)
    assert own > other + 5


def test_an_even_number_of_repetitions_is_refused() -> None:
    with pytest.raises(ValueError, match="repeat=4; expected an odd number"):
        FuzzyCommitment(repeat=4).fit(gaussian_faces(5, 2, dimension=8), seed=0)
    with pytest.raises(ValueError, match="a code of length 100"):
        FuzzyCommitment(length=100).fit(gaussian_faces(5, 2, dimension=8), seed=0)


def test_key_bits_follow_from_length_and_errors() -> None:
    assert FuzzyCommitment().key_bits == 36
    assert FuzzyCommitment(length=255, errors=43).key_bits == 45


@pytest.mark.parametrize(("repeat", "opened"), [(7, True), (1, False)])
def test_repetitions_give_the_face_away(repeat: int, opened: bool) -> None:
    """The helper data say which repetitions agree; without repetitions, the checks of the code alone are too little."""
    faces = gaussian_faces(300, 1, dimension=32)
    scheme = FuzzyCommitment(length=63, errors=11, repeat=repeat).fit(faces, seed=0)
    attacked, public = faces.rows(np.arange(8)), faces.rows(np.arange(8, 300))
    templates = scheme.enroll(attacked.embeddings, keys=None, seeds=range(8))
    found = scheme.solve(templates, keys=None, prior=public.embeddings, rng=np.random.default_rng(0))
    released = np.diag(scheme.score(templates, found.astype(np.float32), keys=None))
    assert bool(released.mean() > 0.9) is opened
