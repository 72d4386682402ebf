"""A MOTE template on disk: a small header and the weights of one subject's net, little-endian float32."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mote_bench.contracts import FloatArray, Template

MAGIC = b"MOTE"
VERSION = 1
MOST_WIDTHS = 16
_FIXED = struct.Struct("<4sHH")


class Layer(NamedTuple):
    """One linear layer, y = x @ weight + bias."""

    weight: FloatArray
    """(inputs, outputs) float32"""
    bias: FloatArray
    """(outputs,) float32"""


Net = tuple[Layer, ...]
"""One subject's net; ReLU between the layers, one logit at the end."""


def widths(net: Net) -> tuple[int, ...]:
    """Inputs, hidden units of each layer, outputs."""
    return (net[0].weight.shape[0], *(len(layer.bias) for layer in net))


def encode(net: Net) -> Template:
    """``MOTE``, version (u16), number of widths (u16), the widths (u32 each), then each layer's weight and bias.

    All little-endian; the header is a multiple of four bytes, so that a template is also a row of float32. Weights
    stand row by row, a row per input.
    """
    header = _FIXED.pack(MAGIC, VERSION, len(net) + 1) + struct.pack(f"<{len(net) + 1}I", *widths(net))
    return header + b"".join(np.ascontiguousarray(part, dtype="<f4").tobytes() for layer in net for part in layer)


def decode(template: Template) -> Net:
    """The net that :func:`encode` wrote. Nothing but numbers is read: no pickle, no code.

    Raises
    ------
    ValueError
        When the bytes aren't a template of this format; the message names the rule they break.
    """
    sizes, start = _header(template)
    expected = start + 4 * sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))
    if len(template) != expected:
        raise ValueError(f"{len(template)} bytes; a net of widths {sizes} takes exactly {expected}")
    values = np.frombuffer(template, dtype="<f4", offset=start).astype(np.float32, copy=False)
    if bad := int((~np.isfinite(values)).sum()):
        raise ValueError(f"{bad} of {len(values)} weights are NaN or infinite")
    return _split(values, sizes)


def _header(template: Template) -> tuple[tuple[int, ...], int]:
    if len(template) < _FIXED.size:
        raise ValueError(f"{len(template)} bytes; the header alone takes {_FIXED.size}")
    magic, version, count = _FIXED.unpack_from(template)
    if magic != MAGIC:
        raise ValueError(f"starts with {magic!r}; a MOTE template starts with {MAGIC!r}")
    if version != VERSION:
        raise ValueError(f"format version {version}; this release reads version {VERSION}")
    if not 2 <= count <= MOST_WIDTHS:
        raise ValueError(f"{count} layer widths; expected 2 to {MOST_WIDTHS}")
    start = _FIXED.size + 4 * count
    if len(template) < start:
        raise ValueError(f"{len(template)} bytes; a header of {count} widths takes {start}")
    sizes = struct.unpack_from(f"<{count}I", template, _FIXED.size)
    if 0 in sizes or sizes[-1] != 1:
        raise ValueError(f"widths {sizes}; expected positive widths, the last of them 1")
    return sizes, start


def _split(values: FloatArray, sizes: tuple[int, ...]) -> Net:
    layers, start = [], 0
    for inputs, outputs in pairwise(sizes):
        middle = start + inputs * outputs
        weight = values[start:middle].reshape(inputs, outputs)
        start = middle + outputs
        layers.append(Layer(weight, values[middle:start]))
    return tuple(layers)
