"""Reed-Solomon codes over a prime field: arithmetic by hand, and every word of a small code by brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from mote_baselines.cryptosystems.list_decoding import list_decoded, multiplicity
from mote_baselines.cryptosystems.reed_solomon import prime_above, prime_field, shortest_recurrences, wrong_places


def polynomials(size: int, free: int) -> np.ndarray:
    return np.array(list(product(range(size), repeat=free)))


def test_arithmetic_by_hand() -> None:
    """Modulo 7: (x - 1)(x - 4)(x - 5) = x^3 - 10 x^2 + 29 x - 20, and x^2 + 2 x + 3 takes 6, 4, 4 at 1, 2, 3."""
    field = prime_field(7)
    assert field.with_roots(np.array([[1, 4, 5]])).tolist() == [[1, 1, 4, 1]]
    assert field.values(np.array([[3, 2, 1]]), np.array([1, 2, 3])).tolist() == [[6, 4, 4]]
    assert field.through(np.array([1, 2, 3]), np.array([6, 4, 4])).tolist() == [3, 2, 1]
    assert field.exp.tolist() == [1, 3, 2, 6, 4, 5]
    assert field.inverse.tolist() == [0, 1, 4, 5, 2, 3, 6]
    assert [prime_above(number) for number in (6, 7, 384, 1024)] == [7, 11, 389, 1031]


def test_a_field_whose_size_is_no_prime_is_refused() -> None:
    with pytest.raises(ValueError, match="a field of 2 elements; expected a prime above 2"):
        prime_field(2)


def test_the_fibonacci_numbers_recur() -> None:
    """S_j = S_(j-1) + S_(j-2), modulo 11."""
    series = np.array([[1.0], [1], [2], [3], [5], [8]])
    connections, lengths = shortest_recurrences(series, prime_field(11))
    assert lengths.tolist() == [2]
    assert connections[:, 0].tolist() == [1, 10, 10, 0]


def test_every_word_of_a_small_code_is_decoded_as_by_brute_force() -> None:
    field, places = prime_field(5), np.array([3, 1, 4, 2])
    codewords = field.values(polynomials(5, 2), places)
    for word in polynomials(5, 4):
        distances = (codewords != word).sum(axis=1)
        wrong, decoded = wrong_places(places, word, np.arange(4)[None], 2, field)
        assert decoded[0] == (distances.min() <= 1)
        if decoded[0]:
            assert np.array_equal(wrong[0], codewords[distances.argmin()] != word)


@pytest.mark.parametrize("size", [97, 4099])  # sums that are exact in single precision, and that are not
@pytest.mark.parametrize(("errors", "decoded"), [(0, True), (13, True), (14, False)])
def test_words_at_places_of_their_own_are_corrected_up_to_half_of_what_is_checked(
    errors: int, decoded: bool, size: int
) -> None:
    field, rng = prime_field(size), np.random.default_rng(0)
    places = rng.permutation(np.arange(1, size))[:80]
    polynomial = rng.integers(0, size, 13)
    values = (field.values(polynomial[None], places)[0] + np.repeat([0, 1], 40)) % size  # the second half is wrong
    words = np.array(
        [[*rng.choice(40, 40 - errors, replace=False), *(40 + rng.choice(40, errors, replace=False))] for _ in range(9)]
    )
    wrong, found = wrong_places(places, values, words, 13, field)
    assert found.tolist() == [decoded] * 9
    if decoded:
        assert np.array_equal(wrong, words >= 40)


@pytest.mark.parametrize(("agreement", "times"), [(5, 1), (4, 1), (3, 2)])
def test_list_decoding_finds_what_brute_force_finds(agreement: int, times: int) -> None:
    """Lines through six points in GF(7): all that pass through more than the root of six (Guruswami & Sudan)."""
    field, places, rng = prime_field(7), np.arange(1, 7), np.random.default_rng(0)
    assert multiplicity(6, 2, agreement) == times
    lines, most = polynomials(7, 2), 0
    for _ in range(40):
        values = field.values(rng.integers(0, 7, (1, 2)), places)[0]
        values[rng.permutation(6)[agreement - 1 :]] = rng.integers(0, 7, 7 - agreement)
        right = lines[(field.values(lines, places) == values).sum(axis=1) >= agreement]
        found = list_decoded(places, values, free=2, agreement=agreement, field=field)
        assert sorted(map(tuple, found)) == sorted(map(tuple, right))
        most = max(most, len(found))
    assert most == (4 if agreement == 3 else 1)


def test_list_decoding_says_what_it_cannot_find() -> None:
    assert multiplicity(6, 2, 2) is None
    assert list_decoded(np.arange(1, 7), np.arange(6), free=2, agreement=2, field=prime_field(7)) == []
