"""The folder layouts of data sets: one function per layout, from a folder to an :class:`Album`; see cards/."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from mote_bench.basics import InputError
from mote_bench.data.pictures import lists
from mote_bench.data.pictures.album import Album, Picture, Skipped, encodable, files, inside, known, named, others

UNNAMED = "no subject is named"
_CARDS = Path(__file__).parent / "cards"
_RESERVED = frozenset({"embeddings", "embeddings_2", "faces", "card"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


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
        the data. On a list that can't be read: names the line.

    Notes
    -----
    ``skipped`` holds every picture that is passed over: of a name that doesn't fit, of another format, outside the
    folder, or without a subject where other pictures have one.
    """
    chosen = layout or ("folders" if folder.is_dir() else "csv")
    if chosen not in _LAYOUTS:
        raise InputError(f"no layout is named '{chosen}'; there are: {', '.join(_LAYOUTS)}")
    if not folder.exists():
        raise InputError(f"there is no '{folder}'. {told(chosen)}")
    home = folder if folder.is_dir() else folder.parent
    found = [_checked(home, one) for one in _LAYOUTS[chosen](folder)]
    pictures = [one for one in found if isinstance(one, Picture)]
    if not pictures:
        raise InputError(f"no picture of the layout '{chosen}' in '{folder}'. {told(chosen)}")
    somebody = any(one.identity for one in pictures)
    notes = _of_names(pictures) if somebody else [f"{UNNAMED}, so nobody can be recognised by these pictures"]
    sound = [one if one.identity else replace(one, identity=None) for one in pictures if one.identity or not somebody]
    out = [one for one in found if isinstance(one, Skipped)]
    out += [Skipped(one.name, UNNAMED) for one in pictures if somebody and not one.identity]
    out += others(folder) if folder.is_dir() else ()
    return Album(home, chosen, tuple(sorted(sound, key=lambda one: one.name)), tuple(out), tuple(notes))


def _of_names(pictures: Iterable[Picture]) -> list[str]:
    """What looks like one subject under two names: folders of one name in several places, names but for capitals."""
    names = {one.identity for one in pictures if one.identity}
    alike: dict[str, list[str]] = {}
    for name in sorted(names):
        alike.setdefault(name.rpartition("/")[2].casefold(), []).append(name)
    several = [found for found in alike.values() if len(found) > 1]
    if not several:
        return []
    told = " and ".join(f"'{name}'" for name in several[0][:3])
    return [f"{told} count as {len(several[0])} subjects ({len(several)} such names): if each is one, give it one name"]


def _checked(home: Path, one: Picture | Skipped) -> Picture | Skipped:
    """A picture with its labels by the one rule of what is missing; skipped where it can't be used by its name."""
    if isinstance(one, Skipped):
        return one
    if not inside(home, one.name):
        return Skipped(one.name, "lies outside the folder")
    if not encodable(one.name):
        return Skipped(one.name, "its name isn't UTF-8 (rename it)")
    labels = {name: known(label) for name, label in one.labels.items()}
    return replace(one, identity=named(one.identity), labels=labels)


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


Found = Iterable[Picture | Skipped]


def _misfit(name: str, layout: str) -> Skipped:
    return Skipped(name, f"its name doesn't fit the layout {layout}")


def _folders(folder: Path) -> Found:
    for name in files(folder):
        person, slash, _ = name.rpartition("/")
        yield Picture(name, person) if slash else Skipped(name, "lies in no subject's folder")


def _lfw(folder: Path) -> Found:
    """``Name_Name/Name_Name_0001.jpg``, in the folder itself or in scikit-learn's cache or the archive's folder."""
    shape = re.compile(r"(?:.*/)?(?P<person>[^/]+)/(?P=person)_\d{4}\.jpg")
    for name in files(folder):
        found = shape.fullmatch(name)
        yield Picture(name, found["person"]) if found else _misfit(name, "lfw")


