"""`explain`, from the words to the page."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mote_bench.cli.commands.explain import explain
from mote_bench.contracts import InputError
from mote_bench.data.pictures import layouts
from mote_bench.explain import explained, page, pixels, subjects
from populations import gaussian_faces


class Corner:
    """A recogniser of 16-pixel pictures that looks at their upper left quarter alone."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.maps = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), _Cut())
        self.network = nn.Sequential(self.maps, nn.Flatten(), nn.Linear(6 * 256, 8)).eval()

    def aligned(self, picture):
        return torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).movedim(-1, 0)


class _Cut(nn.Module):
    def forward(self, maps):
        seen = torch.zeros_like(maps)
        seen[..., :8, :8] = 1
        return maps * seen


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for person in range(36):
        face = rng.integers(0, 255, (16, 16, 3))
        for image in range(2):
            shown = np.clip(face + rng.integers(-20, 20, face.shape), 0, 255).astype(np.uint8)
            (tmp_path / f"p{person:02d}").mkdir(exist_ok=True)
            Image.fromarray(shown).save(tmp_path / f"p{person:02d}" / f"{image}.png")
    return tmp_path


def test_pixels_that_the_recogniser_does_not_see_explain_nothing(folder) -> None:
    recogniser = pixels.check(Corner(), "corner")
    chosen, enrolled, faces = pixels.gather(layouts.read(folder), recogniser, people=3)
    assert chosen.references.shape == (3, 8)
    assert faces.shape == (3, 2, 3, 16, 16)
    made = explained.in_pixels("cosine", chosen, recogniser, faces)
    (heat,) = made.importance.values()
    assert heat[..., :8, :8].sum() == heat.sum() > 0
    assert (made.answers[:, 0] > made.answers[:, 1]).all()
    files = page.render([made], (pixels.pixels(enrolled), pixels.pixels(faces)), of="<b>pictures")
    assert files["heatmaps.png"][:4] == files["curves.png"][:4] == b"\x89PNG"
    assert b"<b>pictures" not in files["explain.html"]


def test_two_schemes_side_by_side(tmp_path) -> None:
    faces = gaussian_faces(160, 4, dimension=16)
    np.savez(tmp_path / "faces.npz", embeddings=faces.embeddings, identity=faces.identity, **faces.attributes)
    explain(str(tmp_path / "faces.npz"), schemes="cosine,mote-linear", people=8, out=tmp_path / "made")
    rows = list(csv.DictReader((tmp_path / "made" / "explain.csv").open()))
    assert [row["scheme"] for row in rows] == ["cosine"] * 3 + ["mote-linear"] * 3
    assert {row["n"] for row in rows} == {"8"}
    by_method = {(row["scheme"], row["method"]): float(row["faithfulness"]) for row in rows}
    for scheme in ("cosine", "mote-linear"):
        assert by_method[scheme, "integrated gradients"] > by_method[scheme, "random order"] + 0.2


class Answerless:
    """A scheme that gives no gradients."""


def test_a_scheme_without_gradients_is_refused_by_name(monkeypatch) -> None:
    monkeypatch.setattr(subjects.registry, "load", lambda kind, name: Answerless())
    faces = gaussian_faces(40, 2, dimension=16)
    chosen = subjects.Subjects(
        faces.embeddings[:4], subjects.paired(faces.embeddings[4:8]), faces.rows(np.arange(20, 80)), faces.embeddings
    )
    with pytest.raises(InputError, match="'mine' can't be explained"):
        subjects.answers("mine", chosen)


def test_a_recogniser_without_gradients_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="--embedder dlib: gradients don't pass"):
        pixels.check(object(), "dlib")


def test_an_onnx_file_is_told_what_it_takes_as_for_embed(folder, monkeypatch) -> None:
    def made(**given):
        raise InputError(f"given {given}")

    monkeypatch.setattr("mote_bench.registry.factory", lambda kind, name: made)
    told = r"given {'weights': .*Path\('.*/a.onnx'\), 'mean': '0', 'order': 'BGR', 'alignment': 'dlib68'}"
    with pytest.raises(InputError, match=told):
        explain(
            pictures=folder, embedder="onnx", weights=Path("a.onnx"), mean="0", order="BGR", alignment="dlib68",
            schemes="cosine", people=3,
        )  # fmt: skip


@pytest.mark.parametrize("option", ["weights", "mean", "output"])
def test_what_is_told_of_a_recogniser_needs_pictures(option) -> None:
    with pytest.raises(InputError, match=f"--{option} without --pictures"):
        explain(**{option: "x"})


@pytest.mark.slow(minutes=0.5)
def test_facenet_with_weights_from_a_file(tmp_path) -> None:
    """Random weights in facenet-pytorch's format, and rendered people: everything but the meaning of the map."""
    from mote_bench.embedders import vision
    from mote_bench.embedders.facenet import vggface2
    from portraits import portrait, save

    vision.ready()
    from facenet_pytorch import InceptionResnetV1

    torch.manual_seed(0)
    torch.save(InceptionResnetV1(pretrained=None).state_dict(), tmp_path / "weights.pt")
    for person in range(18):
        for image in range(2):
            save(tmp_path / "people" / f"p{person:02d}" / f"{image}.png", portrait(person, image))
    recogniser = pixels.check(vggface2(tmp_path / "weights.pt"), "facenet-vggface2")
    chosen, _, faces = pixels.gather(layouts.read(tmp_path / "people"), recogniser, people=4)
    made = explained.in_pixels("cosine", chosen, recogniser, faces)
    assert made.importance[pixels.METHOD].shape == (4, 2, 160, 160)
    assert np.isfinite(made.curves[pixels.METHOD].deletion).all()
