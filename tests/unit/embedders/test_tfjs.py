"""A TensorFlow.js graph made by hand, and the ONNX file of it: the same numbers."""

from __future__ import annotations

import base64
import json
import sys

import numpy as np
import pytest

from commands import mote_bench
from mote_bench.contracts import InputError
from mote_bench.embedders import onnx_file
from mote_bench.embedders.tfjs import converted

KERNEL = np.arange(2 * 2 * 3 * 2, dtype=np.float32).reshape(2, 2, 3, 2) / 10 - 1
DEEP = np.array([[[[1.0], [-2.0]]]], np.float32)  # 1 x 1, two channels
SCALE = np.array([0.5, 2.0], np.float32)
DENSE = np.array([[1.0, 0, 1], [0, 1, -1]], np.float32)


def node(name, op, *inputs, **attr):
    return {"name": name, "op": op, "input": list(inputs), "attr": attr}


def strided(step, padding="VALID"):
    return {
        "strides": {"list": {"i": ["1", str(step), str(step), "1"]}},
        "padding": {"s": base64.b64encode(padding.encode()).decode()},
    }


def graph():
    """Padded by one below and right, convolved over the whole picture in steps of 113, scaled, and made flat."""
    weights = {
        "around": np.array([[0, 0], [0, 1], [0, 1], [0, 0]], np.int32),
        "kernel": KERNEL,
        "deep": DEEP,
        "scale": SCALE,
        "zero": np.zeros((), np.float32),
        "flat": np.array([-1, 2], np.int32),
        "dense": DENSE,
    }
    nodes = [
        {"name": "data", "op": "Placeholder", "attr": {}},
        *({"name": name, "op": "Const", "attr": {}} for name in weights),
        node("padded", "Pad", "data", "around"),
        node("conv", "Conv2D", "padded", "kernel", **strided(113)),
        node("depth", "DepthwiseConv2dNative", "conv", "deep", **strided(1, "SAME")),
        node("up", "Maximum", "depth", "zero"),
        node("down", "Minimum", "depth", "zero"),
        node("scaled", "Mul", "down", "scale"),
        node("prelu", "AddV2", "up", "scaled"),
        node("row", "Reshape", "prelu", "flat"),
        node("out", "MatMul", "row", "dense"),
    ]
    return nodes, weights


def write(folder, nodes, weights):
    (folder / "m.bin").write_bytes(b"".join(value.tobytes() for value in weights.values()))
    held = [{"name": name, "shape": list(value.shape), "dtype": str(value.dtype)} for name, value in weights.items()]
    manifest = [{"paths": ["m.bin"], "weights": held}]
    path = folder / "m.json"
    path.write_text(json.dumps({"modelTopology": {"node": nodes}, "weightsManifest": manifest}))
    return path


def test_the_same_numbers(tmp_path):
    (tmp_path / "m.onnx").write_bytes(converted(write(tmp_path, *graph())))
    face = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    told = onnx_file.arcface(tmp_path / "m.onnx").of_aligned(face)
    corner = face[:2, :2].astype(np.float64)  # the only place where the kernel fits
    depth = np.einsum("hwc,hwco->o", corner, KERNEL) * DEEP.ravel()
    row = np.maximum(depth, 0) + np.minimum(depth, 0) * SCALE
    np.testing.assert_allclose(told, row @ DENSE, rtol=1e-4)


def test_what_is_no_such_graph(tmp_path):
    nodes, weights = graph()
    path = write(tmp_path, [*nodes, node("odd", "FFT", "out")], weights)
    with pytest.raises(InputError, match="operation 'FFT'"):
        converted(path)
    (tmp_path / "m.bin").write_bytes(b"short")
    with pytest.raises(InputError, match="can't be read as a graph model"):
        converted(path)
    for content in ("{}", "not json", "[]"):
        path.write_text(content)
        with pytest.raises(InputError, match="can't be read as a graph model"):
            converted(path)


def test_from_the_command_line(tmp_path):
    write(tmp_path, *graph())
    done = mote_bench("convert", "tfjs", "m.json", "m.onnx", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "written to 'm.onnx'\n")
    assert (tmp_path / "m.onnx").stat().st_size > 0
    failed = mote_bench("convert", "tfjs", "none.json", "m.onnx", cwd=tmp_path)
    assert (failed.returncode, failed.stderr.count("\n")) == (2, 1)
    assert "none.json" in failed.stderr


def test_without_onnx_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)  # as Python itself says that there is none
    with pytest.raises(InputError, match=r"onnx isn't installed\. Install it: pip install 'mote-bench\[onnx\]'"):
        converted(write(tmp_path, *graph()))
