"""Each data set's layout, on a small folder made the same way."""

from __future__ import annotations

import bz2
import io

import numpy as np
import pytest
from PIL import Image

from mote_bench.contracts import InputError
from mote_bench.data.pictures import layouts
from portraits import save

DOT = np.zeros((2, 2, 3), np.uint8)


def put(folder, *names):
    for name in names:
        save(folder / name, DOT)


def found(folder, layout):
    return {one.name: one for one in layouts.read(folder, layout).pictures}


def test_folders(tmp_path):
    put(tmp_path, "ann/1.jpg", "ann/2.png", "bob b/x y.jpg", "stray.jpg", ".hidden/1.jpg")
    (tmp_path / "ann" / "notes.txt").write_text("no picture")
    pictures = found(tmp_path, None)
    assert {name: one.identity for name, one in pictures.items()} == {
        "ann/1.jpg": "ann",
        "ann/2.png": "ann",
        "bob b/x y.jpg": "bob b",
    }


@pytest.mark.parametrize("inner", ["", "lfw_funneled/", "lfw_home/lfw_funneled/"])
def test_lfw(tmp_path, inner):
    put(tmp_path, f"{inner}Ada_Example/Ada_Example_0001.jpg", f"{inner}Ada_Example/Ada_Example_0002.jpg")
    put(tmp_path, f"{inner}Bo/Bo_0001.jpg", f"{inner}Bo/other.jpg")
    assert [one.identity for one in found(tmp_path, "lfw").values()] == ["Ada_Example", "Ada_Example", "Bo"]


def test_utkface(tmp_path):
    put(tmp_path, "25_1_2_20170116174525125.jpg", "61_1_20170109142408075.jpg", "part2/8_0_0_20170117.png")
    (tmp_path / "25_1_2_20170116174525125.jpg").rename(tmp_path / "25_1_2_20170116174525125.jpg.chip.jpg")
    old, young = found(tmp_path, "utkface").values()  # the file with a label missing is left out
    assert (old.labels, old.numbers) == ({"gender": "female", "ethnicity": "asian"}, {"age": 25.0})
    assert (young.labels, young.numbers) == ({"gender": "male", "ethnicity": "white"}, {"age": 8.0})
    assert old.identity is None


def test_adience(tmp_path):
    header = "user_id\toriginal_image\tface_id\tage\tgender\tx\ty"
    rows = ["30@N03\ta.jpg\t1\t(25, 32)\tf\t0\t0", "30@N03\tb.jpg\t2\tNone\tu\t0\t0", "9@N01\tgone.jpg\t3\t35\tm\t0\t0"]
    (tmp_path / "fold_0_data.txt").write_text("\n".join([header, *rows]) + "\n")
    put(tmp_path, "aligned/30@N03/landmark_aligned_face.1.a.jpg", "faces/30@N03/coarse_tilt_aligned_face.2.b.jpg")
    first, second = found(tmp_path, "adience").values()
    assert (first.identity, first.labels) == ("30@N03", {"gender": "female", "age": "25-32"})
    assert second.labels == {"gender": "", "age": ""}


def test_colorferet(tmp_path):
    where = tmp_path / "dvd1" / "data" / "images" / "00001"
    where.mkdir(parents=True)
    stream = io.BytesIO()
    Image.fromarray(DOT).save(stream, "PPM")
    (where / "00001_930831_fa_a.ppm.bz2").write_bytes(bz2.compress(stream.getvalue()))
    about = tmp_path / "dvd1" / "data" / "ground_truths" / "name_value" / "00001"
    about.mkdir(parents=True)
    (about / "00001.txt").write_text("id=cfrS00001\ngender=Male\nyob=1943\nrace=White\n")
    (about / "00001_930831_fa_a.txt").write_text("id=cfrR00001\npose=fa\n")
    (one,) = found(tmp_path, "colorferet").values()
    assert one.identity == "00001"
    assert (one.labels, one.numbers) == ({"gender": "male", "ethnicity": "white"}, {"age": 50.0})


def test_morph(tmp_path):
    put(tmp_path, "Album2/009055_1M54.JPG", "Album2/012345_03F19.JPG")
    plain = found(tmp_path, "morph")
    assert plain["Album2/009055_1M54.JPG"].labels == {"gender": "male"}
    (tmp_path / "MORPH_2008_nonCommercial.csv").write_text("id_num,picture_num,race,gender\n9055,1,B,M\n12345,3,W,F\n")
    old, young = found(tmp_path, "morph").values()
    assert (old.identity, old.labels, old.numbers["age"]) == ("009055", {"gender": "male", "ethnicity": "black"}, 54)
    assert (young.labels, young.numbers["age"]) == ({"gender": "female", "ethnicity": "white"}, 19)


