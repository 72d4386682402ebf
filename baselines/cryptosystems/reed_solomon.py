"""Reed-Solomon decoding over a prime field, for many words at once, each read at places of its own."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

Numbers = npt.NDArray[np.intp]
"""Elements of GF(p), 0 to p - 1. Polynomials are their coefficients, lowest first."""

_EXACT_IN_SINGLE = 1 << 24
_AT_ONCE = 512


class PrimeField:
    """GF(p): logarithms, inverses and powers in tables.

    Parameters
    ----------
    size : int
        p, a prime above 2. Tables take memory in proportion to p.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.exp = _powers_of_generator(size)
        self.log = np.zeros(size, dtype=np.intp)
        self.log[self.exp] = np.arange(size - 1)
        self.inverse = np.zeros(size, dtype=np.intp)
        self.inverse[1:] = self.exp[-self.log[1:] % (size - 1)]

    def powers(self, elements: Numbers, count: int) -> FloatArray:
        """(n, count) float64: the powers 0 to count - 1 of elements (n,)."""
        made = np.ones((len(elements), count))
        for power in range(1, count):
            made[:, power] = reduced(made[:, power - 1] * elements, self.size)
        return made

    def values(self, polynomials: Numbers, elements: Numbers) -> Numbers:
        """(m, n): the values of polynomials (m, degree + 1) at elements (n,)."""
        powers = self.powers(elements, polynomials.shape[1])
        return reduced(polynomials.astype(np.float64) @ powers.T, self.size).astype(np.intp)

    def with_roots(self, roots: Numbers) -> Numbers:
        """(m, t + 1): the monic polynomials with these roots (m, t)."""
        made = np.zeros((len(roots), roots.shape[1] + 1), dtype=np.intp)
        made[:, 0] = 1
        for root in roots.T:
            shifted = np.zeros_like(made)
            shifted[:, 1:] = made[:, :-1]
            made = (shifted - root[:, None] * made) % self.size
        return made

    def through(self, elements: Numbers, values: Numbers) -> Numbers:
        """(k,): the polynomial of degree below k with these values (k,) at k different elements (Newton's form)."""
        p, rest = self.size, values.astype(np.intp)
        for order in range(1, len(elements)):
            gaps = self.inverse[(elements[order:] - elements[:-order]) % p]
            rest[order:] = (rest[order:] - rest[order - 1 : -1]) * gaps % p
        made = np.zeros(len(elements), dtype=np.intp)
        for place in range(len(elements) - 1, -1, -1):
            shifted = np.append(0, made[:-1])
            made = (shifted - elements[place] * made) % p
            made[0] = (made[0] + rest[place]) % p
        return made


@lru_cache(maxsize=8)
def prime_field(size: int) -> PrimeField:
    """The field; its tables are made once a process."""
    return PrimeField(size)


def prime_above(number: int) -> int:
    """The smallest prime above a number of 2 or more."""
    found = number + 1
    while any(found % divisor == 0 for divisor in range(2, int(found**0.5) + 1)):
        found += 1
    return found


def reduced(numbers: FloatArray, size: int) -> FloatArray:
    """Whole numbers (float64, below 2^52 in size) modulo ``size``; numpy's own remainder takes five times as long."""
    return np.asarray(numbers - np.floor(numbers / size) * size)


def shortest_recurrences(sequences: FloatArray, field: PrimeField) -> tuple[FloatArray, Numbers]:
    """The shortest linear recurrences of n sequences, by Massey's algorithm (IEEE Trans. Inf. Theory 15, 1969).

    Parameters
    ----------
    sequences : (2 e, n) float64

    Returns
    -------
    connections : (e + 1, n) float64
        Coefficients C with C_0 = 1 and ``sum_i C_i S_(j - i) = 0``. Where the length exceeds e they are cut off and
        mean nothing.
    lengths : (n,) int
    """
    parts = [_recurrences(sequences[:, first : first + _AT_ONCE], field) for first in _blocks(sequences.shape[1])]
    return np.hstack([one for one, _ in parts]), np.concatenate([one for _, one in parts])


