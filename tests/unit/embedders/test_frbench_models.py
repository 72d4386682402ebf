"""Recognisers of FRBench: the package's own embedding of an aligned face, and never its download."""

from __future__ import annotations

import json
import pickle
import socket
import sys
import urllib.request

import numpy as np
import pytest

import pretended
from commands import mote_bench
from downloads import KEY, MODEL, downloaded, settings
from mote_bench.conformance.embedders import portraits
from mote_bench.contracts import Embedder, InputError
from mote_bench.data.arrays import checksum
from mote_bench.embedders import alignment
from mote_bench.embedders.frbench_models import FRBenchModel
from mote_bench.embedders.pipeline import Recogniser
from portraits import save

FACE = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
NAME = f"frbench:{MODEL}"
OTHERWISE = {"channel": "bgr", "mean": [0.4, 0.5, 0.6], "var": [0.2, 0.25, 0.3], "size": [112, 112]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return downloaded(tmp_path_factory.mktemp("frbench"))


@pytest.fixture
def alone(monkeypatch):
    """A machine without a network, which notes who asks for it."""
    asked = []

    def refused(*given, **_):
        asked.append(given)
        raise OSError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    return asked


def made(folder, **options):
    return Recogniser.at(NAME, folder, **options).make()


@pytest.mark.parametrize("taken", [{}, OTHERWISE], ids=["as FRBench's code has it", "as the file has it"])
def test_it_is_the_embedding_of_the_package(taken, tmp_path, alone):
    import torch

    folder = downloaded(tmp_path, settings(**taken))
    ours = made(folder, alignment="dlib68")
    assert isinstance(ours, Embedder)
    import frbench

    with frbench.configure_scoped(cache=str(folder), update_check=False, verbose=False):
        package = frbench.FR(*MODEL.split("/"))
        given = torch.from_numpy(FACE.transpose(2, 0, 1).astype(np.float32))
        theirs = package(given, need_crop=False).embeddings[0].detach().numpy()
    np.testing.assert_allclose(ours.of_aligned(FACE), theirs, atol=1e-4 * np.abs(theirs).max())
    for another in (FACE[..., ::-1], FACE[::-1], FACE // 2):  # each would be seen
        assert np.abs(ours.of_aligned(another) - theirs).max() > 0.05 * np.abs(theirs).max()
    assert alone == []


def test_faces_are_found_aligned_and_named(folder, alone):
    ours = made(folder, alignment="dlib68")
    *found, nobody = ours.embed([portraits()[0], portraits()[2], np.full((120, 150, 3), 90, np.uint8)])
    assert nobody is None
    assert [one.embedding.shape for one in found] == [(32,)] * 2
    first, other = (one.embedding for one in found)
    assert np.abs(first - other).max() > 0.05 * np.abs(first).max()
    about = ours.about()
    assert about["recogniser"] == f"{NAME} of FRBench 1.1.3, 32-d"
    assert about["licence"] == "MIT (FRBench); nothing else is stated of weights trained on ms1m"
    assert about["weights_sha256"] == checksum(folder / KEY / "model.pt")
    assert about["alignment"].endswith("to 112 px, RGB, (x / 255 - 0.5) / 0.5, with its mirror image")
    assert alone == []


def test_faces_are_aligned_as_the_package_aligns_them(folder):
    """To a fraction of a grey level, where half a pixel is several; the two interpolate a little differently."""
    import frbench
    import torch

    ours, picture = made(folder, alignment="dlib68"), portraits()[0]
    marks = ours._finder.find(picture).landmarks
    given = torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32))
    theirs = frbench.align(given, torch.from_numpy(marks[None]).float(), frbench.ARCFACE_112_TEMPLATE, (112, 112))[0]
    inside = (slice(10, 100), slice(10, 100))  # beyond the picture's edge they differ

    def gap(shift):
        moved = alignment.moved(picture, marks, ours._taken.points + shift, (112, 112)).astype(float)
        return np.abs(moved - theirs.numpy().transpose(1, 2, 0))[inside].mean()

    assert gap(0) < 1 < 3 < min(gap(0.5), gap(-0.5))
    np.testing.assert_array_equal(
        ours._taken.aligned(picture, marks), alignment.moved(picture, marks, alignment.POINTS, (112, 112))
    )


def test_the_file_of_embeddings_holds_what_made_it(folder, tmp_path):
    for number, pixels in enumerate(portraits()):
        save(tmp_path / f"people/p{number // 2}/{number}.png", pixels)
    asked = ("--embedder", NAME, "--weights", folder, "--alignment", "dlib68", "--jobs", 1, "--out", "e.npz")
    done = mote_bench("embed", "people", *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "e.npz") as file:
        card, embeddings = json.loads(str(file["card"])), file["embeddings"]
    assert embeddings.shape == (6, 32)
    assert card.items() >= dict(made(folder, alignment="dlib68").about()).items()


