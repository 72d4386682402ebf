"""Fuzzy commitment with a low-density parity-check code, which weighs how sure each bit of the codeword is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .bch import Bits
from .fuzzy_commitment import FuzzyCommitment
from .ldpc import LDPC, ldpc


class FuzzyCommitmentLDPC(FuzzyCommitment):
    """A fuzzy commitment whose code is a low-density parity-check code.

    Juels & Wattenberg, "A fuzzy commitment scheme", ACM CCS 1999, leave the code open. Of papers on faces, Chen et al.,
    "Face template protection using deep LDPC codes learning", take such a code. As in :class:`FuzzyCommitment` each bit
    of the codeword is repeated. A majority decides whether a bit is wrong, and forgets by how much. Min-sum decoding
    weighs a bit by its votes, so it corrects more: bits on which the repetitions nearly tie are those that are wrong.
    The code has no distance that is guaranteed. So the probe isn't accepted up to so many errors, but where decoding
    ends in the codeword whose hash is stored.

    Helper data, hash and attacks are those of :class:`FuzzyCommitment`.

    Parameters
    ----------
    length : int
        Bits of a codeword.
    column, row : int
        Checks per bit and bits per check, of a regular code of Gallager's (1962). With the length they fix the key: 34
        bits by default.
    rounds : int
        Of min-sum decoding, at most.
    repeat : int
        How often each bit of the codeword is repeated, odd, at most 127.
    centre : bool
        Whether signs are taken as seen from the mean background face.
    """

    def __init__(
        self,
        *,
        length: int = 128,
        column: int = 3,
        row: int = 4,
        rounds: int = 10,
        repeat: int = 7,
        centre: bool = True,
    ) -> None:
        self.length = length
        self.column = column
        self.row = row
        self.rounds = rounds
        self.repeat = repeat
        self.centre = centre

    @property
    def _code(self) -> LDPC:
        return ldpc(self.length, self.column, self.row, self.rounds)

    def _decoded(self, votes: npt.NDArray[np.signedinteger]) -> tuple[Bits, npt.NDArray[np.bool_]]:
        return self._code.decoded(votes)
