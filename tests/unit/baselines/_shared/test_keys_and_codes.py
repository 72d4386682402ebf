"""Keys become generators, numbers become packed codes, and directions start at the mean face."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_baselines._shared.centring import directions, start, torch_directions
from mote_baselines._shared.keys import Expansions, rng_of, rows_of_each, size_of_all
from mote_baselines._shared.packed_integers import (
    pack_codes,
    read_codes,
    set_bits,
    share_equal,
    times_first_largest,
)

from mote_bench.contracts import Faces


def test_a_generator_depends_on_key_and_names_alone():
    draws = [rng_of(key, *names).random() for key in (b"one", b"two") for names in ((), ("a",), ("a", 1), ("a1",))]
    assert len(set(draws)) == 8
    assert draws == [rng_of(k, *n).random() for k in (b"one", b"two") for n in ((), ("a",), ("a", 1), ("a1",))]
    assert rng_of(b"one").random() == np.random.default_rng(np.frombuffer(b"one", dtype=np.uint8)).random()


def test_rows_of_each_key():
    rows = rows_of_each([b"b", b"a", b"b"], 3)
    assert {key: members.tolist() for key, members in rows.items()} == {b"b": [0, 2], b"a": [1]}
    assert list(rows) == [b"b", b"a"]
    for keys in (None, [b"a"], [b"a"] * 4):
        with pytest.raises(ValueError, match="keys for 3 templates"):
            rows_of_each(keys, 3)


def test_expansions_are_made_once_while_they_fit():
    made = []

    def get(kept, name, numbers=1):
        def make():
            made.append(name)
            return np.full(numbers, name), np.zeros(1)

        return kept.get(name, make)

    kept = Expansions(10 * 16, size_of_all)
    for name in (3, 1, 3, 2, 1, 3):
        assert get(kept, name)[0].tolist() == [name]
    assert made == [3, 1, 2]
    assert kept.bytes == 3 * 16
    with pytest.raises(ValueError, match="read-only"):
        get(kept, 3)[0][0] = 7
    get(kept, 99, numbers=1000)
    assert len(kept) == 3


def test_codes_by_hand():
    """16 levels take 4 bits, two codes a byte: 3, 12, 5 are 0011 1100 0101, then four zeros of padding."""
    assert pack_codes(np.array([[3, 12, 5]]), 16) == [bytes([0b00111100, 0b01010000])]
    assert pack_codes(np.array([[1, 0, 1]]), 2) == [bytes([0b10100000])]
    assert pack_codes(np.array([[4, 2]]), 5) == [bytes([0b10001000])]
    np.testing.assert_array_equal(read_codes([bytes([0b00111100, 0b01010000])], 3, 16), [[3, 12, 5]])


def test_share_of_equal_codes_by_hand():
    """3, 12, 5 against 3, 13, 5: two of three, though 12 and 13 differ in one bit alone."""
    shares = share_equal(np.array([[3, 12, 5]]), np.array([[3, 13, 5], [0, 0, 0], [3, 12, 5]]), 16)
    np.testing.assert_allclose(shares, [[2 / 3, 0, 1]], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 300), st.integers(1, 150), st.integers(0, 2**32 - 1))
def test_codes_come_back_and_compare_as_numbers(levels, count, seed):
    codes = np.random.default_rng(seed).integers(0, levels, (5, count))
    templates = pack_codes(codes, levels)
    assert {len(template) for template in templates} == {-(-count * (levels - 1).bit_length() // 8)}
    np.testing.assert_array_equal(read_codes(templates, count, levels), codes)
    for some in (codes[:2], codes):  # few are compared as they are, more bit by bit
        plain = 1 - np.count_nonzero(some[:, None] != codes[None], axis=2) / count
        np.testing.assert_array_equal(share_equal(some, codes, levels), plain.astype(np.float32))


@given(st.integers(1, 5), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_set_bits_are_counted(rows, columns, seed):
    flags = np.random.default_rng(seed).random((rows, columns)) < 0.3
    np.testing.assert_array_equal(set_bits(flags), np.count_nonzero(flags, axis=1))


@given(st.integers(2, 9), st.integers(1, 6), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_the_first_of_equally_large_values_counts(levels, count, columns, seed):
    """As ``argmax`` counts, with many ties."""
    rng = np.random.default_rng(seed)
    values, named = rng.integers(0, 3, (levels, count, columns)).astype(np.float32), rng.integers(0, levels, count)
    plain = (values.argmax(axis=0) == named[:, None]).sum(axis=0)
    np.testing.assert_array_equal(times_first_largest(values, named.astype(np.uint16)), plain)
    np.testing.assert_array_equal(times_first_largest(np.asfortranarray(values), named.astype(np.uint8)), plain)


@pytest.mark.parametrize(
    ("garbage", "message"), [(b"", "0 bytes"), (b"abc", "3 bytes"), (b"\x00\x01", "padding"), (b"\xf0\x00", "code 7")]
)
def test_garbage_codes_are_refused(garbage, message):
    with pytest.raises(ValueError, match=message):
        read_codes([b"\x00\x00", garbage], 5, 5)


def test_directions_from_the_mean_face():
    """The mean of (1, 0) and (0, 1) is (0.5, 0.5); seen from there (1, 0) lies along (1, -1)."""
    background = Faces(np.eye(2))
    origin = start(background, centre=True)
    np.testing.assert_allclose(origin, [0.5, 0.5])
    np.testing.assert_allclose(directions(np.array([[3.0, 0.0]]), origin), [[0.5**0.5, -(0.5**0.5)]], rtol=1e-6)
    np.testing.assert_array_equal(start(background, centre=False), [0, 0])
    probes = torch.tensor([[[3.0, 0.0], [1.0, 5.0]]])
    expected = directions(probes[0].numpy(), origin)
    np.testing.assert_allclose(torch_directions(probes, origin)[0].numpy(), expected, rtol=1e-5)