def _utkface(folder: Path) -> Found:
    """``25_1_2_20170116174525125.jpg.chip.jpg``: age, gender, ethnicity, date."""
    shape = re.compile(r"(?:.*/)?(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_\d+\.\S+")
    for name in files(folder):
        if found := shape.fullmatch(name):
            labels = {
                "gender": ("male", "female")[int(found["gender"])],
                "ethnicity": ("white", "black", "asian", "indian", "others")[int(found["race"])],
            }
            yield Picture(name, None, labels, {"age": float(found["age"])})
        else:
            yield _misfit(name, "utkface")


def _adience(folder: Path) -> Found:
    """Five tables ``fold_N_data.txt`` beside ``aligned/`` or ``faces/``."""
    for table in sorted(folder.glob("fold_[0-4]_data.txt")):
        for line in lists.rows(table, needed=("user_id", "original_image", "face_id", "age", "gender")):
            row = line.values
            for home, stem in (("aligned", "landmark_aligned_face"), ("faces", "coarse_tilt_aligned_face")):
                name = f"{home}/{row['user_id']}/{stem}.{row['face_id']}.{row['original_image']}"
                if (folder / name).is_file():
                    gender = {"m": "male", "f": "female"}.get(row["gender"], "")
                    age = row["age"].strip("()").replace(", ", "-") if row["age"].startswith("(") else ""
                    yield Picture(name, row["user_id"], {"gender": gender, "age": age})
                    break
            else:
                yield Skipped(f"{table.name}, line {line.line}", "the picture of this row isn't there")


def _colorferet(folder: Path) -> Found:
    """``.../00001/00001_930831_fa_a.ppm.bz2`` and ``.../name_value/00001/00001.txt``."""
    about = {path.stem: _name_values(path) for path in sorted(folder.glob("**/name_value/*/[0-9]*.txt"))}
    about = {stem: table for stem, table in about.items() if "_" not in stem}
    shape = re.compile(r"(?:.*/)?(?P<person>\d{5})/(?P=person)_(?P<date>\d{6})_\w+\.(ppm|ppm\.bz2|png|jpg)")
    for name in files(folder):
        if found := shape.fullmatch(name):
            told = about.get(found["person"], {})
            labels = {"gender": told.get("gender", "").lower(), "ethnicity": told.get("race", "").lower()}
            year = int(found["date"][:2])
            born = _number(told.get("yob", ""))
            yield Picture(name, found["person"], labels, {"age": 1900 + year - born})
        else:
            yield _misfit(name, "colorferet")


def _morph(folder: Path) -> Found:
    """``009055_1M54.JPG``: person, number of the photo, gender, age; a table of the release adds the ethnicity."""
    race = {
        row.values["id_num"].strip().zfill(6): row.values["race"].strip()
        for table in sorted(folder.glob("**/*.csv"))
        for row in lists.rows(table, needed=("id_num", "race"), strict=False)
    }
    words = {"B": "black", "W": "white", "A": "asian", "H": "hispanic", "O": "other"}
    shape = re.compile(r"(?:.*/)?(?P<person>\d{5,7})_\d+(?P<gender>[MF])(?P<age>\d{1,3})\.jpe?g", re.IGNORECASE)
    for name in files(folder):
        if found := shape.fullmatch(name):
            labels = {"gender": "male" if found["gender"].upper() == "M" else "female"}
            if race:
                labels["ethnicity"] = words.get(race.get(found["person"].zfill(6), ""), "")
            yield Picture(name, found["person"], labels, {"age": float(found["age"])})
        else:
            yield _misfit(name, "morph")


