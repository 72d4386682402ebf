"""A trained MOTE in fewer bytes: coarser weights, fewer weights or factors of few columns, and then deflated."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError, Template
from mote_bench.mote.codec import MOST_WIDTHS, Layer, Net, widths
from mote_bench.mote.scheme import MOTE, Shares

MAGIC = b"MC"
_HEAD = struct.Struct("<2sBB")
_MOST_WEIGHTS = 2**26


@dataclass(frozen=True)
class Form:
    """How the weights of a net are thinned and stored.

    Attributes
    ----------
    code : int
        In the header.
    levels : int
        Weights are whole multiples, up to this one, of a float16 scale for each unit; 0: weights are float16.
    kept : float
        Of each matrix, the part of the weights that isn't set to zero: those of largest size (Han et al., NIPS 2015).
    rank : int
        Matrices between hidden layers are products of two with this many columns in between, their best in least
        squares (Eckart & Young, Psychometrika 1, 1936), where that is shorter; 0: they are whole.
    """

    code: int
    levels: int = 0
    kept: float = 1.0
    rank: int = 0


FORMS = {
    "float16": Form(0),
    "int8": Form(1, levels=127),
    "ternary": Form(2, levels=1),
    "pruned": Form(3, levels=127, kept=0.1),
    "rank-8": Form(4, levels=127, rank=8),
    "rank-2": Form(5, levels=127, rank=2),
}
_TERNARY_CUT = 0.7
"""Weights below this part of the mean size become zero (Li, Zhang & Liu, arXiv 1605.04711, eq. 6)."""


class CompressedMOTE(MOTE):
    """:class:`MOTE`, trained in the same way, whose nets are stored in a smaller form.

    Templates are shorter; the threat is that of ``mote``: rounding hides nothing that the weights leak.

    Parameters
    ----------
    form : {"float16", "int8", "ternary", "pruned", "rank-8", "rank-2"}
        See :data:`FORMS`. What is left is deflated, so that frequent values take few bits.
    attributes, balance, hidden
        As :class:`MOTE` takes them.
    """

    def __init__(
        self,
        *,
        form: str = "int8",
        attributes: Sequence[str] = ("gender",),
        balance: Shares | None = None,
        hidden: Sequence[int] = (128, 64, 16),
    ) -> None:
        super().__init__(attributes=attributes, balance=balance, hidden=hidden)
        if form not in FORMS:
            raise InputError(f"form='{form}'; expected one of {', '.join(FORMS)}")
        self.form = form

    def _encode(self, net: Net) -> Template:
        return compressed(net, self.form)

    def _decode(self, template: Template) -> Net:
        return expanded(template, self.form)


def compressed(net: Net, form: str) -> Template:
    """``MC``, form (u8), number of widths (u8), the widths (u32 each), and deflated: the matrices, then the biases.

    All little-endian. A matrix of whole numbers is a float16 scale per column and its levels in signed bytes; biases
    are float16.
    """
    sizes, how = widths(net), FORMS[form]
    parts = [part for layer, shape in zip(net, pairwise(sizes), strict=True) for part in _factors(layer, shape, how)]
    body = b"".join([*(_stored(part, how) for part in parts), *(_half(layer.bias) for layer in net)])
    head = _HEAD.pack(MAGIC, how.code, len(sizes)) + struct.pack(f"<{len(sizes)}I", *sizes)
    return head + zlib.compress(body, 9)


def expanded(template: Template, form: str) -> Net:
    """The net that :func:`compressed` wrote, as far as its form holds it.

    Raises
    ------
    ValueError
        When the bytes aren't a template of this format; the message names the rule they break.
    """
    how = FORMS[form]
    sizes, start = _header(template, how)
    shapes = [_shapes(pair, how) for pair in pairwise(sizes)]
    lengths = [_length(shape, how) for several in shapes for shape in several]
    expected = sum(lengths) + 2 * sum(sizes[1:])
    body = _inflated(template[start:], expected)
    pieces = iter(np.split(np.frombuffer(body, np.uint8), np.cumsum([*lengths, *(2 * units for units in sizes[1:])])))
    weights = []
    for several in shapes:
        factors = [_read(next(pieces), shape, how) for shape in several]
        weights.append(factors[0] if len(factors) == 1 else factors[0] @ factors[1])
    biases = [next(pieces).view("<f2").astype(np.float32) for _ in sizes[1:]]
    if not all(np.isfinite(part).all() for part in (*weights, *biases)):
        raise ValueError("it holds weights that are NaN or infinite")
    return tuple(map(Layer, weights, biases))


def _header(template: Template, how: Form) -> tuple[tuple[int, ...], int]:
    if len(template) < _HEAD.size:
        raise ValueError(f"{len(template)} bytes; the header alone takes {_HEAD.size}")
    magic, code, count = _HEAD.unpack_from(template)
    start = _HEAD.size + 4 * count
    if (magic, code) != (MAGIC, how.code) or not 2 <= count <= MOST_WIDTHS or len(template) < start:
        raise ValueError(f"starts with {template[:4]!r}; expected {MAGIC!r}, {how.code} and 2 to {MOST_WIDTHS} widths")
    sizes = struct.unpack_from(f"<{count}I", template, _HEAD.size)
    weights = sum(inputs * outputs for inputs, outputs in pairwise(sizes))
    if 0 in sizes or sizes[-1] != 1 or weights > _MOST_WEIGHTS:
        raise ValueError(
            f"widths {sizes}; expected positive ones, the last of them 1, {_MOST_WEIGHTS:,} weights in all"
        )
    return sizes, start


def _inflated(body: bytes, expected: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        made = unpacker.decompress(body, expected + 1)
    except zlib.error as error:
        raise ValueError(f"its body is damaged: {error}") from None
    if len(made) != expected or not unpacker.eof or unpacker.unused_data:
        raise ValueError(f"its body isn't exactly {expected} bytes, deflated")
    return made


def _shapes(pair: tuple[int, int], how: Form) -> list[tuple[int, int]]:
    """Of what a matrix is stored as: itself, or two factors where they are shorter."""
    inputs, outputs = pair
    if how.rank and outputs > 1 and how.rank * (inputs + outputs) < inputs * outputs:
        return [(inputs, how.rank), (how.rank, outputs)]
    return [pair]


def _factors(layer: Layer, shape: tuple[int, int], how: Form) -> list[FloatArray]:
    if len(_shapes(shape, how)) == 1:
        return [_thinned(layer.weight, how.kept)]
    left, sizes, right = np.linalg.svd(layer.weight, full_matrices=False)
    root = np.sqrt(sizes[: how.rank])
    return [left[:, : how.rank] * root, root[:, None] * right[: how.rank]]


def _thinned(weight: FloatArray, kept: float) -> FloatArray:
    if kept == 1:
        return weight
    return np.where(np.abs(weight) >= np.quantile(np.abs(weight), 1 - kept), weight, np.float32(0))


def _length(shape: tuple[int, int], how: Form) -> int:
    return shape[0] * shape[1] + 2 * shape[1] if how.levels else 2 * shape[0] * shape[1]


def _stored(weight: FloatArray, how: Form) -> bytes:
    """Column by column, as a unit's weights are alike."""
    if not how.levels:
        return _half(weight)
    size = np.abs(weight)
    if how.levels == 1:
        large = size > _TERNARY_CUT * size.mean(axis=0)
        scale = np.where(large, size, 0).sum(axis=0) / np.maximum(large.sum(axis=0), 1)
        level = np.sign(weight) * large
    else:
        scale = _rounded(size.max(axis=0) / how.levels)
        level = np.clip(np.rint(weight / np.where(scale > 0, scale, 1)), -how.levels, how.levels)
    return _half(scale) + bytes(np.ascontiguousarray(level.T, dtype=np.int8))


def _read(piece: np.ndarray[tuple[int], np.dtype[np.uint8]], shape: tuple[int, int], how: Form) -> FloatArray:
    if not how.levels:
        return piece.view("<f2").astype(np.float32).reshape(shape)
    scale = piece[: 2 * shape[1]].view("<f2").astype(np.float32)
    level = piece[2 * shape[1] :].view(np.int8).reshape(shape[::-1]).T
    if np.abs(level.astype(np.int16)).max() > how.levels:
        raise ValueError(f"it holds levels beyond {how.levels}")
    return np.ascontiguousarray(level * scale, dtype=np.float32)


def _rounded(values: FloatArray) -> FloatArray:
    return values.astype(np.float16).astype(np.float32)


def _half(values: FloatArray) -> bytes:
    half: npt.NDArray[np.float16] = np.clip(values, -65504, 65504).astype("<f2")
    return bytes(half)