def _recurrences(sequences: FloatArray, field: PrimeField) -> tuple[FloatArray, Numbers]:
    """Of few sequences. A connection polynomial's degree is at most its length, so that longer rows stay zero."""
    count, n = sequences.shape
    rows = count // 2 + 1
    dtype = np.float32 if rows * field.size**2 < _EXACT_IN_SINGLE else np.float64
    seen: FloatArray = sequences.astype(dtype)
    inverse: FloatArray = field.inverse.astype(dtype)
    connection, moved, part = (np.zeros((rows, n), dtype=dtype) for _ in range(3))
    connection[0] = 1
    # The polynomial before the last change, times a power of x: it moves by a row at each step, by a view of its array.
    held = np.zeros((count + rows + 1, n), dtype=dtype)
    held[count] = 1
    scale: FloatArray = np.ones(n, dtype=dtype)
    length = np.zeros(n, dtype=np.intp)
    for step in range(count):
        before = held[count - step - 1 : count - step - 1 + rows]
        used = min(int(length.max(initial=0)) + 1, rows)
        off = _off(connection[:used], seen[step::-1][:used], field.size)
        longer = (off != 0) & (2 * length <= step)
        length = np.where(longer, step + 1 - length, length)
        used = min(int(length.max(initial=0)) + 1, rows)
        np.multiply(reduced(off * scale, field.size), before[:used], out=moved[:used])
        np.subtract(connection[:used], moved[:used], out=moved[:used])
        _reduce(moved[:used], part[:used], field.size)
        np.copyto(before, connection, where=longer)
        scale = np.where(longer, inverse[off.astype(np.intp)], scale)
        connection[:used] = moved[:used]
    return connection.astype(np.float64), length


def _off(connection: FloatArray, past: FloatArray, size: int) -> FloatArray:
    used = min(len(connection), len(past))
    return reduced(np.einsum("in,in->n", connection[:used], past[:used]), size)


def _reduce(numbers: FloatArray, part: FloatArray, size: int) -> None:
    """:func:`reduced` in place; ``part`` is overwritten."""
    np.divide(numbers, size, out=part)
    np.floor(part, out=part)
    np.multiply(part, size, out=part)
    np.subtract(numbers, part, out=numbers)


def wrong_places(
    places: Numbers, values: Numbers, words: Numbers, free: int, field: PrimeField
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which letters of each word are wrong, for words that a polynomial of degree below ``free`` corrects.

    Word i holds the values at t of the N places. It is decoded up to floor((t - free) / 2) wrong letters, as by
    Berlekamp & Welch or Gao. The sums that vanish for a codeword are weighted by 1 / prod (x_j - x_i), and their
    shortest recurrence has the wrong places as its roots.

    Parameters
    ----------
    places : (N,) int
        Different elements of the field, none of them zero.
    values : (N,) int
        The value that is read at each place.
    words : (n, t) int
        The places of each word, as rows of ``places``.
    free : int
        The code's dimension.

    Returns
    -------
    wrong : (n, t) bool
    decoded : (n,) bool
        Whether there is a codeword near enough; otherwise the row of ``wrong`` means nothing.
    """
    parts = [
        _wrong_places(places, values, words[first : first + _AT_ONCE], free, field) for first in _blocks(len(words))
    ]
    return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])


def _wrong_places(
    places: Numbers, values: Numbers, words: Numbers, free: int, field: PrimeField
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    errors = (words.shape[1] - free) // 2
    weighted = np.zeros((len(places), len(words)))
    letters = reduced(_weights(places, words, field).astype(np.float64) * values[words].T, field.size)
    np.put_along_axis(weighted, words.T, letters, axis=0)
    sums = reduced(field.powers(places, 2 * errors).T @ weighted, field.size)
    connections, lengths = shortest_recurrences(sums, field)
    at = reduced(field.powers(field.inverse[places], errors + 1) @ connections, field.size) == 0
    wrong = np.take_along_axis(at, words.T, axis=0).T
    return wrong, (lengths <= errors) & (wrong.sum(axis=1) == lengths)


def _weights(places: Numbers, words: Numbers, field: PrimeField) -> Numbers:
    """(t, n): 1 / prod_(i != j) (x_j - x_i) over the places of each word, by sums of logarithms."""
    exact = words.shape[1] * field.size < _EXACT_IN_SINGLE
    dtype = np.float32 if exact else np.float64
    held = np.zeros((len(places), len(words)), dtype=dtype)
    np.put_along_axis(held, words.T, 1, axis=0)
    sums = field.log[(places[:, None] - places) % field.size].astype(dtype) @ held
    of_words = np.take_along_axis(sums, words.T, axis=0).astype(np.intp)
    return np.asarray(field.exp[-of_words % (field.size - 1)])


def _blocks(count: int) -> range:
    return range(0, max(count, 1), _AT_ONCE)


def _powers_of_generator(size: int) -> Numbers:
    """(p - 1,) powers of the smallest primitive root of a prime."""
    for root in range(2, size):
        powers = [1]
        while (power := powers[-1] * root % size) != 1:
            powers.append(power)
        if len(powers) == size - 1:
            return np.array(powers, dtype=np.intp)
    raise ValueError(f"a field of {size} elements; expected a prime above 2")
