"""FRBench's downloads: what its manifest and settings say is checked before it is used."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from downloads import KEY, MODEL, downloaded, settings
from mote_bench.contracts import InputError
from mote_bench.embedders import alignment, frbench_files
from mote_bench.embedders.frbench_files import Model, Taken

ONE = Model.named(MODEL)


@pytest.fixture
def folder(tmp_path):
    """A manifest and settings; no weights are read here."""
    return downloaded(tmp_path / "downloads", weights=False)


def listed(folder, **changed):
    """The manifest with other things said of the model."""
    told = json.loads((folder / "manifest.json").read_text())
    told[KEY] |= changed
    (folder / "manifest.json").write_text(json.dumps(told))


def test_commands_hold_the_folder_as_a_shell_reads_it(tmp_path):
    named = Model.named(MODEL, tmp_path / "my downloads")
    assert named.fetch == f"FRBENCH_CACHE='{tmp_path}/my downloads' frbench-download {KEY}"
    assert "--weights FOLDER" not in named.how
    assert ONE.how.endswith(f"frbench-download {KEY} -- or give the folder of its downloads: --weights FOLDER")
    assert str(ONE) == f"frbench:{MODEL}"


def test_the_manifest_names_the_files(folder):
    assert frbench_files.found(folder, ONE) == (folder / KEY / "config.yaml", folder / KEY / "model.pt")


def test_a_model_that_the_manifest_does_not_list(folder):
    with pytest.raises(
        InputError, match=f"lists no mobilenet-wd4_cosface_ms1m; the nearest are {KEY}. frbench-download"
    ):
        frbench_files.found(folder, Model.named("mobilenet-wd4/cosface/ms1m"))


@pytest.mark.parametrize(
    "changed",
    [
        {"target_name": ".."},
        {"target_name": "/etc"},
        {"contents": {"config": "../../config.yaml", "weight": "model.pt"}},
        {"contents": {"config": "config.yaml", "weight": "/etc/passwd"}},
    ],
)
def test_a_manifest_that_points_out_of_its_folder(folder, changed):
    listed(folder, **changed)
    with pytest.raises(InputError, match=r"which lies outside its folder\. Fetch it again: .* --force --refresh"):
        frbench_files.found(folder, ONE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "7",
        "[" * 100_000,
        json.dumps({KEY: 3}),
        json.dumps({KEY: {"target_name": "a"}}),
        " " * 2**20 + "{}",
        "NaN",
    ],
    ids=["empty", "list", "number", "deep", "no entry", "no contents", "long", "nan"],
)
def test_a_manifest_that_is_none(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"can't be read .*expected FRBench's manifest"):
        frbench_files.found(folder, ONE)


def test_what_the_settings_leave_out_is_as_in_the_package(folder):
    name, arguments, taken = frbench_files.settings(folder / KEY / "config.yaml", ONE)
    assert (name, arguments["num_features"]) == ("mobilenet-wd4", 32)
    assert str(taken) == "112 px, RGB, (x / 255 - 0.5) / 0.5"
    import inspect

    from mote_bench.embedders import vision

    vision.ready()
    import frbench
    from frbench.utils import Preprocessor

    default = inspect.signature(Preprocessor).parameters
    assert (taken.mean, taken.scale) == (default["mean"].default, default["std"].default)
    assert ((taken.height, taken.width), taken.order.lower()) == (default["size"].default, default["channel"].default)
    np.testing.assert_allclose(taken.points, frbench.ARCFACE_112_TEMPLATE.numpy(), atol=1e-3)


def test_the_size_of_a_face_that_is_not_square():
    taken = Taken(112, 96, alignment.points(112, 96), (0.5, 0.5, 0.5), (0.25, 0.5, 1.0), "BGR")
    assert str(taken) == "112 x 96 px, BGR, (x / 255 - 0.5) / (0.25, 0.5, 1)"
    face = np.zeros((112, 96, 3), np.uint8)
    face[3, 4] = [255, 0, 51]
    made = taken.pixels(face)
    assert made.shape == (3, 112, 96)
    np.testing.assert_allclose(made[:, 3, 4], [(0.2 - 0.5) / 0.25, -1, 0.5], atol=1e-6)
    picture = np.random.default_rng(0).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    marks = alignment.POINTS + 20
    np.testing.assert_array_equal(taken.aligned(picture, marks), alignment.aligned(picture, marks, 112, 96))


@pytest.mark.parametrize(
    "taken",
    [
        {"mean": [0.5, 0.5]},
        {"mean": 0.5},
        {"mean": ["a", 0, 0]},
        {"mean": [float("nan"), 0, 0]},
        {"var": [0, 1, 1]},
        {"std": [-1, 1, 1]},
        {"channel": "grey"},
        {"size": [112]},
        {"size": 112},
        {"size": [112, 10**9]},
        {"size": [112.5, 112]},
        {"template": [[1, 2]] * 4},
        {"template": [[1, 2, 3]] * 5},
        {"template": 3},
    ],
    ids=str,
)
def test_an_input_that_is_none(folder, taken):
    path = folder / KEY / "config.yaml"
    path.write_text(yaml.safe_dump(settings(**taken)))
    with pytest.raises(InputError, match=f"can't be read .*expected the settings of frbench:.*{KEY} --force"):
        frbench_files.settings(path, ONE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "{",
        "backbone: {}",
        "backbone: {name: 3}",
        "backbone: {name: mobilenet-wd4, kwargs: 3}",
        "backbone: {name: mobilenet-wd4}\ninput: 3",
        "backbone: {name: !!python/object/apply:os.getcwd []}",
        "#" * (2**20 + 1),
    ],
)
def test_settings_that_are_none(folder, text):
    path = folder / KEY / "config.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"can't be read .*expected the settings of frbench:"):
        frbench_files.settings(path, ONE)
