"""From a folder of pictures, good and bad, to a file that a run takes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from commands import mote_bench
from mote_bench.contracts import InputError
from mote_bench.data import npz
from mote_bench.data.pictures import layouts
from mote_bench.embedders import pipeline
from mote_bench.execution import workers
from mote_bench.metrics.enrolment import measure_acquisition
from portraits import portrait, save
from workshop import one_after_the_other

OWN = """
import numpy as np, os, time

def mean(picture):
    time.sleep(float(os.environ.get("SLOW", 0)))
    if picture[0, 0, 0] == 13:
        os._exit(1)
    if picture[0, 0, 0] == 14:
        raise RuntimeError("can't")
    return None if picture.max() < 5 else np.concatenate([picture.mean((0, 1)), picture[0, 0]]).astype(float) + 1
"""


def colour(folder, name, *rgb):
    return save(folder / name, np.full((8, 8, 3), rgb, np.uint8))


@pytest.fixture
def photos(tmp_path):
    """Pictures of three people with everything that can be wrong with a file."""
    folder = tmp_path / "my photos"
    for person in range(3):
        for image in range(12):
            colour(folder, f"p {person}/{image}.png", 20 + 70 * person, 5 * image + 20, 100)
    colour(folder, "p 0/dark.png", 0, 0, 0)
    (folder / "p 1" / "empty.jpg").write_bytes(b"")
    (folder / "p 1" / "cut.png").write_bytes((folder / "p 1" / "1.png").read_bytes()[:45])
    (folder / "p 2" / "=formula.jpg").write_bytes(b"no picture")
    (folder / "p 2" / "link.png").symlink_to("/etc/hostname")
    (tmp_path / "own_recogniser.py").write_text(OWN)
    return folder


def embed(folder, *arguments, **environment):
    asked = ("embed", folder, "--embedder", "own_recogniser:mean", "--out", "faces.npz")
    return mote_bench(*asked, *arguments, cwd=folder.parent, **environment)


def test_what_can_be_used_is_and_the_rest_is_listed(photos):
    result = embed(photos, "--jobs", "2")
    assert result.returncode == 0, result.stderr
    assert "36 embeddings of 3 subjects in 'faces.npz'" in result.stdout
    assert "5 pictures skipped" in result.stdout
    listed = (photos.parent / "faces.npz.skipped.csv").read_text().splitlines()
    assert listed == [
        "path,reason",
        "p 2/link.png,lies outside the folder",
        "p 0/dark.png,no face found",
        'p 1/cut.png,"not a picture, or damaged"',
        "p 1/empty.jpg,an empty file",
        'p 2/=formula.jpg,"not a picture, or damaged"',
    ]
    data = npz.load(photos.parent / "faces.npz", bins={})
    assert sorted(set(data.faces.identity)) == ["p 0", "p 1", "p 2"]
    assert data.faces.attributes == {}
    assert "embedded by own_recogniser:mean" in data.notes[0]
    assert "5 pictures were skipped" in data.notes[0]
    # Of the files that were tried 4 of 40 gave no embedding; the link was never tried. Each subject has others.
    assert "they can't be enrolled" not in result.stdout
    assert data.notes[1] == (
        "failure to acquire: 4 of 40 pictures gave no embedding; "
        "failure to enrol: 0 of 3 subjects have no picture with one"
    )
    assert not (photos.parent / "faces.npz.parts").exists()
    assert (photos.parent / "faces.npz").stat().st_mode & 0o77 == 0


def test_subjects_of_whom_no_picture_can_be_embedded_are_counted_by_group(photos):
    """Of four subjects one has dark pictures only; another one loses one of two."""
    colour(photos, "p 3/0.png", 0, 0, 0)
    colour(photos, "p 3/1.png", 1, 1, 1)
    rows = [
        f"p {person}/{image}.png,p{person},{'fm'[person % 2]},{30 + person}" for person in range(4) for image in (0, 1)
    ]
    (photos / "table.csv").write_text("\n".join(["path,identity,gender,age", *rows, "p 0/dark.png,p0,f,30"]) + "\n")
    result = mote_bench(
        *("embed", photos / "table.csv", "--embedder", "own_recogniser:mean", "--out", "faces.npz"), cwd=photos.parent
    )
    assert result.returncode == 0, result.stderr
    assert "no picture of 1 of 4 subjects gave an embedding: they can't be enrolled" in result.stdout
    data = npz.load(photos.parent / "faces.npz", bins={"age": (32,)})
    assert sorted(set(data.faces.identity)) == ["p0", "p1", "p2"]
    found = data.acquisition
    assert found is not None
    assert found.identity[found.failed].tolist() == ["p0", "p3", "p3"]
    assert found.attributes["gender"][found.failed].tolist() == ["f", "m", "m"]
    assert found.attributes["age"][found.failed].tolist() == ["under 32", "32+", "32+"]
    assert measure_acquisition(found)["fte"].value == 1 / 4
    assert measure_acquisition(found)["fta"].value == 3 / 9


def test_the_file_does_not_depend_on_the_jobs(photos):
    embed(photos, "--jobs", "2")
    first = (photos.parent / "faces.npz").read_bytes()
    embed(photos, "--jobs", "1")
    assert (photos.parent / "faces.npz").read_bytes() == first


def test_a_killed_call_goes_on_where_it_was(photos):
    command = [sys.executable, "-m", "mote_bench", "embed", str(photos), "--embedder", "own_recogniser:mean"]
    command += ["--out", "faces.npz", "--jobs", "1"]
    running = subprocess.Popen(command, cwd=photos.parent, env=os.environ | {"SLOW": "0.1"}, start_new_session=True)
    parts = photos.parent / "faces.npz.parts"
    end = time.monotonic() + 60
    while not list(parts.glob("*.npz")) and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (photos.parent / "faces.npz").exists()
    (parts / "000099.npz").write_bytes(b"damaged")
    colour(photos, "p 0/0.png", 255, 255, 255)  # changed meanwhile: made again
    result = embed(photos)
    assert result.returncode == 0, result.stderr
    assert "kept from an earlier run" in result.stdout
    stored = np.load(photos.parent / "faces.npz")
    assert len(stored["embeddings"]) == 36
    assert stored["embeddings"][list(stored["path"]).index("p 0/0.png"), 0] == 256


def test_a_picture_that_kills_or_breaks_the_recogniser_is_skipped_alone(photos):
    colour(photos, "p 0/kills.png", 13, 200, 200)
    colour(photos, "p 0/breaks.png", 14, 200, 200)
    result = embed(photos, "--jobs", "2")
    assert result.returncode == 0, result.stderr
    assert "36 embeddings" in result.stdout
    listed = (photos.parent / "faces.npz.skipped.csv").read_text()
    for name in ("kills", "breaks"):
        (line,) = [line for line in listed.splitlines() if line.startswith(f"p 0/{name}.png")]
        assert "the recogniser failed: " in line


def test_numbers_and_classes_of_a_table(photos):
    rows = [
        f"p {person}/{image}.png,p{person},{'fm'[person % 2]},{30 + person}" for person in range(3) for image in (0, 1)
    ]
    (photos / "table.csv").write_text("\n".join(["path,identity,gender,age", *rows]) + "\n")
    asked = ("embed", photos / "table.csv", "--embedder", "own_recogniser:mean", "--out", "faces.npz")
    assert mote_bench(*asked, cwd=photos.parent).returncode == 0
    data = npz.load(photos.parent / "faces.npz", bins={})
    assert list(data.faces.attributes["gender"]) == ["f", "f", "m", "m", "f", "f"]
    stored = np.load(photos.parent / "faces.npz")
    assert list(stored["age"]) == [30, 30, 31, 31, 32, 32]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "--embedder", "dlib", "--out", "a.npz"), "there is no 'nowhere'"),
        (("my photos", "--embedder", "dlbi", "--out", "a.npz"), "Did you mean dlib"),
        (("my photos", "--embedder", "dlib", "--out", "a.txt"), "ends in .npz"),
        (("my photos", "--embedder", "dlib", "--out", "no/a.npz"), "there is no folder 'no'"),
        (("my photos", "--embedder", "facenet-vggface2", "--out", "a.npz"), "mote-bench downloads nothing"),
        (("my photos", "--embedder", "arcface-onnx", "--out", "a.npz"), "--weights MODEL.onnx"),
        (("my photos", "--embedder", "dlib", "--layout", "lfw", "--out", "a.npz"), "vis-www.cs.umass.edu/lfw"),
        (("my photos", "--embedder", "dlib", "--layout", "imagenet", "--out", "a.npz"), "there are: folders"),
    ],
)
def test_mistakes(photos, arguments, message):
    before = {path.name for path in photos.parent.iterdir()}
    result = mote_bench("embed", *arguments, cwd=photos.parent, TORCH_HOME=str(photos.parent / "none"))
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert {path.name for path in photos.parent.iterdir()} == before


def test_no_face_anywhere(photos):
    for path in photos.rglob("*.png"):
        if not path.is_symlink():
            colour(photos, path.relative_to(photos), 0, 0, 0)
    result = embed(photos)
    assert result.returncode == 2
    assert "none of 40 pictures in" in result.stderr
    assert "no face found" in result.stderr
    assert not (photos.parent / "faces.npz").exists()


def test_real_faces_of_nobody(tmp_path):
    for person in range(2):
        for image in range(2):
            save(tmp_path / f"lfw/N_{person}/N_{person}_000{image + 1}.jpg", portrait(person, image))
    (tmp_path / "lfw" / "pairs.txt").write_text("2\t1\nN_0\t1\t2\nN_0\t1\tN_1\t1\nN_1\t1\t2\nN_1\t2\tN_0\t2\n")
    result = mote_bench("embed", "lfw", "--layout", "lfw", "--embedder", "dlib", "--out", "faces.npz", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "4 embeddings of 2 subjects" in result.stdout
    assert "LFW View 2: 1.0000 +- 0.0000 of 4 pairs classified correctly" in result.stdout
    stored = np.load(tmp_path / "faces.npz")
    assert stored["embeddings"].shape == (4, 128)
    assert json.loads(str(stored["card"]))["layout"] == "lfw"


SECOND = """
import numpy as np

