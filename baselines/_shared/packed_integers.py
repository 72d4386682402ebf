"""Templates of small whole numbers: packed in as few bits as they need, read back and compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Template

Codes = npt.NDArray[np.unsignedinteger]
"""(n, m) codes, each from 0 to ``levels - 1``."""

FEW = 2
"""With at most so many templates per key, checking each of their codes is faster than computing all codes of a face."""

_BYTES_IN_CACHE = 1 << 18


def pack_codes(codes: npt.NDArray[np.integer], levels: int) -> list[Template]:
    """One template of ceil(m w / 8) bytes per row of ``codes`` (n, m), with w = ceil(log2 levels) bits a code."""
    bits = _bits(np.asarray(codes, dtype=np.uint16), levels)
    return [row.tobytes() for row in np.packbits(bits.reshape(len(codes), bits.shape[1] * bits.shape[2]), axis=1)]


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


def read_signs(templates: Sequence[Template], count: int) -> FloatArray:
    """(n, count) float32: 1 for each bit that is set, -1 for each other; errors are those of :func:`read_codes`."""
    return 2 * read_codes(templates, count, 2).astype(np.float32) - 1


def share_equal(stored: Codes, shown: Codes, levels: int) -> FloatArray:
    """(n, p) float32: the share of equal codes between each stored row (n, m) and each probe's row ``shown`` (p, m)."""
    answers, count = np.empty((len(stored), len(shown)), dtype=np.float32), stored.shape[1]
    if len(stored) <= FEW:  # packing both into bits takes longer than comparing them as they are
        for row, answer in zip(stored, answers, strict=True):
            answer[:] = 1 - set_bits(shown != row.astype(shown.dtype)) / count
        return answers
    own = _planes(stored, levels)
    step = max(1, _BYTES_IN_CACHE // (own.shape[0] * own.shape[2] * 8))
    for first in range(0, len(shown), step):
        theirs = _planes(shown[first : first + step], levels)
        for row, answer in enumerate(answers):
            # A code differs where any of its bits does.
            unequal = theirs[0] ^ own[0, row]
            for plane, own_plane in zip(theirs[1:], own[1:, row], strict=True):
                unequal |= plane ^ own_plane
            answer[first : first + step] = 1 - np.bitwise_count(unequal).sum(axis=1) / count
    return answers


def set_bits(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.integer]:
    """(n,) how many of each row's flags (n, m) are set: a quarter of the time of ``count_nonzero`` along an axis."""
    return np.asarray(np.bitwise_count(_words(flags)).sum(axis=1))


def times_first_largest(values: FloatArray, named: Codes) -> npt.NDArray[np.intp]:
    """(n,) number of the m codes where ``named`` equals ``values.argmax(axis=0)``; ``values`` is (levels, m, n).

    It takes a third of the time of ``argmax``: numpy finds the largest value fast and its index slowly. So the index is
    computed only where the named value is as large as the largest. Expects no NaN.
    """
    is_largest = values[named, np.arange(len(named))] == values.max(axis=0)
    code, column = np.divmod(np.flatnonzero(is_largest), values.shape[2])  # a fifth of the time of ``nonzero``
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
    """(w, n, words): the codes of a row bit by bit, the highest bit first."""
    return np.stack([_words((codes & (1 << bit)) != 0) for bit in range(_width(levels) - 1, -1, -1)])


def _words(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """(n, words): flags (n, m), 64 to a word."""
    packed = np.packbits(flags, axis=1)
    spare = -packed.shape[1] % 8
    if spare:
        packed = np.pad(packed, ((0, 0), (0, spare)))
    return packed.view(np.uint64)
