"""Templates of small whole numbers: packed in as few bits as they need, read back and compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Template

Codes = npt.NDArray[np.uint16]
"""(n, m) codes, each from 0 to ``levels - 1``."""

FEW = 2
"""With at most so many templates per key, checking each of their codes is faster than computing all codes of a face."""


def pack_codes(codes: npt.NDArray[np.integer], levels: int) -> list[Template]:
    """One template of ceil(m w / 8) bytes per row of ``codes`` (n, m), with w = ceil(log2 levels) bits a code."""
    bits = _bits(np.asarray(codes, dtype=np.uint16), levels)
    return [row.tobytes() for row in np.packbits(bits.reshape(len(codes), -1), axis=1)]


def read_codes(templates: Sequence[Template], count: int, levels: int) -> Codes:
    """(n, count) codes.

    Raises
    ------
    ValueError
        On a wrong length, on padding bits that are set, and on a code that isn't below ``levels``.
    """
    width = _width(levels)
    size, spare = -(-count * width // 8), -count * width % 8
    for row, template in enumerate(templates):
        if len(template) != size:
            raise ValueError(
                f"template {row} has {len(template)} bytes; expected {size} ({count} codes of {width} bits)"
            )
    stored = np.frombuffer(b"".join(templates), dtype=np.uint8).reshape(len(templates), size)
    if (stored[:, -1] & ((1 << spare) - 1)).any():
        raise ValueError(f"a template has padding bits set after its {count} codes of {width} bits")
    bits = np.unpackbits(stored, axis=1, count=count * width).reshape(len(templates), count, width)
    codes = (bits.astype(np.uint16) << _places(levels)).sum(axis=2, dtype=np.uint16)
    if (codes >= levels).any():
        raise ValueError(f"a template holds the code {codes.max()}; expected codes from 0 to {levels - 1}")
    return np.asarray(codes)


def share_equal(stored: Codes, shown: Codes, levels: int) -> FloatArray:
    """(n, p) float32: the share of equal codes between each stored row (n, m) and each probe's row ``shown`` (p, m)."""
    answers = np.empty((len(stored), len(shown)), dtype=np.float32)
    if len(stored) <= FEW:  # packing both into bits takes longer than comparing them as they are
        for row, answer in zip(stored, answers, strict=True):
            answer[:] = 1 - np.count_nonzero(shown != row, axis=1) / stored.shape[1]
        return answers
    own, theirs = _planes(stored, levels), _planes(shown, levels)
    for row, answer in enumerate(answers):
        # A code differs where any of its bits does.
        unequal = np.bitwise_or.reduce(theirs ^ own[:, row, None], axis=0)
        answer[:] = 1 - np.bitwise_count(unequal).sum(axis=1) / stored.shape[1]
    return answers


def times_first_largest(values: FloatArray, named: Codes) -> npt.NDArray[np.intp]:
    """(n,) number of the m codes where ``named`` equals ``values.argmax(axis=0)``; ``values`` is (levels, m, n).

    It takes a third of the time of ``argmax``: numpy finds the largest value fast and its index slowly. So the index is
    computed only where the named value is as large as the largest. Expects no NaN.
    """
    is_largest = values[named, np.arange(len(named))] == values.max(axis=0)
    code, column = np.nonzero(is_largest)
    first = values[:, code, column].argmax(axis=0) == named[code]
    return np.bincount(column[first], minlength=values.shape[2])


def _width(levels: int) -> int:
    return (levels - 1).bit_length()


def _places(levels: int) -> Codes:
    return np.arange(_width(levels) - 1, -1, -1, dtype=np.uint16)


def _bits(codes: Codes, levels: int) -> npt.NDArray[np.uint8]:
    """(n, m, w), the highest bit first."""
    return (codes[:, :, None] >> _places(levels) & 1).astype(np.uint8)


def _planes(codes: Codes, levels: int) -> npt.NDArray[np.uint64]:
    """(w, n, words): the codes of a row bit by bit, 64 codes to a word."""
    planes = np.packbits(np.moveaxis(_bits(codes, levels), 2, 0), axis=2)
    spare = -planes.shape[2] % 8
    return np.ascontiguousarray(np.pad(planes, ((0, 0), (0, 0), (0, spare)))).view(np.uint64)
