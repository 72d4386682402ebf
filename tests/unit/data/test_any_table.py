"""Tables as users have them, drawn at random: read as they are meant, or refused in one sentence; nothing else.

Names, types, words for missing values, encodings, orders and containers vary. At least 95 % of the tables that have a
right reading must be read.
"""

from __future__ import annotations

import gzip
import io
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mote_bench.contracts import Faces, InputError
from mote_bench.data import npz
from mote_bench.data.options import ColumnOptions

EDGES = (18.0, 35.0)
EMPTY = ("", " ")
WORDS = ("nan", "NaN", "None", "null", "NA", "N/A", "<NA>", "unknown", "Unknown", "?")
LABELS = (("male", "female"), ("m", "f", "x"), ("yes", "no"), ("Söder", "norð"), ("18-34", "35+"), ("a b", "c,d"))
NAMES = ("Ann", "Björn", "NA", "007", "J. Doe", "Ann-Marie", "李", "o'Neil", "Null", "x,y")


@dataclass
class Drawn:
    """A table, what its right reading is, and how the user reads it."""

    embeddings: np.ndarray
    columns: dict[str, list[Any]]
    identity: list[str] | None
    attributes: dict[str, list[str]]
    values: dict[str, list[float]]
    options: ColumnOptions = field(default_factory=ColumnOptions)
    wrong: list[str] = field(default_factory=list)
    """What is wrong with the table: patterns of messages, of which one must come. Otherwise it can be read."""


def drawn(rng: random.Random) -> Drawn:
    rows, dimension = rng.randint(8, 14), rng.randint(2, 5)
    embeddings = np.array([[rng.gauss(0, 1) for _ in range(dimension)] for _ in range(rows)], np.float32)
    made = Drawn(embeddings, {}, None, {}, {})
    parts = [add_identity, add_classes, add_age, add_truths, add_other]
    rng.shuffle(parts)
    for part in parts:
        part(made, rows, rng)
    return made


def add_identity(made: Drawn, rows: int, rng: random.Random) -> None:
    if rng.random() < 0.15:
        return
    name = rng.choice(["identity", "identity", "identity", "who", "subject id"])
    if rng.random() < 0.3:
        held: list[Any] = [rng.randint(0, 3) for _ in range(rows)]
        made.identity = [str(one) for one in held]
    else:
        people = rng.sample(NAMES, 4)
        made.identity = [rng.choice(people) for _ in range(rows)]
        held = [blanks(one, rng) for one in made.identity]
        if rng.random() < 0.1:
            held[rng.randrange(rows)] = rng.choice(["", "nan", "unknown", "?", "None"])
            made.wrong.append("is empty in")
    made.columns[name] = held
    if name != "identity":
        made.options = ColumnOptions(made.options.missing, name, made.options.embeddings)


def add_classes(made: Drawn, rows: int, rng: random.Random) -> None:
    for name in rng.sample(["gender", "Hair colour", "größe", "glasses"], rng.randint(0, 2)):
        labels = rng.choice(LABELS)
        known = [*labels, *(rng.choice(labels) for _ in range(rows - len(labels)))]
        rng.shuffle(known)
        held = [blanks(one, rng) for one in known]
        words: tuple[str, ...] = (*EMPTY, *WORDS)
        if rng.random() < 0.3:
            words = ("-", "n.n.")
            made.options = ColumnOptions({**made.options.missing, name: words}, made.options.identity)
        for row in rng.sample(range(rows), rng.randint(0, 3)):
            if known.count(known[row]) > 1:
                known[row], held[row] = "", rng.choice(words)
        made.columns[name], made.attributes[name] = held, known


def add_age(made: Drawn, rows: int, rng: random.Random) -> None:
    if rng.random() < 0.4:
        return
    whole = rng.random() < 0.5
    ages: list[Any] = [
        5,
        20,
        60,
        *(rng.randint(1, 90) if whole else round(rng.uniform(1, 90), 2) for _ in range(rows - 3)),
    ]
    rng.shuffle(ages)
    values = [float(one) for one in ages]
    lost = [row for row in rng.sample(range(rows), rng.randint(0, 2)) if values[row] not in (5, 20, 60)]
    sentinel = rng.choice([None, None, "", "nan", "unknown", -1, 999])
    for row in lost:
        ages[row], values[row] = sentinel, float("nan")
    if sentinel in (-1, 999) and lost:
        if rng.random() < 0.7:
            made.options = ColumnOptions({**made.options.missing, "age": (str(sentinel),)}, made.options.identity)
        else:
            made.wrong.append("--missing age=")
    made.columns["age"], made.values["age"] = ages, values
    made.attributes["age"] = [
        "" if age != age else "under 18" if age < EDGES[0] else "18-34" if age < EDGES[1] else "35+" for age in values
    ]


