"""Recognisers as they are exported: any form of input, one of several outputs; what can't serve is refused at once."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from mote_bench.contracts import InputError
from mote_bench.embedders import alignment, mtcnn, onnx_file, onnx_session
from networks import node, numbers, saved

FACE = np.random.default_rng(3).integers(0, 256, (112, 112, 3)).astype(np.uint8)
POOLED = [
    node("AveragePool", "pixels", "pooled", kernel_shape=[16, 16], strides=[16, 16]),
    node("Flatten", "pooled", "flat"),
    node("MatMul", "flat matrix", "embedding"),
]
MATRIX = numbers(3 * 7 * 7, 32) / 10


@pytest.fixture(autouse=True)
def no_detector(monkeypatch):
    monkeypatch.setattr(mtcnn, "Detector", lambda device: SimpleNamespace(about=lambda: "5 landmarks"))


def pooled(path, before=(), *, after=POOLED, matrix=MATRIX, outputs=None, **form):
    first = list(before) or [node("Identity", "face", "pixels")]
    return saved(path, [*first, *after], {"matrix": matrix}, outputs=outputs, **form)


@pytest.mark.parametrize(
    ("asked", "installed", "used"),
    [
        ("cpu", ["CUDAExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"]),
        ("mps", ["CUDAExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"]),
        ("cuda", ["CPUExecutionProvider"], ["CPUExecutionProvider"]),
        ("cuda", ["CUDAExecutionProvider"], [("CUDAExecutionProvider", {"device_id": 0}), "CPUExecutionProvider"]),
        ("cuda:2", ["CUDAExecutionProvider"], [("CUDAExecutionProvider", {"device_id": 2}), "CPUExecutionProvider"]),
    ],
)
def test_cuda_is_used_where_it_is_asked_for_and_installed(tmp_path, monkeypatch, asked, installed, used):
    given, made = [], onnxruntime.InferenceSession

    def session(path, options, providers):
        given.extend(providers)
        return made(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: installed)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    running, _ = onnx_session.opened(pooled(tmp_path / "a.onnx"), asked)
    assert given == used
    assert onnx_session.place_of(running, asked) == "cpu"  # as CUDA's libraries didn't load
    assert onnx_session.place_of(SimpleNamespace(get_providers=lambda: ["CUDAExecutionProvider"]), "cuda:2") == "cuda:2"


def cosine(one, other):
    one, other = (np.asarray(each, np.float64).ravel() for each in (one, other))
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


@pytest.fixture
def expected(tmp_path):
    return onnx_file.arcface(pooled(tmp_path / "plain.onnx")).of_aligned(FACE)


TO_FIRST = node("Transpose", "face", "pixels", perm=[0, 3, 1, 2])
HALF = {"kind": TensorProto.FLOAT16, "matrix": MATRIX.astype(np.float16)}
FORMS = {
    "channels last": ([TO_FIRST], {"shape": ["n", 112, 112, 3]}, "N x 112 x 112 x 3 float32"),
    "half precision": ([], HALF, "N x 3 x 112 x 112 float16"),
    "one face": ([], {"shape": [1, 3, 112, 112]}, "1 x 3 x 112 x 112 float32"),
    "16 faces": ([], {"shape": [16, 3, 112, 112]}, "16 x 3 x 112 x 112 float32"),
    "no size": ([], {"shape": ["n", 3, "h", "w"]}, "N x 3 x 112 x 112 float32"),
    "no shape": ([], {"shape": [None, None, None, None]}, "N x 3 x 112 x 112 float32"),
    "double precision": (
        [node("Cast", "face", "pixels", to=1)],
        {"kind": TensorProto.DOUBLE},
        "N x 3 x 112 x 112 float64",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_input_with_onnxruntime_and_with_torch(form, expected, tmp_path):
    before, options, told = FORMS[form]
    made = onnx_file.arcface(pooled(tmp_path / "made.onnx", before, **options))
    found = made.of_aligned(FACE)
    assert found.shape == (32,)
    assert found.dtype == np.float32
    assert cosine(found, expected) > 0.9999
    assert made.about()["input"] == told
    faces = torch.from_numpy(np.stack([FACE, FACE[::-1].copy()]).astype(np.float32) / 127.5 - 1).movedim(-1, 1)
    assert cosine(made.network(faces).detach()[0], expected) > 0.9999


def test_whole_pixels_are_given_as_they_are(expected, tmp_path):
    before = [node("Cast", "face", "whole", to=1), node("Sub", "whole c", "s"), node("Div", "s c", "pixels")]
    constants = {"matrix": MATRIX, "c": np.array(127.5, np.float32)}
    file = saved(tmp_path / "whole.onnx", [*before, *POOLED], constants, kind=TensorProto.UINT8)
    made = onnx_file.arcface(file)
    np.testing.assert_allclose(made.of_aligned(FACE), expected, atol=1e-5)
    assert made.about()["alignment"].endswith("RGB, (x - 0) / 1")
    with pytest.raises(InputError, match=r"takes whole pixels from 0 to 255 \(uint8\); leave out --mean"):
        onnx_file.arcface(file, mean="127.5", scale="128")


def test_grey_and_other_sizes(tmp_path):
    file = pooled(tmp_path / "grey.onnx", matrix=numbers(64, 32), shape=["n", 1, 128, 128])
    made = onnx_file.arcface(file, mean="0", scale="255")
    picture = np.full((128, 128, 3), (255, 0, 0), np.uint8)
    whole = made.of_aligned(np.full_like(picture, 255))
    np.testing.assert_allclose(made.of_aligned(picture), 0.299 * whole, rtol=1e-4)
    assert "5 landmarks to 128 px, grey, (x - 0) / 255" in made.about()["alignment"]
    with pytest.raises(InputError, match="--order BGR: the file takes one channel"):
        onnx_file.arcface(file, order="BGR")
    faces = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).movedim(-1, 0)[None]
    assert cosine(made.network(faces).detach(), whole) > 0.9999


def test_where_landmarks_go_in_another_size():
    np.testing.assert_array_equal(alignment.points(112, 112), alignment.POINTS)
    np.testing.assert_allclose(alignment.points(112, 96), alignment.POINTS - [8, 0])
    np.testing.assert_allclose(alignment.points(224, 224), 2 * alignment.POINTS)
    picture = np.zeros((160, 160, 3), np.uint8)
    picture[..., 0] = np.arange(160)
    moved = alignment.aligned(picture, alignment.points(112, 96) + np.array([20, 30]), 112, 96)
    np.testing.assert_allclose(moved[50, :, 0], np.arange(20, 116), atol=1)


SEVERAL = [*POOLED, node("ReduceL2", "embedding", "norm", axes=[1]), node("MatMul", "flat matrix", "other")]


def test_the_embedding_among_several_outputs(expected, tmp_path):
    file = pooled(tmp_path / "a.onnx", after=SEVERAL, outputs=["norm", "embedding"])
    made = onnx_file.arcface(file)
    np.testing.assert_allclose(made.of_aligned(FACE), expected)
    assert made.about()["output"] == "embedding"
    two = pooled(tmp_path / "b.onnx", after=SEVERAL, outputs=["other", "norm", "embedding"])
    with pytest.raises(InputError, match=r"has 3 outputs: other \(1 x 32\), norm .*name the one .*: --output other"):
        onnx_file.arcface(two)
    np.testing.assert_allclose(onnx_file.arcface(two, output="embedding").of_aligned(FACE), expected)
    with pytest.raises(InputError, match=r"--output feature: .* has no such output; it has: other, norm, embedding"):
        onnx_file.arcface(two, output="feature")


def flat(kind, inputs, **attributes):
    return [node("Flatten", "face", "flat"), node(kind, inputs, "embedding", **attributes)]


def training(path):
    """A batch norm of the batch, as a network in training mode is exported."""
    nodes = [
        node("Flatten", "face", "flat"),
        node("ReduceMean", "flat", "mean", axes=[0], keepdims=1),
        node("Mul", "mean twice", "more"),
        node("Sub", "flat more", "embedding"),
    ]
    return saved(path, nodes, {"twice": np.array(2, np.float32)})


@pytest.mark.parametrize(
    ("nodes", "form", "message"),
    [
        (flat("Identity", "flat"), {"shape": ["n", 4, 112, 112]}, "expected one input of aligned faces"),
        (flat("Identity", "flat"), {"shape": ["n", 3, 8, 8]}, "expected one input of aligned faces"),
        (flat("Identity", "flat"), {"shape": ["n", 37632]}, "expected one input of aligned faces"),
        (flat("Identity", "flat"), {"kind": TensorProto.INT64}, "expected one input of aligned faces"),
        (flat("Reshape", "flat wrong"), {}, "fails on a blank face, N x 3 x 112 x 112 float32"),
        (flat("Div", "flat zero"), {}, "numbers that aren't finite .*check --mean and --scale"),
        (flat("ReduceSum", "flat one", keepdims=0), {}, "expected a vector for each face"),
        (flat("Reshape", "flat some"), {"shape": [4, 3, 112, 112]}, "'embedding' of shape 2 x 75264 for 4 x one face"),
    ],
)
def test_what_can_not_serve_is_refused_at_once(nodes, form, message, tmp_path):
    constants = {
        "zero": np.zeros((), np.float32),
        "wrong": np.array([7, 11], np.int64),
        "one": np.array([1], np.int64),
        "some": np.array([2, -1], np.int64),
    }
    used = {name for each in nodes for name in each.input}
    kept = {name: value for name, value in constants.items() if name in used}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=message):
            onnx_file.arcface(saved(tmp_path / "a.onnx", nodes, kept, **form))


def test_networks_in_training_mode_are_refused(tmp_path):
    with pytest.raises(InputError, match="depends on the faces beside it; the file was exported in training mode"):
        onnx_file.arcface(training(tmp_path / "a.onnx"))
    noisy = [node("RandomNormalLike", "face", "noise"), *flat("Identity", "flat")]
    noisy[1] = node("Flatten", "noise", "flat")
    with pytest.raises(InputError, match="another embedding each time for the same face"):
        onnx_file.arcface(saved(tmp_path / "b.onnx", noisy, {}))


def test_the_first_arcface_of_the_model_zoo(tmp_path):
    """onnx/models#242: its batch norms have a mean for each pixel; #91: it subtracts a double from a float."""
    norm = node("BatchNormalization", "face many many many many", "maps", spatial=0)
    file = saved(tmp_path / "a.onnx", [norm], {"many": np.ones((3, 112, 112), np.float32)}, opset=7)
    assert onnx_file.arcface(file).of_aligned(FACE).shape == (3 * 112 * 112,)
    file = saved(tmp_path / "b.onnx", [node("Sub", "face half", "pixels")], {"half": np.array(127.5)})
    with pytest.raises(InputError, match="can't be read as ONNX"):
        onnx_file.arcface(file)


def test_a_free_batch_that_its_head_does_not_take(tmp_path):
    """insightface#2406: MobileFaceNet's last layers are fixed to one face, whatever its input says."""
    constants = {"flat": np.array([1, 37632], np.int64), "dense": numbers(37632, 16)}
    nodes = [node("Reshape", "face flat", "a"), node("MatMul", "a dense", "b")]
    assert onnx_file.arcface(saved(tmp_path / "a.onnx", nodes, constants)).of_aligned(FACE).shape == (16,)


def test_two_inputs_are_named(tmp_path):
    made = helper.make_graph(
        [node("Add", "face also", "embedding")],
        "two",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 112, 112]) for name in ("face", "also")],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "two.onnx")
    with pytest.raises(InputError, match=r"takes face .*; also .*expected one input"):
        onnx_file.arcface(tmp_path / "two.onnx")
