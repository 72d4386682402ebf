"""The folder layouts of data sets: one function per layout, from a folder to an :class:`Album`; see cards/."""

from __future__ import annotations

import csv
import hashlib
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from mote_bench.basics import InputError
from mote_bench.data.pictures.album import Album, Picture, Skipped, files, inside

_CARDS = Path(__file__).parent / "cards"
_MOST_ROWS = 5_000_000


def read(folder: Path, layout: str | None = None) -> Album:
    """List the pictures of a folder, or of a CSV file.

    Parameters
    ----------
    folder : Path
        Where the data set was unpacked; or a CSV file with a column ``path``.
    layout : str, optional
        A name of :func:`names`. By default ``csv`` for a file and ``folders`` (one per subject) for a folder.

    Raises
    ------
    InputError
        On an unknown layout, and a folder that does not fit the layout: says what was expected and where to request
        the data.
    """
    chosen = layout or ("folders" if folder.is_dir() else "csv")
    if chosen not in _LAYOUTS:
        raise InputError(f"no layout is named '{chosen}'; there are: {', '.join(_LAYOUTS)}")
    if not folder.exists():
        raise InputError(f"there is no '{folder}'. {told(chosen)}")
    pictures = list(_LAYOUTS[chosen](folder))
    home = folder if folder.is_dir() else folder.parent
    sound = [one for one in pictures if inside(home, one.name)]
    if not sound:
        raise InputError(f"no picture of the layout '{chosen}' in '{folder}'. {told(chosen)}")
    out = tuple(Skipped(one.name, "lies outside the folder") for one in pictures if not inside(home, one.name))
    return Album(home, chosen, tuple(sorted(sound, key=lambda one: one.name)), out)


def names() -> list[str]:
    """The layouts that are known."""
    return list(_LAYOUTS)


@cache
def card(layout: str) -> dict[str, Any]:
    """Title, layout, attributes with definitions, licence, citation, where to request the data, and known checksums."""
    return tomllib.loads((_CARDS / f"{layout}.toml").read_text(encoding="utf-8"))


def told(layout: str) -> str:
    """What a folder of this layout looks like, and where to request the data, in one sentence each."""
    about = card(layout)
    return f"Expected {about['layout']}. {about['ask']}".strip()


def altered(album: Album) -> list[str]:
    """Names of files in an album's folder whose checksum differs from the one on the data set's card."""
    known = card(album.layout).get("checksums", {})
    return [
        path.relative_to(album.folder).as_posix()
        for name, wanted in known.items()
        for path in sorted(album.folder.glob(f"**/{name}"))
        if not _is(path, wanted)
    ]


def _is(path: Path, wanted: str) -> bool:
    kind, _, expected = wanted.partition(":")
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest() == expected


def _folders(folder: Path) -> Iterable[Picture]:
    for name in files(folder):
        person, slash, _ = name.rpartition("/")
        if slash:
            yield Picture(name, person)


def _lfw(folder: Path) -> Iterable[Picture]:
    """``Name_Name/Name_Name_0001.jpg``, in the folder itself or in scikit-learn's cache or the archive's folder."""
    shape = re.compile(r"(?:.*/)?(?P<person>[^/]+)/(?P=person)_\d{4}\.jpg")
    for name in files(folder):
        if found := shape.fullmatch(name):
            yield Picture(name, found["person"])


def _utkface(folder: Path) -> Iterable[Picture]:
    """``25_1_2_20170116174525125.jpg.chip.jpg``: age, gender, ethnicity, date."""
    shape = re.compile(r"(?:.*/)?(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_\d+\.\S+")
    for name in files(folder):
        if found := shape.fullmatch(name):
            labels = {
                "gender": ("male", "female")[int(found["gender"])],
                "ethnicity": ("white", "black", "asian", "indian", "others")[int(found["race"])],
            }
            yield Picture(name, None, labels, {"age": float(found["age"])})


def _adience(folder: Path) -> Iterable[Picture]:
    """Five tables ``fold_N_data.txt`` beside ``aligned/`` or ``faces/``."""
    for table in sorted(folder.glob("fold_[0-4]_data.txt")):
        for row in _rows(table, delimiter="\t", needed=("user_id", "original_image", "face_id", "age", "gender")):
            for home, stem in (("aligned", "landmark_aligned_face"), ("faces", "coarse_tilt_aligned_face")):
                name = f"{home}/{row['user_id']}/{stem}.{row['face_id']}.{row['original_image']}"
                if (folder / name).is_file():
                    gender = {"m": "male", "f": "female"}.get(row["gender"], "")
                    age = row["age"].strip("()").replace(", ", "-") if row["age"].startswith("(") else ""
                    yield Picture(name, row["user_id"], {"gender": gender, "age": age})
                    break


def _colorferet(folder: Path) -> Iterable[Picture]:
    """``.../00001/00001_930831_fa_a.ppm.bz2`` and ``.../name_value/00001/00001.txt``."""
    about = {path.stem: _name_values(path) for path in sorted(folder.glob("**/name_value/*/[0-9]*.txt"))}
    about = {stem: table for stem, table in about.items() if "_" not in stem}
    shape = re.compile(r"(?:.*/)?(?P<person>\d{5})/(?P=person)_(?P<date>\d{6})_\w+\.(ppm|ppm\.bz2|png|jpg)")
    for name in files(folder):
        if found := shape.fullmatch(name):
            known = about.get(found["person"], {})
            labels = {"gender": known.get("gender", "").lower(), "ethnicity": known.get("race", "").lower()}
            year = int(found["date"][:2])
            born = _number(known.get("yob", ""))
            yield Picture(name, found["person"], labels, {"age": 1900 + year - born})


