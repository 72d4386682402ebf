"""Recognisers find a face, embed it, tell what they are, and say how to get weights that aren't there."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

import pretended
from mote_bench import registry
from mote_bench.contracts import Embedder, InputError
from mote_bench.embedders import facenet, onnx_file, places, vision
from mote_bench.embedders.callables import FromFunction
from mote_bench.embedders.dlib_resnet import DlibResNet
from portraits import portrait

EMPTY = np.full((120, 150, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def facenet_weights(tmp_path_factory):
    """Random weights in the format of facenet-pytorch's own file, with its classifier."""
    import torch

    vision.ready()
    from facenet_pytorch import InceptionResnetV1

    torch.manual_seed(0)
    state = InceptionResnetV1(pretrained=None).state_dict()
    state |= {"logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}
    path = tmp_path_factory.mktemp("weights") / "any-name.pt"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def onnx_weights(tmp_path_factory):
    """A network that gives four pixels of each channel: what went into it can be read off."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Slice", ["face", "start", "end", "axes"], ["embedding"])]
    values = [("start", [54, 54]), ("end", [56, 56]), ("axes", [2, 3])]
    made = helper.make_graph(
        nodes,
        "pixels",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3, 2, 2])],
        [helper.make_tensor(name, TensorProto.INT64, [2], value) for name, value in values],
    )
    path = tmp_path_factory.mktemp("weights") / "net.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_dlib_tells_people_apart():
    dlib = DlibResNet()
    assert isinstance(dlib, Embedder)
    *found, nobody = dlib.embed([portrait(0), portrait(0, 1), portrait(1), EMPTY])
    assert nobody is None
    first, again, other = (one.embedding for one in found)
    assert first.shape == (128,)
    assert np.linalg.norm(first - again) < 0.8 * np.linalg.norm(first - other)
    about = dlib.about()
    assert about["weights_sha256"].startswith("55533b28")
    assert "dlib" in about["recogniser"]


def test_dlib_takes_the_largest_of_two_faces():
    small = portrait(1)[::2, ::2]
    both = np.full((224, 400, 3), 90, np.uint8)
    both[:, :224], both[60:172, 260:372] = portrait(0), small
    dlib = DlibResNet()
    (pair,) = dlib.embed([both])
    (alone,) = dlib.embed([portrait(0)])
    assert pair.faces == 2
    assert np.linalg.norm(pair.embedding - alone.embedding) < 0.2


def test_dlib_from_a_folder_that_lacks_its_files(tmp_path):
    with pytest.raises(InputError, match=r"pip install 'mote-bench\[dlib\]'"):
        DlibResNet(tmp_path)


def test_facenet(facenet_weights):
    net = facenet.vggface2(facenet_weights)
    found, nobody, other = net.embed([portrait(0), EMPTY, portrait(1)])
    assert nobody is None
    assert found.embedding.shape == (512,)
    assert np.linalg.norm(found.embedding) == pytest.approx(1, abs=1e-5)
    (alone,) = net.embed([portrait(1)])
    np.testing.assert_array_equal(alone.embedding, other.embedding)
    assert "vggface2" in net.about()["recogniser"]
    assert len(net.about()["weights_sha256"]) == 64


def test_facenet_on_a_device(facenet_weights, monkeypatch):
    (here,) = facenet.vggface2(facenet_weights).embed([portrait(0)])
    monkeypatch.setattr(places, "is_cuda", lambda name: True)  # then the detector computes there too
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    with pretended.device() as done:
        net = facenet.vggface2(facenet_weights)
        (there,) = net.embed([portrait(0)])
    np.testing.assert_array_equal(there.embedding, here.embedding)
    assert {"torchvision::nms", "aten::convolution"} <= set(done)
    assert net.about()["device"] == pretended.NAME
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"


def test_a_detector_stays_on_the_cpu_beside_an_apple_device():
    assert [places.detectors_place(name) for name in ("cpu", "cuda:1", "mps")] == ["cpu", "cuda:1", "cpu"]
    assert [places.stated(name) for name in ("cpu", "cuda:1")] == [{}, {"device": "cuda"}]


@pytest.mark.parametrize(("make", "name"), [(facenet.vggface2, "20180402"), (facenet.casia_webface, "20180408")])
def test_facenet_downloads_nothing_and_says_where_its_file_goes(make, name, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError) as raised:
        make()
    assert f"{tmp_path}/checkpoints/{name}" in str(raised.value)
    assert "--weights FILE" in str(raised.value)
    assert "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_facenet_finds_its_file_in_the_cache(facenet_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "20180402-114759-vggface2.pt").symlink_to(facenet_weights)
    assert facenet.vggface2().embed([EMPTY]) == [None]


class Bomb:
    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/mote-bench-bomb",)


def test_weights_can_not_run(tmp_path):
    import os

    path = tmp_path / "weights.pt"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="can't be read as tensors"):
        facenet.vggface2(path)
    assert not os.path.exists("/tmp/mote-bench-bomb")


@pytest.mark.parametrize("content", [[1, 2], {"conv2d_1a.conv.weight": 3}, {}])
def test_weights_of_something_else(content, tmp_path):
    import torch

    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="expected a state dictionary"):
        facenet.vggface2(tmp_path / "weights.pt")


def test_onnx_gets_what_its_network_expects(onnx_weights):
    face = np.zeros((112, 112, 3), np.uint8)
    face[54:56, 54:56] = [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [100, 110, 255]]]
    rgb = np.array([[10, 40, 70, 100], [20, 50, 80, 110], [30, 60, 90, 255]])
    arcface = onnx_file.arcface(onnx_weights).of_aligned(face)
    np.testing.assert_allclose(arcface, ((rgb - 127.5) / 127.5).ravel(), atol=1e-6)
    magface = onnx_file.magface(onnx_weights).of_aligned(face)
    np.testing.assert_allclose(magface, (rgb[::-1] / 255).ravel(), atol=1e-6)


def test_onnx_finds_and_aligns(onnx_weights):
    net = onnx_file.arcface(onnx_weights)
    found, nobody = net.embed([portrait(0), EMPTY])
    assert nobody is None
    assert found.embedding.shape == (12,)
    assert "5 landmarks to 112 px, RGB" in net.about()["alignment"]


def test_onnx_without_a_file_or_with_another(tmp_path, onnx_weights):
    with pytest.raises(InputError, match="--weights MODEL"):
        onnx_file.arcface()
    (tmp_path / "bad.onnx").write_bytes(b"not onnx")
    with pytest.raises(InputError, match="can't be read as ONNX"):
        onnx_file.arcface(tmp_path / "bad.onnx")


def test_a_function_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "mine_of_test.py").write_text(
        "import numpy as np\ndef embed(picture):\n    return picture.mean(axis=(0, 1)) if picture.any() else None\n"
    )
    monkeypatch.chdir(tmp_path)
    made = FromFunction("mine_of_test:embed")
    found, nobody = made.embed([EMPTY, EMPTY * 0])
    np.testing.assert_allclose(found.embedding, [90, 90, 90])
    assert nobody is None
    assert made.about()["recogniser"] == "mine_of_test:embed"
    with pytest.raises(InputError, match="expected MODULE:FUNCTION"):
        FromFunction("mine_of_test:missing")


def test_suppression_by_hand():
    import torch

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 5], [20, 20, 30, 30]])  # overlaps .818, .5, 0
    scores = torch.tensor([0.8, 0.9, 0.7, 0.1])
    assert vision.suppressed(boxes, scores, 0.6).tolist() == [1, 2, 3]
    assert vision.suppressed(boxes, scores, 0.4).tolist() == [1, 3]
    assert vision.suppressed(boxes, scores, 0.9).tolist() == [1, 0, 2, 3]
    assert vision.suppressed(boxes[:0], scores[:0], 0.5).tolist() == []


def test_all_are_registered():
    names = {entry.name for entry in registry.names("embedders")}
    assert names >= {"dlib", "facenet-vggface2", "facenet-casia", "arcface-onnx", "magface-onnx"}
    assert names >= {"faceplugin", "mobilefacenet"}