def add_truths(made: Drawn, rows: int, rng: random.Random) -> None:
    if rng.random() < 0.5:
        return
    truths: list[Any] = [True, False, *(rng.random() < 0.5 for _ in range(rows - 2))]
    told = ["yes" if one else "no" for one in truths]
    for row in rng.sample(range(2, rows), rng.randint(0, 2)):
        truths[row], told[row] = None, ""
    made.columns["hat"], made.attributes["hat"] = truths, told


def add_other(made: Drawn, rows: int, rng: random.Random) -> None:
    """Columns that serve as nothing."""
    if rng.random() < 0.3:
        made.columns["score"] = [rng.random() for _ in range(rows)]
    if rng.random() < 0.1:
        made.columns["path"] = [f"{row}.jpg" for row in range(rows)]


def blanks(text: str, rng: random.Random) -> str:
    return text if rng.random() < 0.8 else rng.choice([" ", "  "]) + text + rng.choice(["", " "])


def as_words(one: Any) -> str:
    return "" if one is None else str(one)


def dimensions(made: Drawn, rng: random.Random) -> dict[str, list[float]]:
    """The columns of the embeddings, under one of the names that they may have."""
    head, start, pattern = rng.choice(
        [("embedding_", 0, None)] * 4 + [("feat_", 0, "feat_*"), ("v", 1, "v*"), ("", 0, "[0-9]*")]
    )
    if pattern:
        made.options = ColumnOptions(made.options.missing, made.options.identity, pattern)
    return {f"{head}{start + at}": made.embeddings[:, at].tolist() for at in range(made.embeddings.shape[1])}


def mixed(made: Drawn, columns: dict[str, list[Any]], rng: random.Random) -> list[tuple[str, list[Any]]]:
    """All columns in any order; now and then one is lost, or there twice."""
    listed = [*columns.items(), *made.columns.items()]
    rng.shuffle(listed)
    chance = rng.random()
    if chance < 0.04 and len(columns) > 2:
        lost = list(columns)[1]
        listed = [one for one in listed if one[0] != lost]
        made.wrong.append("lacks|embedding_0|no such")
    elif chance < 0.08 and made.columns:
        name, held = rng.choice(list(made.columns.items()))
        listed.append((f" {name}", held))
        made.wrong.append("two columns")
    return listed


