"""A template's bytes: what is written is read back, and nothing else is read."""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.mote.codec import Layer, Net, decode, encode, widths
from mote_bench.toolkit import numbers

shapes = st.lists(st.integers(1, 12), min_size=1, max_size=5).map(lambda sizes: (*sizes, 1))


def a_net(sizes: tuple[int, ...], seed: int = 0) -> Net:
    rng = np.random.default_rng(seed)
    return tuple(
        Layer(rng.standard_normal((i, o)).astype(np.float32), rng.standard_normal(o).astype(np.float32))
        for i, o in pairwise(sizes)
    )


@given(shapes, st.integers(0, 2**32))
def test_round_trip(sizes: tuple[int, ...], seed: int) -> None:
    net = a_net(sizes, seed)
    back = decode(encode(net))
    assert widths(back) == sizes
    for ours, theirs in zip(net, back, strict=True):
        np.testing.assert_array_equal(ours.weight, theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)
    assert encode(back) == encode(net)


def test_the_paper_sized_template() -> None:
    template = encode(a_net((512, 128, 64, 16, 1)))
    # 512*128+128 + 128*64+64 + 64*16+16 + 16*1+1 = 74,977 weights; header 8 + 5 widths x 4 = 28 bytes.
    assert len(template) == 4 * 74_977 + 28


@given(shapes)
def test_a_reader_who_does_not_know_the_format_sees_the_weights(sizes: tuple[int, ...]) -> None:
    net = a_net(sizes)
    weights = np.concatenate([part.ravel() for layer in net for part in layer])
    table = numbers([encode(net)])
    np.testing.assert_array_equal(table[0, -len(weights) :], weights)


@given(shapes, st.data())
def test_truncated_and_oversized_are_rejected(sizes: tuple[int, ...], data: st.DataObject) -> None:
    template = encode(a_net(sizes))
    cut = data.draw(st.integers(0, len(template) - 1))
    with pytest.raises(ValueError, match=f"{cut} bytes"):
        decode(template[:cut])
    with pytest.raises(ValueError, match=f"{len(template) + 4} bytes; .* exactly {len(template)}"):
        decode(template + bytes(4))


@given(st.binary(max_size=300))
def test_garbage_is_rejected(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes|starts with"):
        decode(garbage)


@given(st.binary(max_size=100))
def test_garbage_after_the_magic_is_a_value_error(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes|version|widths"):
        decode(b"MOTE" + garbage)


def header(*sizes: int, version: int = 1, count: int | None = None) -> bytes:
    count = len(sizes) if count is None else count
    return b"MOTE" + struct.pack("<HH", version, count) + struct.pack(f"<{len(sizes)}I", *sizes)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (b"PK\x03\x04" + encode(a_net((3, 1)))[4:], "starts with b'PK"),
        (b"\x80\x04\x95" + bytes(40), "starts with b'.x80"),  # a pickle
        (header(3, 1, version=2) + bytes(16), "format version 2"),
        (header(1), "1 layer widths"),
        (header(*[1] * 17), "17 layer widths"),
        (header(3, 0, 1) + bytes(8), "widths .3, 0, 1."),
        (header(3, 2) + bytes(32), "the last of them 1"),
        # (2^32 inputs and bias) x (2^32-1) units + 2^32 = 2^64 weights, 4 bytes each, never allocated
        (header(2**32 - 1, 2**32 - 1, 1), f"exactly {4 * 2**64 + 20}"),
    ],
)
def test_what_is_wrong_is_named(template: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(template)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_rejected(poison: float) -> None:
    net = a_net((3, 2, 1))
    net[1].weight[0, 0] = poison
    with pytest.raises(ValueError, match="1 of 11 weights"):
        decode(encode(net))


def test_opposite_infinities_do_not_cancel() -> None:
    net = a_net((3, 2, 1))
    net[0].weight[0, 0], net[0].weight[0, 1] = np.inf, -np.inf
    with pytest.raises(ValueError, match="2 of 11 weights"):
        decode(encode(net))