def test_points_of_the_files_own(folder, tmp_path):
    """A template further down moves the face down: the row that was 60 is then 70."""
    lower = (alignment.POINTS + np.array([0, 10])).tolist()
    here, there = (
        made(folder, alignment="dlib68"),
        made(downloaded(tmp_path, settings(template=lower)), alignment="dlib68"),
    )
    picture = portraits()[0]
    marks = here._finder.find(picture).landmarks
    up, down = (one._taken.aligned(picture, marks).astype(int) for one in (here, there))
    assert np.abs(up[20:90, 10:100] - down[30:100, 10:100]).mean() < 2
    assert np.abs(up[20:90, 10:100] - down[20:90, 10:100]).mean() > 5


def test_it_computes_on_the_device(folder):
    here = made(folder, alignment="dlib68").of_aligned(FACE)
    with pretended.device() as done:
        net = FRBenchModel(MODEL, folder, "dlib68")
        there = net.of_aligned(FACE)
    np.testing.assert_array_equal(there, here)
    assert "aten::conv2d" in done
    assert net.about()["device"] == pretended.NAME


def test_nothing_is_downloaded_and_the_command_is_named(tmp_path, alone, monkeypatch):
    with pytest.raises(InputError) as raised:
        made(tmp_path)
    for told in (f"'{tmp_path}/manifest.json'", f"FRBENCH_CACHE={tmp_path} frbench-download {KEY}"):
        assert told in str(raised.value)
    monkeypatch.setenv("FRBENCH_CACHE", str(tmp_path / "own"))
    with pytest.raises(InputError) as raised:
        made(None)
    for told in (f"'{tmp_path}/own/manifest.json'", f" frbench-download {KEY} ", "--weights FOLDER"):
        assert told in str(raised.value)
    assert (list(tmp_path.iterdir()), alone) == ([], [])


def test_a_weights_file_that_is_missing_is_named(tmp_path, alone):
    folder = downloaded(tmp_path)
    (folder / KEY / "model.pt").unlink()
    with pytest.raises(InputError, match=f"no weights at '{folder}/{KEY}/model.pt'.*frbench-download {KEY}"):
        made(folder)
    assert alone == []


def test_the_command_line_says_it_once(tmp_path):
    (tmp_path / "people" / "a").mkdir(parents=True)
    (tmp_path / "people" / "a" / "1.jpg").write_bytes(b"never read")
    told = mote_bench("embed", "people", "--embedder", NAME, "--weights", "none", "--out", "e.npz", cwd=tmp_path)
    assert told.returncode == 2
    assert told.stderr.count("frbench-download") == 1
    assert "Traceback" not in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["people"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frbench", "none is named; expected frbench:BACKBONE/LOSS/DATASET"),
        ("frbench:irse-50", "frbench:irse-50 names no model; expected frbench:BACKBONE/LOSS/DATASET"),
        ("frbench:irse-50//ms1m", "names no model"),
        ("frbench:irse50/arcface/ms1m", "no backbone 'irse50'; the nearest are irse-50.*--list-models"),
        ("dlib:irse-50/arcface/ms1m", "expected MODULE:FUNCTION"),
    ],
)
def test_another_name_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        Recogniser.at(name, None).make()


def test_options_of_other_recognisers(folder):
    with pytest.raises(InputError, match=f"--embedder {NAME} takes no --mean; leave it out"):
        made(folder, mean="0")


class Bomb:
    def __reduce__(self):
        return sys.exit, ("the file ran",)


def test_weights_can_not_run(tmp_path):
    weights = downloaded(tmp_path) / KEY / "model.pt"
    weights.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="can't be read as tensors"):
        made(tmp_path)


def test_weights_of_another_network(tmp_path):
    import yaml

    folder = downloaded(tmp_path)
    told = settings()
    other = told | {"backbone": told["backbone"] | {"name": "mobilenet-wd2"}}
    (folder / KEY / "config.yaml").write_text(yaml.safe_dump(other))
    with pytest.raises(InputError, match=r"doesn't fit .*expected a state dictionary of mobilenet-wd2"):
        made(folder)
    none = told | {"backbone": {"name": "alexnet"}}
    (folder / KEY / "config.yaml").write_text(yaml.safe_dump(none))
    with pytest.raises(InputError, match=f"can't build the backbone 'alexnet'.*frbench-download {KEY} --force"):
        made(folder)


def test_weights_that_give_no_embedding(tmp_path):
    import torch

    folder = downloaded(tmp_path)
    path = folder / KEY / "model.pt"
    torch.save({name: one * float("nan") for name, one in torch.load(path, weights_only=True).items()}, path)
    with pytest.raises(InputError, match=r"gives no finite vector \(shape \(32,\)\).*--force"):
        made(folder)


def test_a_face_of_a_size_that_the_network_can_not_take(tmp_path):
    with pytest.raises(InputError, match="fails on a face of 8 px, RGB"):
        made(downloaded(tmp_path, settings(size=[8, 8])))


def test_settings_of_frbench_that_can_not_be_read(folder, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("[")
    monkeypatch.setenv("FRBENCH_CONFIG", str(tmp_path / "config.json"))
    with pytest.raises(InputError, match=r"FRBench's own settings can't be read.*--weights FOLDER"):
        made(None)
    assert made(folder, alignment="dlib68").of_aligned(FACE).shape == (32,)


@pytest.mark.parametrize("missing", ["frbench", "yaml"])
def test_without_the_package(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        InputError, match=rf"^{missing} isn't installed. Install it: pip install 'mote-bench\[frbench\]'"
    ):
        made(None)
