"""An ONNX recogniser that subtracts and scales inside its graph, and one that wants other pixels than it is given.

insightface#1502 ("validation rate was 4 %") and #1417 are of this kind: pixels are normalised twice, or not at all, and
every face gets the same embedding.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mote_bench import conformance
from mote_bench.cli.commands.embed import embed
from mote_bench.contracts import InputError
from mote_bench.embedders import mtcnn
from mote_bench.execution import workers
from networks import node, numbers, saved
from workshop import one_after_the_other

MATRIX = numbers(3 * 7 * 7, 64)


def network(path: Path, *before: Any, shift: float = 0.0, **constants: Any) -> Path:
    """Pooled pixels through a matrix; ``before`` leads from ``face`` to ``pixels``, a bias of ``shift`` drowns them."""
    first = [*before] or [node("Identity", "face", "pixels")]
    rest = [
        node("AveragePool", "pixels", "pooled", kernel_shape=[16, 16], strides=[16, 16]),
        node("Flatten", "pooled", "flat"),
        node("Gemm", "flat matrix bias", "embedding"),
    ]
    bias = np.full(64, shift, np.float32)
    values = {name: np.asarray(value, np.float32) for name, value in constants.items()}
    return saved(path, [*first, *rest], {"matrix": MATRIX, "bias": bias, **values})


@pytest.fixture(autouse=True)
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pictures each of three people, whose faces the detector finds where they are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "run", one_after_the_other)
    monkeypatch.setattr(mtcnn.Detector, "find", lambda self, picture: mtcnn.Detected(np.zeros(4), PLACES, 1))
    for path in (Path(conformance.__file__).parent / "portraits").glob("*.jpg"):
        folder = Path("faces") / path.stem[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)


PLACES = np.array([[85.0, 95], [140, 95], [112, 125], [90, 155], [135, 155]])


def made(weights: Path, **options: str) -> tuple[Any, dict[str, str]]:
    embed(Path("faces"), "arcface-onnx", Path("a.npz"), weights=weights, jobs=1, **options)
    stored = np.load("a.npz")
    return stored["embeddings"], json.loads(str(stored["card"]))


INSIDE = {
    "subtracted and multiplied, as MXNet exports": (
        [node("Sub", "face c", "s", name="_minusscalar0"), node("Mul", "s k", "pixels", name="_mulscalar0")],
        {"c": [127.5], "k": [1 / 127.5]},
    ),
    "divided, then shifted, for each channel": (
        [node("Div", "face c", "s"), node("Add", "s k", "pixels")],
        {"c": np.full((1, 3, 1, 1), 127.5), "k": np.full((3, 1, 1), -1)},
    ),
    "a batch norm of the pixels": (
        [node("BatchNormalization", "face one zero mean variance", "pixels", epsilon=0.0)],
        {"one": np.ones(3), "zero": np.zeros(3), "mean": np.full(3, 127.5), "variance": np.full(3, 127.5**2)},
    ),
    "shares of 255 taken to -1 to 1": (
        [node("Mul", "face k", "s"), node("Sub", "s one", "pixels")],
        {"k": [2], "one": [1]},
    ),
}


@pytest.mark.parametrize("how", INSIDE)
def test_pixels_are_normalised_once(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected, card = made(network(Path("plain.onnx")))
    assert "(x - 127.5) / 127.5 is assumed" in card["assumed"]
    nodes, constants = INSIDE[how]
    given, card = made(network(Path("inside.onnx"), *nodes, **constants))
    np.testing.assert_allclose(given, expected, atol=2e-4)
    assert "the file's graph computes" in card["assumed"]
    assert f"note: arcface-onnx: {card['assumed']}\n" in capsys.readouterr().err


def test_a_file_that_does_not_tell_is_refused_with_the_options_that_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Its first layer was trained on pixels from 0 to 255, and nothing in the graph says so."""
    file = network(Path("raw.onnx"), shift=400.0)
    with pytest.raises(InputError, match=r"all alike \(mean cosine 1\.0000, .*Give --mean 0 --scale 1 for "):
        made(file)
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["faces", "raw.onnx"]
    capsys.readouterr()
    embeddings, card = made(file, mean="0", scale="1", order="bgr")
    assert len(embeddings) == 6
    assert "BGR, (x - 0) / 1" in card["alignment"]
    assert "assumed" not in card
    assert "note" not in capsys.readouterr().err


def test_a_second_recogniser_has_options_of_its_own() -> None:
    file, other = network(Path("plain.onnx")), network(Path("raw.onnx"), shift=400.0)
    asked = {"second": "arcface-onnx", "second_weights": other}
    with pytest.raises(InputError, match="Give --second-mean 0 --second-scale 1 for"):
        made(file, **asked)
    made(file, **asked, second_mean="0", second_scale="1")
    assert "(x - 0) / 1" in json.loads(str(np.load("a.npz")["card"]))["second_alignment"]