def test_celeba(tmp_path):
    put(tmp_path, "img_align_celeba/000001.jpg", "img_align_celeba/000002.jpg")
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 2880\n000002.jpg 2937\n")
    table = "2\nArched_Eyebrows Eyeglasses Male Smiling Young \n000001.jpg -1 -1 -1  1  1\n000002.jpg  1  1  1 -1 -1\n"
    (tmp_path / "list_attr_celeba.txt").write_text(table)
    first, second = found(tmp_path, "celeba").values()
    assert first.identity == "2880"
    assert first.labels == {"gender": "female", "age": "young", "smile": "yes", "glasses": "no"}
    assert second.labels == {"gender": "male", "age": "old", "smile": "no", "glasses": "yes"}


def test_rfw(tmp_path):
    put(tmp_path, "data/African/m.01/m.01_0001.jpg", "data/Indian/m.02/m.02_0003.jpg")
    first, second = found(tmp_path, "rfw").values()
    assert (first.identity, first.labels) == ("m.01", {"ethnicity": "african"})
    assert second.labels == {"ethnicity": "indian"}


def test_a_table(tmp_path):
    put(tmp_path, "a b/1.jpg", "2.jpg", "3.jpg")
    table = tmp_path / "faces.csv"
    table.write_text("path,identity,gender,age\na b/1.jpg,x,f,31\n2.jpg,x,f,\n3.jpg,y,m,40.5\n", encoding="utf-8-sig")
    pictures = found(table, None)
    assert pictures["a b/1.jpg"].labels == {"gender": "f"}
    assert pictures["3.jpg"].numbers == {"age": 40.5}
    assert np.isnan(pictures["2.jpg"].numbers["age"])
    table.write_text("file,identity\n1.jpg,x\n")
    with pytest.raises(InputError, match="no column 'path'; it has: file, identity"):
        layouts.read(table)
    table.write_bytes(b"path\n\xff\xfe.jpg\n")
    with pytest.raises(InputError, match="UTF-8"):
        layouts.read(table)


def test_what_lies_outside_the_folder_is_not_read(tmp_path):
    put(tmp_path, "inside/ann/1.jpg", "secret.jpg")
    (tmp_path / "inside" / "ann" / "2.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "inside" / "t.csv").write_text(f"path\nann/1.jpg\n../secret.jpg\n{tmp_path}/secret.jpg\n")
    for place in (tmp_path / "inside", tmp_path / "inside" / "t.csv"):
        album = layouts.read(place)
        assert [one.name for one in album.pictures] == ["ann/1.jpg"]
        assert {one.reason for one in album.skipped} == {"lies outside the folder"}


@pytest.mark.parametrize("layout", layouts.names())
def test_what_is_missing_says_what_was_expected_and_where_to_ask(layout, tmp_path):
    card = layouts.card(layout)
    assert set(card) - {"checksums"} == {"title", "layout", "licence", "citation", "ask", "attributes"}
    place = tmp_path / "t.csv" if layout == "csv" else tmp_path
    if layout == "csv":
        place.write_text("path\n")
    for folder in (place, tmp_path / "nowhere"):
        with pytest.raises(InputError) as raised:
            layouts.read(folder, layout)
        assert card["layout"] in str(raised.value)
        assert card["ask"] in str(raised.value)


def test_an_unknown_layout(tmp_path):
    with pytest.raises(InputError, match="there are: folders, csv, lfw"):
        layouts.read(tmp_path, "imagenet")


def test_published_files_are_known_by_their_checksums(tmp_path, monkeypatch):
    put(tmp_path, "home/Bo/Bo_0001.jpg")
    (tmp_path / "home" / "pairs.txt").write_bytes(b"abc")
    album = layouts.read(tmp_path, "lfw")
    assert layouts.altered(album) == ["home/pairs.txt"]
    # FIPS 180-4's example
    sums = {"pairs.txt": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
    monkeypatch.setattr(layouts, "card", lambda _: {"checksums": sums})
    assert layouts.altered(album) == []
    sums["pairs.txt"] = "md5:900150983cd24fb0d6963f7d28e17f72"  # RFC 1321's
    assert layouts.altered(album) == []


def test_checksums_are_scikit_learns():
    from sklearn.datasets import _lfw

    known = layouts.card("lfw")["checksums"]
    for one in (_lfw.ARCHIVE, _lfw.FUNNELED_ARCHIVE, *_lfw.TARGETS):
        assert known.get(one.filename, f"sha256:{one.checksum}") == f"sha256:{one.checksum}"
