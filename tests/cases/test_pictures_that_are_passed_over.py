"""Pictures of 16 bits, of other formats, and of names that don't fit: used as they are, or listed with a reason.

Pillow#3011, #2574 and #1108 (16 bits cut off at 255), deepface#139 and facerecognition#635 (passed over by suffix),
UTKFace#1 and #2 (files whose names lack a label) are of this kind.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mote_bench import conformance
from mote_bench.contracts import InputError
from mote_bench.data.pictures import layouts
from mote_bench.data.pictures.reading import read
from mote_bench.embedders import pipeline
from mote_bench.execution import workers
from workshop import one_after_the_other

FACE = Image.open(Path(conformance.__file__).parent / "portraits" / "0-0.jpg").convert("L")
DEEP = np.asarray(FACE).astype(np.uint16) * 257


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("16 bits.png", Image.fromarray(DEEP)),
        ("16 bits.tif", Image.fromarray(DEEP)),
        ("16 bits.ppm", Image.fromarray(DEEP)),
        ("32 bits, values of 8.tif", Image.fromarray(np.asarray(FACE).astype(np.int32))),
        ("32 bits, values of 16.tif", Image.fromarray(DEEP.astype(np.int32))),
        ("32 bits.tif", Image.fromarray(np.asarray(FACE).astype(np.int32) * (2**31 // 256))),
        ("shares.tif", Image.fromarray(np.asarray(FACE).astype(np.float32) / 255)),
        ("floats of 8 bits.tif", Image.fromarray(np.asarray(FACE).astype(np.float32))),
        ("colours.png", FACE.convert("RGB")),
        ("palette.png", FACE.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)),
        ("clear.png", FACE.convert("LA")),
        ("meaningless alpha.png", Image.merge("LA", [FACE, FACE.point(lambda value: 0)])),
    ],
)
def test_every_depth_shows_the_same_face(name: str, picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / name)
    np.testing.assert_allclose(read(tmp_path / name)[..., 1].astype(int), np.asarray(FACE).astype(int), atol=1)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    half = np.zeros((4, 4, 4), np.uint8)
    half[:2, :, 3] = 255
    Image.fromarray(half).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png")[:, 0, 0], [0, 0, 255, 255])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[0, 0.5], [np.nan, 1]], np.float32), "expected none below 0, and finite"),
        (np.array([[0, -5], [3, 1]], np.int32), "values from -5 to 3"),
        (np.array([[0, 5], [3, 4000.5]], np.float32), "floats up to 4000.5; expected 0 to 1"),
        (np.array([[0, 5], [3, 200]], np.uint16), "no value over 200: it would be black"),
    ],
)
def test_values_of_an_unknown_range_are_listed(values: np.ndarray, reason: str, tmp_path: Path) -> None:
    Path(tmp_path, "p").mkdir()
    Image.fromarray(values).save(tmp_path / "p" / "a.tif")
    with pytest.raises(Exception, match=reason):
        read(tmp_path / "p" / "a.tif")


def test_other_formats_are_counted_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "run", one_after_the_other)
    Path("few.py").write_text("def pixels(picture):\n    return picture[::16, ::16].ravel().astype(float)\n")
    folder = Path("set", "p")
    folder.mkdir(parents=True)
    for name, kind in (("a.gif", "GIF"), ("b.jfif", "JPEG"), ("c.avif", "AVIF"), ("d", "JPEG"), ("e.PNG", "PNG")):
        FACE.save(folder / name, kind)
    for name in ("f.heic", "g.NEF", "notes.txt", "._e.PNG"):
        (folder / name).write_bytes(b"something else")
    FACE.save("set/stray.jpg")
    pipeline.embed(
        layouts.read(Path("set")), pipeline.Recogniser("few:pixels"), Path("e.npz"), jobs=1, progress=lambda *_: None
    )
    listed = Path("e.npz.skipped.csv").read_text().splitlines()
    assert listed == [
        "path,reason",
        "stray.jpg,lies in no subject's folder",
        "p/a.gif,GIF isn't read (convert it to PNG)",
        "p/b.jfif,JPEG with the suffix .jfif (rename it to .jpg)",
        "p/c.avif,AVIF isn't read (convert it to PNG)",
        "p/d,JPEG with no suffix (rename it to .jpg)",
        "p/f.heic,.heic isn't read (convert it to PNG)",
        "p/g.NEF,.nef isn't read (convert it to PNG)",
    ]
    stored = np.load("e.npz")
    assert list(stored["path"]) == ["p/e.PNG"]
    card = json.loads(str(stored["card"]))
    assert card["skipped"] == "7"
    assert "1 .heic isn't read (convert it to PNG)" in card["skipped_reasons"].split("; ")


def test_names_that_do_not_fit_a_layout_are_listed(tmp_path: Path) -> None:
    for name in ("25_1_2_20170116174525125.jpg.chip.jpg", "61_1_20170109142408075.jpg.chip.jpg", "39_1_2017.png"):
        FACE.save(tmp_path / name)
    album = layouts.read(tmp_path, "utkface")
    assert len(album.pictures) == 1
    assert {one.name[:5]: one.reason for one in album.skipped} == {
        "61_1_": "its name doesn't fit the layout utkface",
        "39_1_": "its name doesn't fit the layout utkface",
    }
    with pytest.raises(InputError, match="no picture of the layout 'lfw'"):
        layouts.read(tmp_path, "lfw")


def test_names_that_are_bytes_are_listed(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    FACE.save(tmp_path / "ann" / "1.jpg")
    try:
        (tmp_path / "ann" / "1.jpg").rename(tmp_path / "ann" / b"jos\xe9.jpg".decode("utf-8", "surrogateescape"))
    except OSError:
        pytest.skip("this file system takes text only")
    FACE.save(tmp_path / "ann" / "2.jpg")
    album = layouts.read(tmp_path)
    assert [one.name for one in album.pictures] == ["ann/2.jpg"]
    assert [one.reason for one in album.skipped] == ["its name isn't UTF-8 (rename it)"]


def test_folders_with_marks_in_their_names(tmp_path: Path) -> None:
    for name in ("a@b", "=c", "#d", "50%", "-e"):
        (tmp_path / "s@e=t#1%" / name).mkdir(parents=True)
        FACE.save(tmp_path / "s@e=t#1%" / name / "1.jpg")
    assert [one.identity for one in layouts.read(tmp_path / "s@e=t#1%").pictures] == ["#d", "-e", "50%", "=c", "a@b"]
