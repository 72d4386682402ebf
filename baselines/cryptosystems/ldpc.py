"""Regular low-density parity-check codes, encoded and decoded for many words at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import stream

from .bch import Bits

_TRIED = 100
"""Permutations among which each layer of checks is chosen."""
_SCALE = np.float32(0.75)
"""By which messages of checks are made smaller: the least of several sizes overstates what they say together."""
_AT_ONCE = 1 << 8
"""Words whose messages stay in the processor's cache together."""


class LDPC:
    """A regular code of Gallager's, each of whose bits stands in ``column`` checks of ``row`` bits.

    Gallager, "Low-density parity-check codes", IRE Trans. Inf. Theory 8 (1962) 21-28: the checks of the first layer
    take the bits in turn, those of each further layer take them in an order drawn at random. Orders are drawn from a
    fixed seed, so that a code is the same everywhere. Of 100 orders the one is taken by which the fewest pairs of bits
    stand in two checks.

    Decoded by the normalised min-sum algorithm (Chen & Fossorier, "Near optimum universal belief propagation based
    decoding of low-density parity check codes", IEEE Trans. Commun. 50 (2002) 406-414).

    Parameters
    ----------
    length : int
        Bits of a codeword, a multiple of ``row``.
    column : int
        Checks per bit, at least 2.
    row : int
        Bits per check, more than ``column``.
    rounds : int
        How often messages are exchanged, at most.

    Attributes
    ----------
    key_bits : int
        The dimension: how many bits are free. At least ``length * (1 - column / row)``.

    Raises
    ------
    ValueError
        On numbers that make no such code.
    """

    def __init__(self, length: int, column: int, row: int, rounds: int) -> None:
        if not 2 <= column < row or length < 1 or length % row or rounds < 1:
            raise ValueError(
                f"a code of length {length} with {column} checks per bit and {row} bits per check, decoded in {rounds} "
                "rounds; expected 2 or more checks per bit, more bits per check, a multiple of them and 1 round or more"
            )
        self.length, self.rounds = length, rounds
        self.checks = _gallager(length, column, row)
        """(checks, row): the bits of each check, in order."""
        # Messages lie place by place of all checks, so that a step takes whole rows.
        self._of_bit = np.argsort(self.checks.T.ravel(), kind="stable").reshape(length, column)
        matrix = np.zeros((len(self.checks), length), dtype=np.uint8)
        np.put_along_axis(matrix, self.checks, 1, axis=1)
        self._generator = _null_space(matrix).astype(np.float32)
        self.key_bits = len(self._generator)

    def encoded(self, keys: Bits) -> Bits:
        """(n, length) codewords of keys (n, key_bits)."""
        return np.asarray(keys.astype(np.float32) @ self._generator % 2, dtype=np.uint8)

    def decoded(self, votes: npt.NDArray[np.generic]) -> tuple[Bits, npt.NDArray[np.bool_]]:
        """The codeword found for each word of votes (n, length), and whether one is found (n,).

        A vote above 0 is for a zero, one below for a one, the surer the larger it is.
        """
        words, found = np.empty(votes.shape, dtype=np.uint8), np.zeros(len(votes), dtype=bool)
        for start in range(0, len(votes), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            words[some], found[some] = self._decoded(votes[some].astype(np.float32))
        return words, found

    def _decoded(self, votes: FloatArray) -> tuple[Bits, npt.NDArray[np.bool_]]:
        """As :meth:`decoded`. A column is a word here, so that each step takes whole rows."""
        beliefs = np.ascontiguousarray(votes.T)
        words, found, left = beliefs < 0, np.zeros(len(votes), dtype=bool), np.arange(len(votes))
        first, answers = beliefs, np.zeros((*self.checks.T.shape, len(votes)), dtype=np.float32)
        for turn in range(self.rounds + 1):
            words[:, left] = beliefs < 0
            odd = np.bitwise_xor.reduce(words[:, left][self.checks.T], axis=0).any(axis=0)
            found[left[~odd]] = True
            if turn == self.rounds or not odd.any():
                break
            left, first, beliefs, answers = left[odd], first[:, odd], beliefs[:, odd], answers[..., odd]
            answers = _answers(beliefs[self.checks.T] - answers)
            beliefs = first + answers.reshape(-1, len(left))[self._of_bit].sum(axis=1)
        return words.T.astype(np.uint8), found


@lru_cache(maxsize=8)
def ldpc(length: int, column: int, row: int, rounds: int) -> LDPC:
    """The code; its tables are made once a process."""
    return LDPC(length, column, row, rounds)


def _answers(messages: FloatArray) -> FloatArray:
    """(row, checks, n): what each check says to each of its bits, from what the others of its bits say.

    Its sign is the product of theirs, its size the least of theirs.
    """
    size, negative = np.abs(messages), messages < 0
    negative ^= np.bitwise_xor.reduce(negative, axis=0)
    before = np.minimum.accumulate(size[:-1], axis=0)
    after = np.minimum.accumulate(size[:0:-1], axis=0)[::-1]
    others = np.concatenate([after[:1], np.minimum(before[:-1], after[1:]), before[-1:]])
    return np.asarray(np.where(negative, -_SCALE, _SCALE) * others, dtype=np.float32)


def _gallager(length: int, column: int, row: int) -> npt.NDArray[np.intp]:
    """(column * length / row, row): the bits of each check, layer by layer."""
    rng = stream(0, "gallager", length, column, row)
    layers = [np.arange(length).reshape(-1, row)]
    for _ in range(column - 1):
        drawn = [rng.permutation(length).reshape(-1, row) for _ in range(_TRIED)]
        beside = np.zeros((length, length), dtype=np.int64)
        for layer in layers:
            beside[layer[:, :, None], layer[:, None, :]] += 1
        np.fill_diagonal(beside, 0)
        layers.append(min(drawn, key=lambda one: int(beside[one[:, :, None], one[:, None, :]].sum())))
    return np.sort(np.vstack(layers), axis=1)


def _null_space(matrix: Bits) -> Bits:
    """(k, length): a basis of the words that fulfil all checks (checks, length), by elimination over GF(2)."""
    reduced, pivots = matrix.copy(), list[int]()
    for place in range(matrix.shape[1]):
        rank = len(pivots)
        below = np.flatnonzero(reduced[rank:, place])
        if not len(below):
            continue
        reduced[[rank, rank + below[0]]] = reduced[[rank + below[0], rank]]
        others = np.flatnonzero(reduced[:, place])
        reduced[others[others != rank]] ^= reduced[rank]
        pivots.append(place)
        if len(pivots) == len(matrix):
            break
    free = np.setdiff1d(np.arange(matrix.shape[1]), pivots)
    basis = np.zeros((len(free), matrix.shape[1]), dtype=np.uint8)
    basis[np.arange(len(free)), free] = 1
    basis[:, pivots] = reduced[: len(pivots), free].T
    return basis
