"""Small data sets of rendered faces, each kept as its original is: from the folder to a file that a run takes."""

from __future__ import annotations

import bz2

import numpy as np
import pytest

from mote_bench.data import npz
from mote_bench.data.pictures import layouts
from mote_bench.embedders import pipeline
from mote_bench.execution import workers
from portraits import portrait, save

PEOPLE, PHOTOS = (0, 1), (0, 1)
"""0 and 1 of the tests' own population."""


def folders(home):
    return {(p, k): f"person {p}/{k}.jpg" for p in PEOPLE for k in PHOTOS}


def csv(home):
    rows = [f"a b/{p}-{k}.png,p{p},{('f', 'm')[p]},{30 + p}" for p in PEOPLE for k in PHOTOS]
    (home / "t.csv").write_text("\n".join(["path,identity,gender,age", *rows]) + "\n")
    return {(p, k): f"a b/{p}-{k}.png" for p in PEOPLE for k in PHOTOS}


def lfw(home):
    return {(p, k): f"lfw_home/lfw_funneled/N_{p}/N_{p}_000{k + 1}.jpg" for p in PEOPLE for k in PHOTOS}


def utkface(home):
    return {(p, k): f"{30 + p}_{p}_{p}_2017011617452{k}.png" for p in PEOPLE for k in PHOTOS}


def adience(home):
    header = "user_id\toriginal_image\tface_id\tage\tgender"
    rows = [f"u{p}\t{k}.jpg\t{p}\t{('(25, 32)', '(4, 6)')[p]}\t{'fm'[p]}" for p in PEOPLE for k in PHOTOS]
    (home / "fold_0_data.txt").write_text("\n".join([header, *rows]) + "\n")
    return {(p, k): f"aligned/u{p}/landmark_aligned_face.{p}.{k}.jpg" for p in PEOPLE for k in PHOTOS}


def colorferet(home):
    for p in PEOPLE:
        about = home / "dvd1" / "data" / "ground_truths" / "name_value" / f"0000{p}"
        about.mkdir(parents=True)
        words = f"gender={('Female', 'Male')[p]}\nyob={1950 - 20 * p}\nrace={('White', 'Asian')[p]}\n"
        (about / f"0000{p}.txt").write_text(words)
    return {(p, k): f"dvd1/data/images/0000{p}/0000{p}_93083{k}_fa.ppm" for p in PEOPLE for k in PHOTOS}


def morph(home):
    return {(p, k): f"Album2/00905{p}_{k}{'FM'[p]}5{k}.JPG" for p in PEOPLE for k in PHOTOS}


def celeba(home):
    names = {(p, k): f"00000{2 * p + k + 1}.jpg" for p in PEOPLE for k in PHOTOS}
    (home / "identity_CelebA.txt").write_text("".join(f"{name} {p}\n" for (p, _), name in names.items()))
    marks = "".join(f"{name} {' '.join(('1', '-1')[p] for _ in range(4))}\n" for (p, _), name in names.items())
    (home / "list_attr_celeba.txt").write_text(f"4\nMale Young Smiling Eyeglasses\n{marks}")
    return {which: f"img_align_celeba/{name}" for which, name in names.items()}


def rfw(home):
    group = ("African", "Asian")
    return {(p, k): f"data/{group[p]}/m.0{p}/m.0{p}_000{k}.jpg" for p in PEOPLE for k in PHOTOS}


MADE = {one.__name__: one for one in (folders, csv, lfw, utkface, adience, colorferet, morph, celeba, rfw)}
LABELLED = {"csv", "utkface", "adience", "colorferet", "morph", "celeba", "rfw"}


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left():
    yield
    workers.stop()


def test_every_layout_is_here():
    assert set(MADE) == set(layouts.names())


@pytest.mark.slow
@pytest.mark.parametrize("layout", sorted(MADE))
def test_from_pictures_to_a_file_of_embeddings(tmp_path, layout):
    home = tmp_path / "data set"
    home.mkdir()
    for which, name in MADE[layout](home).items():
        save(home / name, portrait(*which))
    for path in list(home.rglob("*.ppm")):
        path.with_suffix(".ppm.bz2").write_bytes(bz2.compress(path.read_bytes()))
        path.unlink()
    album = layouts.read(home / "t.csv" if layout == "csv" else home, layout)
    made = pipeline.embed(album, pipeline.Recogniser("dlib"), tmp_path / "faces.npz", jobs=1, progress=lambda *_: None)
    assert (len(made.embeddings), made.skipped) == (4, ())
    data = npz.load(tmp_path / "faces.npz", bins={"age": (31, 51)})
    rows = data.faces.embeddings.astype(np.float64)
    assert "embedded by dlib" in data.notes[0]
    if layout == "utkface":
        assert data.faces.identity is None
    else:
        same = np.array(data.faces.identity)[:, None] == np.array(data.faces.identity)
        assert same.sum() == 8
        assert (rows @ rows.T)[same].min() > (rows @ rows.T)[~same].max()
    assert bool(data.faces.attributes) == (layout in LABELLED)
