"""An ONNX network as a torch module: the numbers that onnxruntime gives, and gradients through them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import pretended
from mote_bench.contracts import InputError
from mote_bench.embedders import onnx_file, onnx_torch
from mote_bench.explain import pixels
from networks import RNG, as_arcface, as_mobile, as_tensorflow, node, numbers, of_one_face, saved


@pytest.mark.parametrize("file", [as_arcface, as_tensorflow, as_mobile, of_one_face])
@pytest.mark.parametrize("maker", [onnx_file.arcface, onnx_file.magface])
def test_torch_gives_what_onnxruntime_gives(file, maker, tmp_path):
    recogniser = maker(file(tmp_path))
    faces = RNG.integers(0, 256, (3, 112, 112, 3)).astype(np.uint8)
    expected = np.array([recogniser.of_aligned(face) for face in faces])
    given = torch.from_numpy(faces.astype(np.float32) / 127.5 - 1).movedim(-1, 1)
    told = recogniser.network(given).detach().numpy()
    np.testing.assert_allclose(told, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=2e-5)


@pytest.mark.parametrize("file", [as_arcface, as_tensorflow, as_mobile])
def test_the_network_computes_on_a_device(file, tmp_path):
    recogniser = onnx_file.magface(file(tmp_path))
    faces = torch.from_numpy(numbers(2, 3, 112, 112))
    expected = recogniser.network(faces).detach()
    with pretended.device() as done:
        network = recogniser.network.to(pretended.NAME)
        assert torch.equal(network(faces.to(pretended.NAME)).detach().cpu(), expected)
    assert "aten::convolution" in done


def test_gradients_reach_the_pixels(tmp_path):
    recogniser = pixels.check(onnx_file.arcface(as_arcface(tmp_path)), "arcface-onnx")
    face = torch.from_numpy(numbers(1, 3, 112, 112)).requires_grad_()
    (slope,) = torch.autograd.grad(recogniser.network(face)[0, 0], face)
    towards = torch.from_numpy(numbers(1, 3, 112, 112))
    step = 1e-3
    with torch.no_grad():
        up, down = (recogniser.network(face + sign * step * towards)[0, 0] for sign in (1, -1))
    assert float((slope * towards).sum()) == pytest.approx(float((up - down) / (2 * step)), rel=0.05)


def test_the_last_maps_are_those_after_the_shortcut(tmp_path):
    assert onnx_file.arcface(as_arcface(tmp_path)).maps.output == "g"
    assert onnx_file.arcface(as_tensorflow(tmp_path)).maps.output == "a"


def test_its_maps_explain_a_template(tmp_path):
    """Grad-CAM++ through the file's network and a template."""
    recogniser = pixels.check(onnx_file.arcface(as_arcface(tmp_path)), "arcface-onnx")
    faces = torch.from_numpy(numbers(3, 2, 3, 112, 112))
    embeddings = recogniser.network(faces.flatten(0, 1)).detach().numpy()

    def answer(probes):
        return (probes * torch.from_numpy(embeddings[::2, None])).sum(-1)

    heat = pixels.heat(answer, recogniser, faces)
    assert heat.shape == (3, 2, 112, 112)
    assert float(heat.min()) >= 0
    assert (heat[:, 1].amax((1, 2)) > 0.9).any()  # at its own face an answer has no slope
    np.testing.assert_allclose(pixels.of_faces(answer, recogniser)(faces)[:, 0], np.ones(3), atol=1e-5)


def test_what_is_not_known_is_said(tmp_path):
    strange = saved(tmp_path / "a.onnx", [node("Erf", "face", "out")], {})
    with pytest.raises(InputError, match="operation Erf, which gradients aren't taken through"):
        pixels.check(onnx_file.arcface(strange), "arcface-onnx")
    flat = saved(tmp_path / "b.onnx", [node("GlobalAveragePool", "face", "out")], {})
    with pytest.raises(InputError, match="no convolution whose maps are wider"):
        pixels.check(onnx_file.arcface(flat), "arcface-onnx")
    lower = [node("Conv", "face kernel", "out", auto_pad="SAME_LOWER")]
    with pytest.raises(InputError, match="by SAME_LOWER; expected"):
        pixels.check(onnx_file.arcface(saved(tmp_path / "c.onnx", lower, {"kernel": numbers(1, 3, 2, 2)})), "x")


def test_what_leads_to_other_outputs_is_left_out(tmp_path):
    nodes = [
        node("Flatten", "face", "flat"),
        node("MatMul", "flat dense", "embedding"),
        node("Erf", "embedding", "other"),
    ]
    file = saved(tmp_path / "a.onnx", nodes, {"dense": numbers(37632, 16)}, outputs=["other", "embedding"])
    made = onnx_file.arcface(file, output="embedding")
    assert made.network(torch.zeros(2, 3, 112, 112)).shape == (2, 16)


def test_a_module_that_differs_from_the_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(onnx_torch._OPERATIONS, "PRelu", lambda _, x, slope: x)
    with pytest.raises(InputError, match="gives other embeddings with gradients than without"):
        _ = onnx_file.arcface(as_arcface(tmp_path)).network