def _celeba(folder: Path) -> Found:
    """``img_align_celeba/000001.jpg``, ``identity_CelebA.txt`` and ``list_attr_celeba.txt``."""
    where = {path.name: path for pattern in ("*.txt", "*/*.txt") for path in folder.glob(pattern)}
    people, labels = where.get("identity_CelebA.txt"), where.get("list_attr_celeba.txt")
    if people is None or labels is None:
        return
    identity = {row[0]: row[1] for row in lists.words(people, count=2)}
    _, header, *lines = lists.words(labels, header=2)
    wanted = {"Male": "gender", "Young": "age", "Smiling": "smile", "Eyeglasses": "glasses"}
    words = {"gender": ("female", "male"), "age": ("old", "young"), "smile": ("no", "yes"), "glasses": ("no", "yes")}
    column = {name: header.index(name) + 1 for name in wanted if name in header}
    marks = {"-1": 0, "1": 1}
    told = {
        parts[0]: {
            wanted[name]: words[wanted[name]][marks[parts[at]]] for name, at in column.items() if parts[at] in marks
        }
        for parts in lines
    }
    for name in files(folder):
        file = name.rpartition("/")[2]
        file = file if file in identity else f"{Path(file).stem}.jpg"  # the PNG edition keeps the table's names
        if file in identity:
            yield Picture(name, identity[file], dict.fromkeys(wanted.values(), "") | told.get(file, {}))
        else:
            yield Skipped(name, f"isn't in {people.name}")


def _rfw(folder: Path) -> Found:
    """``data/African/m.0c7mh2/m.0c7mh2_0003.jpg``."""
    shape = re.compile(r"(?:.*/)?(?P<race>African|Asian|Caucasian|Indian)/(?P<person>[^/]+)/[^/]+")
    for name in files(folder):
        if found := shape.fullmatch(name):
            yield Picture(name, found["person"], {"ethnicity": found["race"].lower()})
        else:
            yield _misfit(name, "rfw")


def _csv(file: Path) -> Found:
    """Columns ``path`` and, where known, ``identity``; every other one is an attribute."""
    rows = list(lists.rows(file, needed=("path",)))
    columns = [name for name in (rows[0].values if rows else {}) if name not in ("path", "identity")]
    taken = sorted(_RESERVED & set(columns))
    if taken:
        raise InputError(f"'{file}' has a column '{taken[0]}', a name that the file of embeddings needs; rename it")
    numeric = {
        name for name in columns if all(_NUMBER.fullmatch(text) for row in rows if (text := known(row.values[name])))
    }
    before: dict[str, tuple[int, Picture]] = {}
    missing = 0
    for row in rows:
        name, there = _placed(file.parent, row.values["path"])
        if not name:
            yield Skipped(f"{file.name}, line {row.line}", "the row names no picture")
            continue
        one = Picture(
            name,
            row.values.get("identity"),
            {name: row.values[name] for name in columns if name not in numeric},
            {name: _number(known(row.values[name])) for name in columns if name in numeric},
        )
        line, same = before.setdefault(name, (row.line, one))
        if same is one:
            missing += not there
            yield one
        elif repr(same) == repr(one):  # as NaN isn't itself
            yield Skipped(name, f"is listed twice (line {row.line} of {file.name})")
        else:
            raise InputError(
                f"'{file}', lines {line} and {row.line}: '{name}' is listed with different values; leave one of them"
            )
    if before and missing == len(before):
        raise InputError(
            f"none of {missing} pictures that '{file}' lists is there, such as '{next(iter(before))}'; expected paths "
            f"from its own folder '{file.parent}' on"
        )


def _placed(home: Path, text: str) -> tuple[str, bool]:
    """The path of a picture as a list has it, below the list's folder, and whether it is there.

    A list made elsewhere may have backslashes, blanks around a path, or letters in another Unicode form than the disk.
    """
    plain = PurePosixPath(text.strip().replace("\\", "/"))
    if not text.strip():
        return "", False
    if plain.is_absolute() and plain.is_relative_to(PurePosixPath(home.absolute())):
        plain = plain.relative_to(PurePosixPath(home.absolute()))
    forms = [str(plain), text, *(unicodedata.normalize(form, str(plain)) for form in ("NFC", "NFD"))]
    found = next((one for one in forms if (home / one).is_file()), None)
    return found or str(plain), found is not None


Layout = Callable[[Path], Found]
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


def _name_values(path: Path) -> dict[str, str]:
    return dict(line.strip().split("=", 1) for line in lists.text(path).splitlines() if "=" in line)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