def as_csv(made: Drawn, folder: Path, rng: random.Random) -> Path:
    if rng.random() < 0.15:
        columns: dict[str, list[Any]] = {"embedding": [str(row.tolist()) for row in made.embeddings]}
    else:
        columns = dict(dimensions(made, rng))
    listed = mixed(made, columns, rng)
    if rng.random() < 0.2:
        listed.insert(0, ("", list(range(len(made.embeddings)))))
    separator = rng.choice([",", ",", ",", ";", "\t"]) if len(listed) > 1 else ","
    after = rng.choice(["", "", " "])

    def quote(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if separator in text or '"' in text else text

    lines = [[quote(blanks(name, rng) if name else "") for name, _ in listed]]
    lines += [[quote(as_words(held[row])) for _, held in listed] for row in range(len(made.embeddings))]
    text = "".join((separator + after).join(line) + rng.choice(["\n", "\r\n"]) for line in lines)
    encoding = rng.choice(["utf-8"] * 6 + ["utf-8-sig", "latin-1", "utf-16"])
    if encoding == "latin-1" and any(letter > "\xff" for letter in text):
        encoding = "utf-8"
    if encoding == "utf-16" or (encoding == "latin-1" and not text.isascii()):
        made.wrong.append("UTF-8")
    raw = text.encode(encoding)
    if rng.random() < 0.2:
        return written(folder / "t.csv.gz", gzip.compress(raw))
    return written(folder / rng.choice(["t.csv", "T.CSV", "t.tsv"]), raw)


def as_parquet(made: Drawn, folder: Path, rng: random.Random) -> Path:
    if rng.random() < 0.3:
        name = rng.choice(["embedding", "embeddings", "vector"])
        columns: dict[str, list[Any]] = {name: made.embeddings.tolist()}
        if name == "vector":
            made.options = ColumnOptions(made.options.missing, made.options.identity, "vector")
    else:
        columns = dict(dimensions(made, rng))
    listed = mixed(made, columns, rng)
    names = [blanks(name, rng) for name, _ in listed]
    table = pyarrow.table([pyarrow.array(typed(held)) for _, held in listed], names=names)
    stream = io.BytesIO()
    parquet.write_table(table, stream)
    return written(folder / rng.choice(["t.parquet", "t.pq", "T.PARQUET"]), stream.getvalue())


def as_npz(made: Drawn, folder: Path, rng: random.Random) -> Path:
    name = rng.choice(["embeddings"] * 3 + ["arr_0"])
    if name == "arr_0":
        made.options = ColumnOptions(made.options.missing, made.options.identity, "arr_0")
    arrays = {blanks(key, rng): np.array(plain(held)) for key, held in made.columns.items()}
    if rng.random() < 0.2:  # as older tools save text
        arrays = {key: np.char.encode(one, "utf-8") if one.dtype.kind == "U" else one for key, one in arrays.items()}
    stream = io.BytesIO()
    np.savez(stream, **{name: made.embeddings}, **arrays)
    return written(folder / "t.npz", stream.getvalue())


def typed(held: list[Any]) -> list[Any]:
    """Numbers that miss some are null there; words among them make a column of text."""
    if any(isinstance(one, str) for one in held):
        return [None if one is None else str(one) for one in held]
    return held


def plain(held: list[Any]) -> list[Any]:
    """What numpy can hold: numbers miss as NaN, text as a word."""
    if any(isinstance(one, str) for one in held) or (None in held and any(isinstance(one, bool) for one in held)):
        return [as_words(one) for one in held]
    return [float("nan") if one is None else one for one in held]


def written(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


def check(seed: int, folder: Path, count: Counter[str]) -> None:
    """One table: the right reading, or one sentence where there is none."""
    rng = random.Random(seed)
    made = drawn(rng)
    write = rng.choice([as_csv, as_csv, as_parquet, as_npz])
    path = write(made, folder, rng)
    count["all"] += 1
    count["readable"] += not made.wrong
    if write is as_npz:  # text is a type of its own there: truths and ages written out are classes
        for name in ("hat", "age"):
            if name in made.columns and any(isinstance(one, str) for one in plain(made.columns[name])):
                made.attributes.pop(name)
                made.values.pop(name, None)
                rest = [key for key in made.columns if key not in ("hat", "age")]
                made.columns = {key: made.columns[key] for key in rest}
    try:
        data = npz.load(path, bins={"age": EDGES}, options=made.options)
    except InputError as error:
        said = str(error)
        assert not made.wrong or re.search("|".join(made.wrong), said), (seed, said)
    else:
        said = ""
        assert not made.wrong, (seed, made.wrong)
        assert_same(data.faces, made, seed, skip=write is as_npz)
        count["read"] += 1
    assert "\n" not in said, seed


def assert_same(faces: Faces, made: Drawn, seed: int, *, skip: bool) -> None:
    rows = made.embeddings.astype(float)
    assert np.allclose(faces.embeddings, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-5), seed
    assert (None if faces.identity is None else faces.identity.tolist()) == made.identity, seed
    attributes = {name: labels.tolist() for name, labels in faces.attributes.items()}
    ignored = ("hat", "age") if skip else ()
    assert {name: one for name, one in attributes.items() if name in made.attributes or name not in ignored} == (
        made.attributes
    ), seed
    for name, values in made.values.items():
        assert np.allclose(faces.values[name], values, atol=1e-6, equal_nan=True), seed


def check_many(folder: Path, examples: int) -> None:
    """Ten tables for each example of hypothesis, whose own work would take as long as a table's."""
    count: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(seed=st.integers(0, 2**32))
    def ten_tables(seed: int) -> None:
        for place in range(10):
            check(10 * seed + place, folder, count)

    ten_tables()
    assert count["readable"] > count["all"] / 2
    assert count["read"] >= 0.95 * count["readable"], count


def test_a_few_hundred_tables(tmp_path: Path) -> None:
    check_many(tmp_path, 20)


@pytest.mark.slow(minutes=0.5)
def test_ten_thousand_tables(tmp_path: Path) -> None:
    check_many(tmp_path, 1000)