def stripes(picture):
    return None if picture[0, 0, 0] == 20 else picture.mean((0, 2))[:4] + 1
"""


@pytest.fixture
def twice(photos):
    (photos.parent / "another.py").write_text(SECOND)
    return photos


def test_a_second_recogniser_of_the_same_pictures(twice):
    colour(twice, "p 0/0.png", 20, 20, 100)
    result = embed(twice, "--second", "another:stripes", "--jobs", "2")
    assert result.returncode == 0, result.stderr
    assert "24 embeddings of 2 subjects in 'faces.npz', with those of another:stripes beside them" in result.stdout
    listed = (twice.parent / "faces.npz.skipped.csv").read_text().splitlines()
    assert "p 0/0.png,second recogniser: no face found" in listed
    assert "p 0/dark.png,no face found" in listed
    data = npz.load(twice.parent / "faces.npz", bins={})
    assert data.faces.embeddings.shape == (24, 6)
    assert data.faces.second.shape == (24, 4)
    first, second = data.notes[0].split("; embeddings_2 by ")
    assert "embedded by own_recogniser:mean (weights " in first
    assert second.startswith("another:stripes (weights ")
    assert second.endswith("17 pictures were skipped")
    row = list(np.load(twice.parent / "faces.npz")["path"]).index("p 2/3.png")
    stored = np.load(twice.parent / "faces.npz")
    np.testing.assert_allclose(stored["embeddings"][row], [161, 36, 101, 161, 36, 101])
    np.testing.assert_allclose(stored["embeddings_2"][row], [(160 + 35 + 100) / 3 + 1] * 4, rtol=1e-6)
    both = (twice.parent / "faces.npz").read_bytes()
    assert embed(twice, "--second", "another:stripes", "--jobs", "1").returncode == 0
    assert (twice.parent / "faces.npz").read_bytes() == both


def test_what_one_recogniser_did_is_not_kept_for_two(twice, monkeypatch):
    """Interrupted without the second, then asked with it: nothing of before fits. With the same two it goes on."""
    album = layouts.read(twice, None)
    monkeypatch.chdir(twice.parent)
    out, mean = twice.parent / "faces.npz", pipeline.Recogniser("own_recogniser:mean")
    both = {"second": pipeline.Recogniser("another:stripes")}

    def interrupted(done, of, last):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.embed(album, mean, out, jobs=1, progress=interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline.embed(album, mean, out, jobs=1, progress=interrupted, **both)
    made = pipeline.embed(album, mean, out, jobs=1, progress=lambda *_: None, **both)
    assert made.kept == pipeline.PER_BATCH
    assert np.load(out)["embeddings_2"].shape == (24, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--second", "own_recogniser:mean"), "--second own_recogniser:mean is the recogniser of --embedder"),
        (("--second", "arcface-onnx"), "--second arcface-onnx: no ONNX file was given"),
        (("--second", "arcface-onyx"), "Did you mean arcface-onnx"),
        (("--second", "another:strips"), "--second another:strips: "),
        (("--second-weights", "a.onnx"), "--second-weights without --second"),
    ],
)
def test_mistakes_with_a_second_recogniser(twice, arguments, message):
    before = {path.name for path in twice.parent.iterdir()}
    result = embed(twice, *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert {path.name for path in twice.parent.iterdir()} - {"__pycache__"} == before


def test_rendered_faces_by_two_recognisers_are_compared_by_both(tmp_path):
    """dlib's embeddings and a function of one's own beside them, as far as the data set that a run takes."""
    for person in range(2):
        for image in range(2):
            save(tmp_path / f"people/p{person}/{image}.png", portrait(person, image))
    (tmp_path / "another.py").write_text(
        "def middle(picture):\n    return picture[80:144:16, 80:144:16].ravel().astype(float) - 128\n"
    )
    asked = ("embed", "people", "--embedder", "dlib", "--second", "another:middle", "--out", "faces.npz")
    result = mote_bench(*asked, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    data = npz.load(tmp_path / "faces.npz", bins={})
    assert data.faces.embeddings.shape == (4, 128)
    assert data.faces.second.shape == (4, 48)
    assert list(data.faces.identity) == ["p0", "p0", "p1", "p1"]


FUNCTIONS = """
import numpy as np

