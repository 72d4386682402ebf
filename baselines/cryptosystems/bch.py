"""Binary BCH codes, encoded and decoded for many words at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
"""Zeros and ones, one per byte."""
Elements = npt.NDArray[np.intp]
"""Elements of GF(2^m), as polynomials over GF(2) whose coefficients are the bits of a number."""

_PRIMITIVE = {3: 0b1011, 4: 0b10011, 5: 0b100101, 6: 0b1000011, 7: 0b10001001, 8: 0b100011101, 9: 0b1000010001}
"""A primitive polynomial of each degree (Lin & Costello, Error Control Coding, 2nd edition, table 2.7)."""
_AT_ONCE = 1 << 15


class BCH:
    """The narrow-sense binary BCH code of length ``2^m - 1`` that corrects ``errors`` errors.

    Bose & Ray-Chaudhuri, Information and Control 3 (1960); Hocquenghem, Chiffres 2 (1959). Decoded up to that many
    errors by Massey's algorithm (IEEE Trans. Inf. Theory 15, 1969) and Chien's search.

    Parameters
    ----------
    length : int
        7, 15, 31, 63, 127, 255 or 511.
    errors : int
        At least one; so few that a bit of the key is left.

    Attributes
    ----------
    key_bits : int
        The dimension: how many bits are free.

    Raises
    ------
    ValueError
        On any other length, and where so many errors leave no bit.
    """

    def __init__(self, length: int, errors: int) -> None:
        degree = length.bit_length()
        if degree not in _PRIMITIVE or length != 2**degree - 1:
            lengths = ", ".join(str(2**known - 1) for known in _PRIMITIVE)
            raise ValueError(f"a code of length {length}; expected one of {lengths}")
        self.length, self.errors = length, errors
        self._exp, self._log = _tables(degree)
        roots = sorted({power * 2**turn % length for power in range(1, 2 * errors + 1) for turn in range(degree)})
        self.key_bits = length - len(roots)
        if errors < 1 or self.key_bits < 1:
            raise ValueError(f"{errors} errors corrected in {length} bits; expected 1 or more, and so few that the "
                             "key keeps a bit")  # fmt: skip
        self._product = self._products()
        self._generator = self._systematic(self._with_roots(roots))
        powers = self._exp[np.outer(np.arange(length), np.arange(1, 2 * errors, 2)) % length]
        self._check = ((powers[..., None] >> np.arange(degree)) & 1).reshape(length, -1).astype(np.float32)
        self._weights = (1 << np.arange(degree)).astype(np.float32)

    def encoded(self, keys: Bits) -> Bits:
        """(n, length) codewords of keys (n, key_bits), which are their first bits."""
        return np.asarray(keys.astype(np.float32) @ self._generator % 2, dtype=np.uint8)

    def decoded(self, words: Bits) -> tuple[Bits, npt.NDArray[np.bool_]]:
        """The codeword within ``errors`` errors of each word (n, length), and whether there is one (n,)."""
        codewords, found = words.copy(), np.zeros(len(words), dtype=bool)
        for start in range(0, len(words), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            codewords[rows], found[rows] = self._decoded(words[rows])
        return codewords, found

    def _decoded(self, words: Bits) -> tuple[Bits, npt.NDArray[np.bool_]]:
        syndromes = self._syndromes(words)
        locator, wrong = self._locators(syndromes)
        few = np.flatnonzero(wrong <= self.errors)
        at = self._roots(locator[few])
        found = np.zeros(len(words), dtype=bool)
        found[few] = at.sum(axis=1) == wrong[few]
        codewords = words.copy()
        codewords[few] ^= at
        return codewords, found

    def _syndromes(self, words: Bits) -> Elements:
        """(n, 2 errors): the words' values at the powers 1 to 2 errors of the primitive element."""
        sums = (words.astype(np.float32) @ self._check).astype(np.uint16) & 1
        odd = (sums.astype(np.float32).reshape(len(words) * self.errors, -1) @ self._weights).astype(np.intp)
        made = np.empty((len(words), 2 * self.errors), dtype=np.intp)
        made[:, ::2] = odd.reshape(len(words), self.errors)
        for power in range(2, 2 * self.errors + 1, 2):  # squaring is linear over GF(2)
            half = made[:, power // 2 - 1]
            made[:, power - 1] = self._times(half, half)
        return made

    def _locators(self, syndromes: Elements) -> tuple[Elements, Elements]:
        """The error locators (n, errors + 1) and their degrees (n,), by Massey's algorithm.

        Of a binary code every second discrepancy is zero. Where the degree exceeds the number of errors, the
        coefficients are cut off and mean nothing.
        """
        n, width = len(syndromes), self.errors + 1
        locator = np.zeros((n, width), dtype=np.intp)
        locator[:, 0] = 1
        before, inverse, degree = np.zeros_like(locator), np.ones(n, dtype=np.intp), np.zeros(n, dtype=np.intp)
        before[:, 1] = 1
        for step in range(0, 2 * self.errors, 2):
            used = min(step + 1, width)
            past = syndromes[:, step::-1][:, :used]
            off = np.bitwise_xor.reduce(self._times(locator[:, :used], past), axis=1)
            scale = self._times(off, inverse)
            longer = (off != 0) & (2 * degree <= step)
            new = locator ^ self._times(scale[:, None], before)
            # Shifted once for this step and once for the next, whose discrepancy is zero.
            before = _shifted(np.where(longer[:, None], locator, before), by=2)
            inverse = np.where(longer, self._exp[-self._log[off] % self.length], inverse)
            degree = np.where(longer, step + 1 - degree, degree)
            locator = new
        return locator, degree

    def _roots(self, locator: Elements) -> Bits:
        """(n, length) 1 at each place that the locators (n, errors + 1) name."""
        found = np.empty((self.length, len(locator)), dtype=np.uint8)
        # A sum of two logarithms is looked up without a modulo; that of zero lies beyond all others.
        powers = np.concatenate([self._exp, self._exp, np.zeros(self.length, dtype=np.intp)]).astype(np.uint16)
        logs = np.where(locator == 0, 2 * self.length, self._log[locator]).T.copy()
        places = np.arange(len(logs))
        for place in range(self.length):
            terms = powers.take(logs + (-place * places % self.length)[:, None])
            found[place] = np.bitwise_xor.reduce(terms, axis=0) == 0
        return found.T

    def _times(self, left: Elements, right: Elements) -> Elements:
        product: Elements = self._product[left, right]
        return product

    def _products(self) -> Elements:
        numbers = np.arange(self.length + 1)
        made: Elements = self._exp[(self._log[:, None] + self._log) % self.length]
        made[numbers == 0], made[:, numbers == 0] = 0, 0
        return made

    def _with_roots(self, roots: list[int]) -> Bits:
        """Coefficients, lowest first, of the polynomial over GF(2) with the roots at these powers."""
        polynomial = np.array([1], dtype=np.intp)
        for root in roots:
            polynomial = np.append(0, polynomial) ^ np.append(self._times(self._exp[[root]], polynomial), 0)
        return polynomial.astype(np.uint8)

    def _systematic(self, generator: Bits) -> npt.NDArray[np.float32]:
        """(key_bits, length): the codeword whose first bits are each unit key. Place i is the coefficient of x^i.

        What x^(checks + row) leaves when it is divided, turned by ``key_bits`` places: a cyclic code stays itself.
        """
        checks = self.length - self.key_bits
        made = np.zeros((self.key_bits, self.length), dtype=np.uint8)
        for row in range(self.key_bits):
            rest = np.zeros(self.length, dtype=np.uint8)
            rest[checks + row] = 1
            for power in range(checks + row, checks - 1, -1):
                if rest[power]:
                    rest[power - checks : power + 1] ^= generator
            made[row, row], made[row, self.key_bits :] = 1, rest[:checks]
        return made.astype(np.float32)


@lru_cache(maxsize=8)
def bch(length: int, errors: int) -> BCH:
    """The code; its tables are made once a process."""
    return BCH(length, errors)


def _shifted(polynomials: Elements, *, by: int) -> Elements:
    shifted = np.zeros_like(polynomials)
    shifted[:, by:] = polynomials[:, :-by]
    return shifted


def _tables(degree: int) -> tuple[Elements, Elements]:
    """Powers of the primitive element (2^m - 1,), and the power that each element is (2^m,); of zero it is 0."""
    size, value = 2**degree, 1
    powers = np.empty(size - 1, dtype=np.intp)
    for power in range(size - 1):
        powers[power] = value
        value = value << 1 ^ (_PRIMITIVE[degree] if value << 1 & size else 0)
    logs = np.zeros(size, dtype=np.intp)
    logs[powers] = np.arange(size - 1)
    return powers, logs
