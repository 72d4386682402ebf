"""Trained nets in fewer bytes: what each form holds, and that damaged ones are told from whole ones."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from mote_bench.contracts import Faces, InputError
from mote_bench.mote.codec import Layer, Net, widths
from mote_bench.mote.compressed import FORMS, CompressedMOTE, compressed, expanded
from mote_bench.mote.nets import draw
from mote_bench.mote.scheme import MOTE

HAND: Net = (
    Layer(np.array([[0.5, -127.0], [1.0, 63.6]], np.float32), np.array([0.25, -2.0], np.float32)),
    Layer(np.array([[3.0], [-0.5]], np.float32), np.array([1.0], np.float32)),
)


@pytest.fixture
def net(rng: np.random.Generator) -> Net:
    drawn = draw((32, 64, 16, 1), rng)
    return tuple(Layer(layer.weight, rng.standard_normal(len(layer.bias)).astype(np.float32)) for layer in drawn)


def test_int8_by_hand() -> None:
    """A column's largest weight is level 127: of the first it is 1.0, so 0.5 is 63.5 steps, rounded to 64."""
    read = expanded(compressed(HAND, "int8"), "int8")
    step = float(np.float16(1 / 127))
    assert read[0].weight[:, 0].tolist() == pytest.approx([64 * step, 127 * step])
    assert read[0].weight[:, 1].tolist() == [-127, 64]
    assert read[0].bias.tolist() == [0.25, -2.0]


def test_ternary_by_hand() -> None:
    """Second column: mean size 95.3, cut 66.7: only -127 stays. First: mean 0.75, cut 0.525: only 1.0 stays."""
    read = expanded(compressed(HAND, "ternary"), "ternary")
    assert read[0].weight.tolist() == [[0, -127], [1, 0]]
    assert read[1].weight.tolist() == [[3], [0]]


@pytest.mark.parametrize(("form", "most"), [("float16", 1e-3), ("int8", 0.02), ("ternary", 0.7)])
def test_coarser_weights_are_near(form: str, most: float, net: Net) -> None:
    for whole, read in zip(net, expanded(compressed(net, form), form), strict=True):
        assert np.linalg.norm(whole.weight - read.weight) < most * np.linalg.norm(whole.weight)
        np.testing.assert_allclose(read.bias, whole.bias, rtol=1e-3)


def test_pruning_keeps_the_largest_tenth(net: Net) -> None:
    read = expanded(compressed(net, "pruned"), "pruned")[0].weight
    kept = read != 0
    assert kept.mean() == pytest.approx(0.1, abs=0.01)
    assert np.abs(net[0].weight[kept]).min() >= np.abs(net[0].weight[~kept]).max() * 0.99


def test_two_columns_hold_a_matrix_of_rank_two(rng: np.random.Generator) -> None:
    left, right = rng.standard_normal((32, 2)), rng.standard_normal((2, 64))
    flat = (
        Layer((left @ right).astype(np.float32), np.zeros(64, np.float32)),
        *draw((64, 1), rng),
    )
    read = expanded(compressed(flat, "rank-2"), "rank-2")
    assert np.linalg.norm(read[0].weight - flat[0].weight) < 0.02 * np.linalg.norm(flat[0].weight)


@pytest.mark.parametrize("form", FORMS)
def test_fewer_bytes_than_the_whole_net(form: str, net: Net) -> None:
    template = compressed(net, form)
    assert widths(expanded(template, form)) == (32, 64, 16, 1)
    assert len(template) < 4 * sum(layer.weight.size + layer.bias.size for layer in net) / 1.9


@pytest.mark.parametrize("form", FORMS)
def test_damaged_templates_are_told(form: str, net: Net, rng: np.random.Generator) -> None:
    good = compressed(net, form)
    start = 4 + 4 * 4
    bombs = good[:start] + zlib.compress(bytes(10_000_000)), good[:4] + struct.pack("<4I", 2**16, 2**16, 2, 1)
    for bad in (b"", good[:3], good[:10], good[:-1], good + b"x", b"XX" + good[2:], *bombs):
        with pytest.raises(ValueError, match=r"bytes|starts|body|widths"):
            expanded(bad, form)
    for _ in range(300):
        bad = bytearray(good)
        bad[int(rng.integers(len(bad)))] ^= int(rng.integers(1, 256))
        try:
            read = expanded(bytes(bad), form)
        except ValueError:
            continue
        assert all(np.isfinite(layer.weight).all() for layer in read)


def test_levels_beyond_the_form_are_told() -> None:
    """A ternary matrix with a level of 2."""
    body = np.float16(1).tobytes() + np.array([2, 0], np.int8).tobytes() + np.float16(0).tobytes()
    template = struct.pack("<2sBB2I", b"MC", FORMS["ternary"].code, 2, 2, 1) + zlib.compress(body)
    with pytest.raises(ValueError, match="beyond 1"):
        expanded(template, "ternary")


def test_the_scheme_answers_as_its_nets_do(background: Faces, subjects: Faces) -> None:
    scheme = CompressedMOTE(form="float16", hidden=(24, 16)).fit(background, seed=0)
    plain = MOTE(hidden=(24, 16)).fit(background, seed=0)
    faces, probes = subjects.embeddings[:3], subjects.embeddings
    templates = scheme.enroll(faces, seeds=range(3))
    whole = plain.enroll(faces, seeds=range(3))
    np.testing.assert_allclose(scheme.score(templates, probes), plain.score(whole, probes), atol=0.05)
    np.testing.assert_allclose(scheme.reconstruct(templates), plain.reconstruct(whole), atol=0.01)
    assert scheme.readings(templates)[0].shape == plain.readings(whole)[0].shape
    with pytest.raises(ValueError, match="template 1 can't be read"):
        scheme.score([templates[0], b"MC"], probes)
    with pytest.raises(InputError, match="float16, int8"):
        CompressedMOTE(form="int3")