def row(picture):
    return picture[:1, :, 0].astype(float) + 1

def raises(picture):
    raise ValueError("face could not be detected")

def words(picture):
    return [{"embedding": [1.0, 2.0]}]

def placed(picture):
    from mote_bench.toolkit import device

    return picture[0, :32, 0] + 1.0 * (device() == "cuda:1")

def same(picture):
    return np.full(32, 7.0) + picture[0, :32, 0] / 1000
"""


@pytest.fixture
def people(tmp_path, monkeypatch):
    """Two noisy pictures each of four people; work is done in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "run", one_after_the_other)
    (tmp_path / "functions_of_test.py").write_text(FUNCTIONS)
    rng = np.random.default_rng(0)
    for person in range(4):
        for image in range(2):
            save(tmp_path / f"set/p{person}/{image}.png", rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    return tmp_path


def embedded(folder, function, **options):
    recogniser = pipeline.Recogniser.at(f"functions_of_test:{function}", None, **options)
    return pipeline.embed(layouts.read(folder), recogniser, Path("a.npz"), jobs=1, progress=lambda *_: None)


def test_a_function_that_gives_a_batch_of_one(people):
    assert next(iter(embedded(Path("set"), "row").embeddings.values())).shape == (40,)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("raises", "none of the first 8 pictures could be embedded: .*ValueError: face could not .*expected is None"),
        ("words", r"functions_of_test:words gave list; expected \(d,\) numbers or None"),
        ("same", r"all alike \(mean cosine 0\.9999, .*It is given RGB pixels from 0 to 255: check how it scales them"),
    ],
)
def test_a_function_that_gives_nothing_of_use(people, function, message):
    with pytest.raises(InputError, match=message):
        embedded(Path("set"), function)
    assert sorted(path.name for path in people.iterdir() if path.name != "__pycache__") == [
        "functions_of_test.py",
        "set",
    ]


