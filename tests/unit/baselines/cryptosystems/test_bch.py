"""BCH codes: dimensions of the tables, every word of a small code by brute force, and errors that are corrected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mote_baselines.cryptosystems.bch import BCH, bch


@pytest.mark.parametrize(
    ("length", "errors", "key_bits"),
    [(7, 1, 4), (15, 2, 7), (15, 3, 5), (31, 3, 16), (63, 10, 18), (63, 11, 16), (127, 15, 36), (255, 43, 45)],
)
def test_dimensions_are_those_of_the_tables(length: int, errors: int, key_bits: int) -> None:
    """Lin & Costello, Error Control Coding, appendix C."""
    assert bch(length, errors).key_bits == key_bits


def test_the_generator_of_the_textbook_is_a_codeword() -> None:
    """Of the (15, 7) code it is 1 + x^4 + x^6 + x^7 + x^8."""
    word = np.zeros((1, 15), dtype=np.uint8)
    word[0, [0, 4, 6, 7, 8]] = 1
    code = bch(15, 2)
    assert np.array_equal(code.encoded(word[:, : code.key_bits]), word)
    decoded, found = code.decoded(word)
    assert found.all()
    assert np.array_equal(decoded, word)


def test_every_word_of_a_small_code_is_decoded_as_by_brute_force() -> None:
    code = bch(15, 3)
    keys = (np.arange(2**5)[:, None] >> np.arange(5) & 1).astype(np.uint8)
    codewords = code.encoded(keys)
    words = (np.arange(2**15)[:, None] >> np.arange(15) & 1).astype(np.uint8)
    distances = (words[:, None] != codewords).sum(axis=2)
    decoded, found = code.decoded(words)
    assert np.array_equal(found, distances.min(axis=1) <= 3)
    assert np.array_equal(decoded[found], codewords[distances.argmin(axis=1)][found])
    assert np.array_equal(decoded[~found], words[~found])


@given(st.sampled_from([(31, 3), (63, 11), (127, 15)]), st.integers(0, 2**32))
def test_so_many_errors_are_corrected_and_the_key_comes_first(sizes: tuple[int, int], seed: int) -> None:
    length, errors = sizes
    code, rng = bch(length, errors), np.random.default_rng(seed)
    keys = rng.integers(0, 2, (8, code.key_bits), dtype=np.uint8)
    codewords = code.encoded(keys)
    assert np.array_equal(codewords[:, : code.key_bits], keys)
    words = codewords.copy()
    for word in words:
        word[rng.permutation(length)[: rng.integers(0, errors + 1)]] ^= 1
    decoded, found = code.decoded(words)
    assert found.all()
    assert np.array_equal(decoded, codewords)


@pytest.mark.parametrize(
    ("length", "errors", "said"),
    [(64, 3, "expected one of 7, 15"), (15, 0, "0 errors"), (15, 8, "8 errors corrected in 15")],
)
def test_codes_that_do_not_exist_are_refused(length: int, errors: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BCH(length, errors)
