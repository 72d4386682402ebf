"""Low-density parity-check codes and the commitment with one: a code by hand, what it corrects, what gives it away."""

from __future__ import annotations

import numpy as np
import pytest
from mote_baselines.cryptosystems.fuzzy_commitment_ldpc import FuzzyCommitmentLDPC
from mote_baselines.cryptosystems.ldpc import LDPC, _answers

from mote_bench.testing import check_scheme
from populations import gaussian_faces


def test_keeps_the_contract() -> None:
    assert [finding for finding in check_scheme(FuzzyCommitmentLDPC) if not finding.ok] == []


def test_what_a_check_says_by_hand() -> None:
    """Of 2, -3 and 5: the sign by which the other two are even, three quarters of the smaller of them."""
    said = _answers(np.array([2.0, -3.0, 5.0], dtype=np.float32).reshape(3, 1, 1))
    assert said.ravel().tolist() == [-0.75 * 3, 0.75 * 2, -0.75 * 2]


@pytest.mark.parametrize(("length", "column", "row"), [(128, 3, 4), (12, 2, 3), (120, 3, 6)])
def test_every_bit_stands_in_as_many_checks(length: int, column: int, row: int) -> None:
    code = LDPC(length, column, row, rounds=5)
    assert code.checks.shape == (length * column // row, row)
    assert np.bincount(code.checks.ravel()).tolist() == [column] * length
    # Every layer adds up to the sum of all bits, so column - 1 checks or more say nothing new.
    assert code.key_bits >= length - length * column // row + column - 1


def test_codewords_fulfil_all_checks_and_are_as_many_as_keys() -> None:
    code = LDPC(12, 2, 3, rounds=5)
    keys = np.array(list(np.ndindex(*(2,) * code.key_bits)), dtype=np.uint8)
    words = code.encoded(keys)
    assert not np.bitwise_xor.reduce(words[:, code.checks], axis=2).any()
    assert len(np.unique(words, axis=0)) == 2**code.key_bits
    found, right = code.decoded(1 - 2 * words.astype(np.int8))
    assert right.all()
    np.testing.assert_array_equal(found, words)


def test_unsure_bits_are_corrected_where_sure_ones_are_not() -> None:
    """20 of 128 bits are wrong: more than hard decisions correct, fewer than is corrected if these have few votes."""
    code, rng = LDPC(128, 3, 4, rounds=20), np.random.default_rng(0)
    words = code.encoded(rng.integers(0, 2, (300, code.key_bits), dtype=np.uint8))
    wrong = rng.random((300, 128)).argsort(axis=1) < 20
    signs = (1 - 2 * words.astype(np.int8)) * np.where(wrong, -1, 1)
    sure = code.decoded(signs * 7)
    unsure = code.decoded(signs * np.where(wrong, 1, 5))
    shares = [float(((word == words).all(axis=1) & found).mean()) for word, found in (sure, unsure)]
    assert shares[0] < 0.6
    assert shares[1] > 0.95


def test_words_of_chance_are_not_decoded() -> None:
    _, found = LDPC(128, 3, 4, rounds=10).decoded(np.random.default_rng(0).standard_normal((2000, 128)))
    assert found.mean() < 0.01


def test_a_word_is_decoded_alone_as_with_others() -> None:
    code = LDPC(128, 3, 4, rounds=10)
    votes = np.random.default_rng(0).integers(-3, 8, (50, 128))
    words, found = code.decoded(votes)
    alone = [code.decoded(one[None]) for one in votes]
    np.testing.assert_array_equal(words, np.vstack([word for word, _ in alone]))
    np.testing.assert_array_equal(found, np.concatenate([one for _, one in alone]))
    assert 0 < found.mean() < 1


def test_repetitions_give_the_face_away() -> None:
    """As with a BCH code: the helper data say which repetitions agree."""
    faces = gaussian_faces(300, 1, dimension=32)
    scheme = FuzzyCommitmentLDPC().fit(faces, seed=0)
    attacked, public = faces.rows(np.arange(6)), faces.rows(np.arange(6, 300))
    templates = scheme.enroll(attacked.embeddings, keys=None, seeds=range(6))
    found = scheme.solve(templates, keys=None, prior=public.embeddings, rng=np.random.default_rng(0))
    released = np.diag(scheme.score(templates, found.astype(np.float32), keys=None))
    assert released.mean() > 0.8


def test_commitments_to_one_face_are_linked() -> None:
    faces = gaussian_faces(20, 2, dimension=32)
    scheme = FuzzyCommitmentLDPC().fit(faces, seed=0)
    first, second = (scheme.enroll(faces.embeddings[:8], keys=None, seeds=range(k, k + 8)) for k in (0, 8))
    near = scheme.link(first, second)
    assert (near.argmax(axis=1) == np.arange(8)).all()
    assert (np.diag(near) > 1).all()


def test_key_bits_and_refusals() -> None:
    assert FuzzyCommitmentLDPC().key_bits == 34
    with pytest.raises(ValueError, match="a code of length 127 with 3 checks per bit"):
        FuzzyCommitmentLDPC(length=127).fit(gaussian_faces(5, 2, dimension=8), seed=0)