def _morph(folder: Path) -> Iterable[Picture]:
    """``009055_1M54.JPG``: person, number of the photo, gender, age; a table of the release adds the ethnicity."""
    race = {
        row["id_num"].zfill(6): row["race"]
        for table in sorted(folder.glob("**/*.csv"))
        for row in _rows(table, needed=("id_num", "race"), strict=False)
    }
    words = {"B": "black", "W": "white", "A": "asian", "H": "hispanic", "O": "other"}
    shape = re.compile(r"(?:.*/)?(?P<person>\d{5,7})_\d+(?P<gender>[MF])(?P<age>\d{1,3})\.jpe?g", re.IGNORECASE)
    for name in files(folder):
        if found := shape.fullmatch(name):
            labels = {"gender": "male" if found["gender"].upper() == "M" else "female"}
            if race:
                labels["ethnicity"] = words.get(race.get(found["person"].zfill(6), ""), "")
            yield Picture(name, found["person"], labels, {"age": float(found["age"])})


def _celeba(folder: Path) -> Iterable[Picture]:
    """``img_align_celeba/000001.jpg``, ``identity_CelebA.txt`` and ``list_attr_celeba.txt``."""
    where = {path.name: path for pattern in ("*.txt", "*/*.txt") for path in folder.glob(pattern)}
    people, labels = where.get("identity_CelebA.txt"), where.get("list_attr_celeba.txt")
    if people is None or labels is None:
        return
    identity = dict(line.split() for line in _lines(people) if len(line.split()) == 2)
    _, header, *lines = _lines(labels)
    wanted = {"Male": "gender", "Young": "age", "Smiling": "smile", "Eyeglasses": "glasses"}
    words = {"gender": ("female", "male"), "age": ("old", "young"), "smile": ("no", "yes"), "glasses": ("no", "yes")}
    column = {name: header.split().index(name) + 1 for name in wanted if name in header.split()}
    known = {}
    for line in lines:
        parts = line.split()
        if len(parts) > max(column.values(), default=0):
            known[parts[0]] = {wanted[name]: words[wanted[name]][parts[at] == "1"] for name, at in column.items()}
    for name in files(folder):
        file = name.rpartition("/")[2]
        file = file if file in identity else f"{Path(file).stem}.jpg"  # the PNG edition keeps the table's names
        if file in identity:
            yield Picture(name, identity[file], known.get(file, dict.fromkeys(wanted.values(), "")))


def _rfw(folder: Path) -> Iterable[Picture]:
    """``data/African/m.0c7mh2/m.0c7mh2_0003.jpg``."""
    shape = re.compile(r"(?:.*/)?(?P<race>African|Asian|Caucasian|Indian)/(?P<person>[^/]+)/[^/]+")
    for name in files(folder):
        if found := shape.fullmatch(name):
            yield Picture(name, found["person"], {"ethnicity": found["race"].lower()})


def _csv(file: Path) -> Iterable[Picture]:
    """Columns ``path`` and, where known, ``identity``; every other one is an attribute."""
    rows = [dict(row) for row in _rows(file, needed=("path",))]
    columns = [name for name in (rows[0] if rows else {}) if name not in ("path", "identity")]
    numeric = {name for name in columns if all(_is_number(row[name]) for row in rows if row[name].strip())}
    for row in rows:
        yield Picture(
            row["path"].replace("\\", "/"),
            row.get("identity"),
            {name: row[name].strip() for name in columns if name not in numeric},
            {name: _number(row[name]) for name in columns if name in numeric},
        )


Layout = Callable[[Path], Iterable[Picture]]
_LAYOUTS: Mapping[str, Layout] = {
    "folders": _folders,
    "csv": _csv,
    "lfw": _lfw,
    "utkface": _utkface,
    "adience": _adience,
    "colorferet": _colorferet,
    "morph": _morph,
    "celeba": _celeba,
    "rfw": _rfw,
}


def few(album: Album, *, people: int) -> Album:
    """The pictures of the first ``people`` subjects; where no subject is named, the first ``people`` pictures."""
    kept = list(dict.fromkeys(one.identity or one.name for one in album.pictures))[:people]
    chosen = set(kept)
    return replace(album, pictures=tuple(one for one in album.pictures if (one.identity or one.name) in chosen))


def _rows(
    path: Path, *, needed: tuple[str, ...], delimiter: str = ",", strict: bool = True
) -> Iterable[dict[str, str]]:
    """The rows of a table with a header; every value a text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing and not strict:
                return
            if missing:
                raise InputError(f"'{path}' has no column '{missing[0]}'; it has: {', '.join(reader.fieldnames or ())}")
            for number, row in enumerate(reader):
                if number > _MOST_ROWS:
                    raise InputError(
                        f"'{path}' has over {_MOST_ROWS} rows; expected at most that many: split the table"
                    )
                yield {str(name): value or "" for name, value in row.items() if name is not None}
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"'{path}' can't be read as a table in UTF-8 ({error})") from None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"'{path}' can't be read as text ({error})") from None


def _name_values(path: Path) -> dict[str, str]:
    return dict(line.strip().split("=", 1) for line in _lines(path) if "=" in line)


def _is_number(text: str) -> bool:
    return not math.isnan(_number(text)) or text.strip().lower() == "nan"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