def test_a_recogniser_computes_on_the_device_or_says_that_it_does_not(people):
    said = []
    here, there = (
        pipeline.embed(
            layouts.read(Path("set")),
            pipeline.Recogniser.at("functions_of_test:placed", None, device=device),
            Path(f"{device[:3]}.npz"), jobs=1, progress=lambda *_: None, say=said.append,
        ).embeddings["p0/0.png"]
        for device in ("cpu", "cuda:1")
    )  # fmt: skip
    np.testing.assert_array_equal(there - here, np.ones(32))
    assert [line.partition(":placed")[2].partition(" (ONNX")[0] for line in said] == [
        " computes on the CPU: it or its library has no cuda:1"
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("functions_of_test:row", "is a function of your own, .*leave out --order"),
        ("dlib", "--embedder dlib takes no --order; leave it out"),
    ],
)
def test_options_that_a_recogniser_does_not_take(people, name, message):
    with pytest.raises(InputError, match=message):
        pipeline.Recogniser.at(name, None, order="BGR").make()


def test_columns_of_any_name(people):
    """numpy.savez has options of its own, which no column may meet."""
    rows = [f"p{k}/0.png,p{k},{k % 2},x{k % 2}" for k in range(4)]
    (people / "set" / "list.csv").write_text("\n".join(["path,identity,file,allow_pickle", *rows]) + "\n")
    embedded(Path("set/list.csv"), "row")
    stored = np.load("a.npz")
    assert list(stored["file"]) == [0, 1, 0, 1]
    assert list(stored["allow_pickle"]) == ["x0", "x1", "x0", "x1"]
