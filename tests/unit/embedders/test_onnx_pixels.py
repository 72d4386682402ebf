"""Which pixels a network wants: what its first nodes compute decides, and what the user says goes first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from mote_bench.contracts import InputError
from mote_bench.embedders import onnx_pixels
from mote_bench.embedders.onnx_pixels import RAW, SHARE, SIGNED, Pixels
from networks import node

BGR = Pixels(SHARE.mean, SHARE.scale, "BGR")
CONV = node("Conv", "pixels kernel", "maps")
CAFFE = np.array([93.594, 104.7624, 129.1863], np.float32).reshape(1, 3, 1, 1)  # VGGFace's means, blue first
TORCH = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)  # ImageNet's, red first


def graph(*nodes, **constants):
    stored = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()]
    return helper.make_graph([*nodes, CONV], "made by hand", [], [], stored)


def wanted(made, assumed=SIGNED, **options):
    return onnx_pixels.wanted(assumed, made, "face", options)


@pytest.mark.parametrize(
    ("nodes", "constants", "expected"),
    [
        ([node("Sub", "face a", "s"), node("Mul", "s b", "pixels")], {"a": 127.5, "b": 0.0078125}, RAW),
        ([node("Mul", "face b", "pixels")], {"b": 1 / 255}, RAW),
        ([node("Sub", "face a", "pixels")], {"a": 127.5}, RAW),
        ([node("Sub", "face a", "pixels")], {"a": CAFFE}, Pixels(RAW.mean, RAW.scale, "BGR")),
        ([node("Sub", "face a", "s"), node("Div", "s b", "pixels")], {"a": TORCH, "b": 0.225}, SHARE),
        ([node("Mul", "face a", "s"), node("Add", "s b", "pixels")], {"a": 127.5, "b": 127.5}, SIGNED),
        ([node("Cast", "face", "s", to=1), node("Sub", "s a", "pixels")], {"a": 128.0}, RAW),
        ([node("Transpose", "face", "s"), node("Add", "b s", "pixels")], {"b": [-127.5]}, RAW),
    ],
)
def test_the_first_nodes_tell(nodes, constants, expected):
    made, said = wanted(graph(*nodes, **constants))
    assert made == expected
    assert said.startswith("the file's graph computes (x - ")


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("Identity", "face", "pixels")], {}),
        ([node("Relu", "face", "s"), node("Sub", "s a", "pixels")], {"a": 127.5}),
        ([node("Sub", "face a", "pixels")], {"a": np.full((3, 112, 112), 127.5)}),
        ([node("Sub", "face a", "s"), node("Mul", "s face", "pixels")], {"a": 0.1}),
        ([node("Mul", "face a", "pixels")], {"a": 0.0}),
        ([node("BatchNormalization", "face o z z o", "pixels")], {"o": [1, 1, 1], "z": [0, 0, 0]}),
    ],
)
def test_what_does_not_tell_is_assumed(nodes, constants):
    for assumed in (SIGNED, BGR):
        made, said = wanted(graph(*nodes, **constants), assumed)
        assert made == assumed
        assert "is assumed (--mean and --scale say otherwise); order" in said


def test_a_constant_that_is_a_node_tells_too():
    value = numpy_helper.from_array(np.array(127.5, np.float32))
    assert wanted(graph(node("Constant", "", "a", value=value), node("Sub", "face a", "pixels")))[0] == RAW


def test_what_the_user_says_goes_first():
    inside = graph(node("Sub", "face a", "pixels"), a=127.5)
    made, said = wanted(inside, mean="127.5, 120,110", scale="128", order="bgr")
    assert made == Pixels((127.5, 120.0, 110.0), (128.0,), "BGR")
    assert said == ""
    assert str(made) == "BGR, (x - (127.5, 120, 110)) / 128"
    assert "order RGB is assumed (--order BGR for the other)" in wanted(inside, mean="0", scale="1")[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": "0"}, "--mean and --scale belong together"),
        ({"scale": "128"}, "--mean and --scale belong together"),
        ({"mean": "half", "scale": "1"}, "--mean half: expected a number"),
        ({"mean": "1,2", "scale": "1"}, "--mean 1,2: expected a number, or three"),
        ({"mean": "nan", "scale": "1"}, "--mean nan: expected a number"),
        ({"mean": "0.5", "scale": "0.5"}, "--scale 0.5: expected at least 1, as pixels go from 0 to 255"),
        ({"order": "GBR"}, "--order GBR: expected RGB or BGR"),
    ],
)
def test_options_that_say_nothing(options, message):
    with pytest.raises(InputError, match=message):
        wanted(graph(node("Identity", "face", "pixels")), **options)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from(["Add", "Sub", "Mul", "Div"]), st.floats(0.5, 2, width=32), st.booleans()),
        max_size=5,
    )
)
def test_what_is_followed_is_what_is_computed(steps):
    """Any chain of additions and multiplications, from either side: as numpy computes it."""
    how = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    x, name, nodes, constants = np.array([0.0, 1, 100]), "face", [], {}
    value = x
    for place, (kind, by, swapped) in enumerate(steps):
        first = not swapped or kind == "Div"
        inputs = f"{name} c{place}" if first else f"c{place} {name}"
        name, constants[f"c{place}"] = f"s{place}", by
        nodes.append(node(kind, inputs, name))
        value = how[kind](value, by) if first else how[kind](by, value)
    found = onnx_pixels.before_the_first_layer(graph(*nodes, **constants), "face")
    if not steps:
        assert found is None
    else:
        np.testing.assert_allclose(found.factor * x + found.shift, value, rtol=1e-5, atol=1e-3)
