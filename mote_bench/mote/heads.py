"""One subject's weights over shared features as bytes: float32, float16, or int8, int4 or ternary with one scale."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import FloatArray, Template

MAGIC = b"MH"
_HEAD = struct.Struct("<2sBBf")


@dataclass(frozen=True)
class Form:
    """How a weight is stored: a code in the header, bytes a weight, and the largest level of the whole-number ones."""

    code: int
    bytes_per_weight: float
    levels: int = 0


FORMS = {
    "float32": Form(0, 4),
    "float16": Form(1, 2),
    "int8": Form(2, 1, 127),
    "int4": Form(3, 0.5, 7),
    "ternary": Form(4, 0.2, 1),
}
_CLIPPED = {"int8": 6.0, "int4": 2.5, "ternary": 1.224}
"""Weights beyond this many standard deviations are cut off: the others then have finer steps.

1.224 is the best of a normal weight's three levels, with the cut between them at half of it (Max, IRE Trans. Inf.
Theory 6, 1960, table I).
"""
_TRITS = 3 ** np.arange(5)


def size(weights: int, form: str) -> int:
    """Bytes of a template with this many weights."""
    return _HEAD.size + int(np.ceil(weights * FORMS[form].bytes_per_weight))


def encode(weights: FloatArray, form: str) -> Template:
    """``MH``, form (u8), zero (u8), scale (float32), then the weights, all little-endian.

    A weight of the whole-number forms is its level times the scale; of int4 two stand in a byte, the first one low;
    of ternary five, as the digits of a number to base 3, the first one lowest.
    """
    levels = FORMS[form].levels
    if not levels:
        stored = weights.astype("<f4" if form == "float32" else "<f2")
        return _HEAD.pack(MAGIC, FORMS[form].code, 0, 1.0) + stored.tobytes()
    most = min(float(np.abs(weights).max()), _CLIPPED[form] * float(weights.std()))
    scale = np.float32(most / levels if most > 0 else 1.0)
    level = np.clip(np.round(weights / scale), -levels, levels).astype(np.int8)
    body = level.tobytes() if form == "int8" else _packed(level) if form == "int4" else _trits(level)
    return _HEAD.pack(MAGIC, FORMS[form].code, 0, scale) + body


def decode(templates: Sequence[Template], weights: int, form: str) -> FloatArray:
    """(n, weights) float32.

    Raises
    ------
    ValueError
        When the bytes aren't a template of this format; the message names the template and the rule it breaks.
    """
    made = np.empty((len(templates), weights), dtype=np.float32)
    for row, template in enumerate(templates):
        try:
            made[row] = _decoded(template, weights, form)
        except ValueError as error:
            raise ValueError(f"template {row} can't be read: {error}") from None
    return made


def _decoded(template: Template, weights: int, form: str) -> FloatArray:
    if len(template) != size(weights, form):
        raise ValueError(f"{len(template)} bytes; {weights} weights as {form} take exactly {size(weights, form)}")
    magic, code, zero, scale = _HEAD.unpack_from(template)
    if (magic, code, zero) != (MAGIC, FORMS[form].code, 0):
        raise ValueError(f"starts with {template[:4]!r}; expected {MAGIC!r}, {FORMS[form].code} and 0")
    body = template[_HEAD.size :]
    if form == "int4":
        values = _unpacked(body, weights).astype(np.float32)
    elif form == "ternary":
        values = _untrits(body, weights).astype(np.float32)
    else:
        dtype = {"float32": "<f4", "float16": "<f2", "int8": "i1"}[form]
        values = np.frombuffer(body, dtype=dtype).astype(np.float32)
    values = values * np.float32(scale)
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} of {weights} weights are NaN or infinite")
    return np.asarray(values)


def _packed(level: np.ndarray[tuple[int], np.dtype[np.int8]]) -> bytes:
    nibbles = (level & 15).astype(np.uint8)
    nibbles = np.append(nibbles, np.zeros(len(nibbles) % 2, dtype=np.uint8))
    return (nibbles[::2] | nibbles[1::2] << 4).tobytes()


def _unpacked(body: bytes, weights: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    both = np.frombuffer(body, dtype=np.uint8)
    nibbles = np.column_stack([both & 15, both >> 4]).ravel()[:weights].astype(np.int8)
    return np.where(nibbles > 7, nibbles - 16, nibbles).astype(np.int8)


def _trits(level: np.ndarray[tuple[int], np.dtype[np.int8]]) -> bytes:
    digits = np.append(level, np.zeros(-len(level) % len(_TRITS), dtype=np.int8)).reshape(-1, len(_TRITS)) + 1
    return (digits @ _TRITS).astype(np.uint8).tobytes()


def _untrits(body: bytes, weights: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    packed = np.frombuffer(body, dtype=np.uint8).astype(np.int64)
    if (packed >= 3 ** len(_TRITS)).any():
        raise ValueError(f"a byte of {int(packed.max())}; five digits to base 3 are at most {3 ** len(_TRITS) - 1}")
    digits = packed[:, None] // _TRITS % 3 - 1
    return digits.ravel()[:weights].astype(np.int8)
