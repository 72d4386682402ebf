"""Small ONNX networks for tests, built as recognisers' files are; their numbers are drawn at random."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(0)


def numbers(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def saved(path, nodes, constants, shape=("n", 3, 112, 112), kind=TensorProto.FLOAT, outputs=None, opset=17):
    """A file of these nodes; its output is the last one's unless ``outputs`` names others."""
    told = kind if kind in (TensorProto.FLOAT16, TensorProto.INT64) else TensorProto.FLOAT
    made = helper.make_graph(
        nodes,
        "made by hand",
        [helper.make_tensor_value_info("face", kind, shape)],
        [helper.make_tensor_value_info(name, told, None) for name in outputs or [nodes[-1].output[0]]],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=9), path)
    return path


def as_arcface(folder):
    """As ArcFace's files are built: padded convolutions, PReLU, a shortcut, batch norms, a dense layer."""
    constants = {
        "kernel": numbers(6, 3, 3, 3),
        "bias": numbers(6),
        "slope": numbers(6, 1, 1) ** 2,
        "deep": numbers(6, 1, 3, 3),
        "one": numbers(6),
        "two": numbers(6),
        "three": numbers(6),
        "four": numbers(6) ** 2 + 1,
        "dense": numbers(5, 6 * 14 * 14) / 30,
        "shift": numbers(5),
        "five": np.ones(5, np.float32),
        "ratio": np.array(0.4, np.float32),
    }
    nodes = [
        node("Conv", "face kernel bias", "a", strides=[4, 4], pads=[1, 1, 1, 1]),
        node("PRelu", "a slope", "b"),
        node("Conv", "b deep", "c", group=6, pads=[2, 1, 0, 1], strides=[2, 2]),
        node("Conv", "c deep", "d", group=6, auto_pad="SAME_UPPER"),
        node("Add", "c d", "e"),
        node("BatchNormalization", "e one two three four", "f", epsilon=2e-5),
        node("Dropout", "f ratio", "g"),
        node("Flatten", "g", "h"),
        node("Gemm", "h dense shift", "i", transB=1, alpha=0.5, beta=2.0),
        node("Identity", "i", "j"),
        node("BatchNormalization", "j five five shift five", "k"),
    ]
    return saved(folder / "arcface.onnx", nodes, constants)


def as_tensorflow(folder):
    """Channels last, PReLU in parts, one more pixel below and right, as a converted graph has it."""
    constants = {
        "kernel": numbers(4, 3, 3, 3),
        "around": np.array([0, 1, 0, 0, 0, 2, 1, 0], np.int64),
        "zero": np.zeros((), np.float32),
        "scale": numbers(4),
        "half": np.array(2.0, np.float32),
        "flat": np.array([0, -1], np.int64),
        "dense": numbers(4, 3),
    }
    nodes = [
        node("Conv", "face kernel", "a", strides=[16, 16], auto_pad="SAME_UPPER", dilations=[1, 1]),
        node("Transpose", "a", "b", perm=[0, 2, 3, 1]),
        node("Pad", "b around", "c"),
        node("Max", "zero c", "d"),
        node("Min", "zero c", "e"),
        node("Mul", "scale e", "f"),
        node("Sub", "d f", "g"),
        node("Div", "g half", "h"),
        node("Transpose", "h", "i", perm=[0, 3, 1, 2]),
        node("Relu", "i", "j"),
        node("GlobalAveragePool", "j", "k"),
        node("Reshape", "k flat", "l"),
        node("MatMul", "l dense", "m"),
    ]
    return saved(folder / "tensorflow.onnx", nodes, constants)


def as_mobile(folder, batch="n"):
    """Pools, gates and a head that reads its own shape, as exports of PyTorch and of mobile networks have them."""
    constants = {
        "kernel": numbers(6, 3, 3, 3),
        "low": np.array(0, np.float32),
        "high": np.array(6, np.float32),
        "first": np.array(0, np.int64),
        "axis": np.array([0], np.int64),
        "rest": np.array([-1], np.int64),
        "maps": np.array([2, 3], np.int64),
        "two": np.array(2, np.float32),
        "dense": numbers(6, 16),
    }
    nodes = [
        node("Conv", "face kernel", "a", strides=[4, 4], pads=[1, 1, 1, 1]),
        node("Clip", "a low high", "b"),
        node("MaxPool", "b", "c", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("AveragePool", "c", "d", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("HardSigmoid", "d", "e"),
        node("HardSwish", "e", "f"),
        node("LeakyRelu", "f", "g", alpha=0.2),
        node("ReduceMean", "g", "h", axes=[2, 3]),
        node("Sigmoid", "h", "i"),
        node("Mul", "g i", "j"),
        node("Tanh", "j", "k"),
        node("Abs", "k", "l"),
        node("ReduceSum", "l maps", "m", keepdims=1),
        node("Squeeze", "m maps", "n"),
        node("Shape", "n", "o"),
        node("Gather", "o first", "p"),
        node("Unsqueeze", "p axis", "q"),
        node("Concat", "q rest", "r", axis=0),
        node("Reshape", "n r", "s"),
        node("MatMul", "s dense", "t"),
        node("Pow", "t two", "u"),
        node("Sqrt", "u", "v"),
        node("ReduceL2", "t", "w", axes=[1], keepdims=1),
        node("Div", "v w", "x"),
        node("LpNormalization", "x", "y", axis=1, p=2),
        node("Cast", "y", "z", to=1),
    ]
    return saved(folder / "mobile.onnx", nodes, constants, shape=(batch, 3, 112, 112))


def of_one_face(folder):
    """As exported with a batch of one, whose head is brought to that batch."""
    constants = {"kernel": numbers(4, 3, 3, 3), "flat": np.array([1, -1], np.int64), "dense": numbers(4 * 784, 16)}
    nodes = [
        node("Conv", "face kernel", "a", strides=[4, 4], pads=[1, 1, 1, 1]),
        node("Reshape", "a flat", "b"),
        node("MatMul", "b dense", "c"),
    ]
    return saved(folder / "one.onnx", nodes, constants, shape=(1, 3, 112, 112))
