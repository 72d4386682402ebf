"""Lists of pictures in which subjects aren't named, and lists as other programs write them.

FaceDatasets#11 and insightface#212 (wrong people under one name) and fairlearn#1155 (a missing value becomes a class)
are of this kind.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.data.pictures import layouts
from mote_bench.data.pictures.album import Album

NAMES = [f"{letter}.png" for letter in "abcdefgh"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_bytes(b"a picture, to a list")
    return tmp_path


def listed(folder: Path, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Album:
    (folder / "list.csv").write_bytes((end.join(lines) + end).encode(encoding))
    return layouts.read(folder / "list.csv")


@pytest.mark.parametrize("blank", ["", "  ", "NaN", "None", "n/a", "unknown", "?"])
def test_who_is_not_named_is_nobody(folder: Path, blank: str) -> None:
    album = listed(folder, "path,identity", "a.png,ann", "b.png,ann", f"c.png,{blank}", f"d.png,{blank}", "e.png,bob")
    assert [one.identity for one in album.pictures] == ["ann", "ann", "bob"]
    assert [(one.name, one.reason) for one in album.skipped] == [(n, layouts.UNNAMED) for n in ("c.png", "d.png")]


def test_where_nobody_is_named_each_picture_stands_alone(folder: Path) -> None:
    album = listed(folder, "path,identity,gender", "a.png,,f", "b.png,,n/a")
    assert [one.identity for one in album.pictures] == [None, None]
    assert [one.labels["gender"] for one in album.pictures] == ["f", ""]
    assert "no subject is named" in album.notes[0]
    assert len(layouts.few(album, people=1).pictures) == 1


def test_a_folder_of_unknown_people_is_no_subject(tmp_path: Path) -> None:
    for name in ("ann/1.png", "ann/2.png", "unknown/1.png", "unknown/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    album = layouts.read(tmp_path)
    assert {one.identity for one in album.pictures} == {"ann"}
    assert [one.name for one in album.skipped] == ["unknown/1.png", "unknown/2.png"]


def test_one_name_in_two_places_or_forms(tmp_path: Path) -> None:
    for name in ("train/jos\u00e9/1.png", "train/jose\u0301/2.png", "test/jos\u00e9/3.png", "test/bob/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    album = layouts.read(tmp_path)
    assert {one.identity for one in album.pictures} == {"train/jos\u00e9", "test/jos\u00e9", "test/bob"}
    assert album.notes == (
        "'test/jos\u00e9' and 'train/jos\u00e9' count as 2 subjects (1 such names): if each is one, give it one name",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", ", "])
def test_lists_as_other_programs_write_them(folder: Path, encoding: str, end: str, delimiter: str) -> None:
    rows = [
        ("Path", " Identity", "age", "gender"),
        ("a.png", "J\u00f6rg", "31", "m"),
        ("b.png ", " J\u00f6rg", "N/A", "m"),
    ]
    rows += [
        ("./c.png", "Zo\u00eb", "-", ""),
        (".\\d.png", "Zo\u00eb", "", " f "),
        (str(folder / "e.png"), "Al", "1", "f"),
    ]
    rows[3] = ("./c.png", "Zo\u00eb", "40.5", "unknown")
    album = listed(folder, *(delimiter.join(row) for row in rows), "", encoding=encoding, end=end)
    assert [one.name for one in album.pictures] == NAMES[:5]
    assert [one.identity for one in album.pictures] == ["J\u00f6rg", "J\u00f6rg", "Zo\u00eb", "Zo\u00eb", "Al"]
    assert [one.labels for one in album.pictures] == [{"gender": word} for word in ("m", "m", "", "f", "f")]
    np.testing.assert_array_equal([one.numbers["age"] for one in album.pictures], [31, np.nan, 40.5, np.nan, 1])


def test_rows_that_name_nothing_or_the_same_again(folder: Path) -> None:
    album = listed(folder, "path,identity,", "a.png,ann,", ",ann,", "./a.png,ann,7", "gone.png,bob,")
    assert [one.name for one in album.pictures] == ["a.png", "gone.png"]  # what is gone can't be read, and is listed
    assert [(one.name, one.reason) for one in album.skipped] == [
        ("list.csv, line 3", "the row names no picture"),
        ("a.png", "is listed twice (line 4 of list.csv)"),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,identity", "a.png,ann", "b,c.png,ann"], "line 3: 3 values for 2 columns; put a value"),
        (["path,identity", "a.png,ann", '"b.png,ann', "c.png,bob"], "line 4 .*unexpected end of data"),
        (["path,identity", "a.png,ann", '"b.png', 'c.png",bob'], "line 4: a value goes over several lines"),
        (["path,identity", "a.png,ann", '"b"x,ann'], "at line 3"),
        (["path,identity", "a.png,ann", "a.png,bob"], "lines 2 and 3: 'a.png' is listed with different values"),
        (["path,age,age", "a.png,1,2"], "two columns 'age'"),
        (["path,faces", "a.png,1"], "has a column 'faces', a name that the file of embeddings needs"),
        (["path", "pictures/a.png", "pictures/b.png"], "none of 2 pictures that .* is there, such as 'pictures/a.png'"),
        (["file,identity", "a.png,ann"], "no column 'path'; it has: file, identity"),
        (["path", "J\udce9.png"], "UTF-8 .line 2.; save it"),
        (["path", "a\0.png"], "holds zero bytes"),
    ],
)
def test_one_sentence_says_where(folder: Path, lines: list[str], message: str) -> None:
    (folder / "list.csv").write_bytes("\n".join([*lines, ""]).encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message):
        layouts.read(folder / "list.csv")


@pytest.mark.parametrize(
    ("people", "labels", "message"),
    [
        ("1.jpg 7 8\n", "1\nMale\n1.jpg 1\n", "identity_CelebA.txt', line 1: 3 words .*expected 2"),
        ("1.jpg 7\n", "1\nMale Young\n\n1.jpg 1 -1\n2.jpg 1\n", "list_attr_celeba.txt', line 5: 2 words .*expected 3"),
        ("1.jpg 7\n", "1\n", "has 1 lines; expected 2 before the first row"),
    ],
)
def test_lines_of_celeba_that_are_cut(tmp_path: Path, people: str, labels: str, message: str) -> None:
    (tmp_path / "1.jpg").touch()
    (tmp_path / "identity_CelebA.txt").write_text(people)
    (tmp_path / "list_attr_celeba.txt").write_text(labels)
    with pytest.raises(InputError, match=message):
        layouts.read(tmp_path, "celeba")


def test_na_is_a_name_as_in_tables(folder: Path) -> None:
    """A family name; a label "NA" still means that nothing is known."""
    album = listed(folder, "path,identity,gender", "a.png,NA,f", "b.png,NA,NA", "c.png,bob,m")
    assert [one.identity for one in album.pictures] == ["NA", "NA", "bob"]
    assert [one.labels["gender"] for one in album.pictures] == ["f", "", "m"]
