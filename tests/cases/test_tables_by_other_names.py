"""Embeddings in every container that people have: read, or named with the command that converts it.

dask#6504, fastparquet#89, scikit-learn#16498, numpy#17659 and Arize phoenix#22 are of this kind.
"""

from __future__ import annotations

import gzip
import json
import pickle
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mote_bench.contracts import InputError
from mote_bench.data import npz
from mote_bench.data.arrays import checksum
from mote_bench.data.containers import label_of
from mote_bench.data.options import ColumnOptions
from mote_bench.planning.spec import is_path

ROWS = 12
FACES = np.random.default_rng(0).standard_normal((ROWS, 12)).astype(np.float32)
UNIT = FACES / np.linalg.norm(FACES, axis=1, keepdims=True)
WHO = [f"p{row // 2}" for row in range(ROWS)]
GENDER = ["f", "m"] * 6


def table(head: str = "embedding_", start: int = 0) -> pd.DataFrame:
    dimensions = {f"{head}{start + at}": FACES[:, at] for at in reversed(range(12))}
    return pd.DataFrame({"gender": GENDER, **dimensions, "identity": WHO})


def check(path: Path, embeddings: str | None = None) -> None:
    data = npz.load(path, bins={}, options=ColumnOptions(embeddings=embeddings))
    np.testing.assert_allclose(data.faces.embeddings, UNIT, atol=1e-6)
    assert data.faces.identity.tolist() == WHO
    assert data.faces.attributes["gender"].tolist() == GENDER
    assert list(data.faces.attributes) == ["gender"]


@pytest.mark.parametrize(
    "name", ["F.CSV", "f.csv.gz", "f.csv.bz2", "f.csv.xz", "f.tsv", "f;.csv", "f.pq", "F.PARQUET", "f.parq"]
)
def test_suffixes_in_any_case_and_packed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if label_of(path).lower() + path.suffix.lower() in ("f.pq", "f.parquet", "f.parq"):
        table().to_parquet(path)
    else:
        separator = "\t" if "tsv" in name else ";" if ";" in name else ","
        table().to_csv(path, index=False, sep=separator)
    check(path)
    assert is_path(name)
    assert label_of(path) in ("f", "F", "f;")


def test_a_folder_of_parts(tmp_path: Path) -> None:
    parts = tmp_path / "faces"
    (parts / "_old").mkdir(parents=True)
    table()[:6].to_parquet(parts / "part.0.parquet")
    table()[6:].to_parquet(parts / "part.1.parquet")
    (parts / "_SUCCESS").touch()
    check(parts)
    assert is_path(str(parts))
    before = checksum(parts)
    table()[6:].drop(columns="identity").to_parquet(parts / "part.1.parquet")
    assert checksum(parts) != before
    with pytest.raises(
        InputError, match=r"part\.0.* and .*part\.1.* have not the same columns \(identity in one only\)"
    ):
        npz.load(parts, bins={})


def test_an_npy_file_holds_embeddings_only(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", FACES)
    data = npz.load(tmp_path / "a.npy", bins={})
    np.testing.assert_allclose(data.faces.embeddings, UNIT, atol=1e-6)
    assert "NO IDENTITY" in data.notes[0]
    np.save(tmp_path / "b.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError, match="pickled"):
        npz.load(tmp_path / "b.npy", bins={})
    (tmp_path / "c.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-9])
    with pytest.raises(InputError, match="promises"):
        npz.load(tmp_path / "c.npy", bins={})


@pytest.mark.parametrize("head", ["feat_", "Embedding_", "v", ""])
@pytest.mark.parametrize("start", [0, 1])
def test_dimensions_by_another_name(tmp_path: Path, head: str, start: int) -> None:
    table(head, start).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError) as said:
        npz.load(tmp_path / "a.csv", bins={})
    [pattern] = re.findall(r"--embedding-columns '(.*)'", str(said.value))
    check(tmp_path / "a.csv", pattern)


def test_dimensions_that_count_from_one(tmp_path: Path) -> None:
    table(start=1).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match="lacks embedding_0; if they count from 1") as said:
        npz.load(tmp_path / "a.csv", bins={})
    check(tmp_path / "a.csv", str(said.value).split("'")[-2])


@pytest.mark.parametrize(
    ("columns", "pattern", "message"),
    [
        (["a1", "a01"], "a*", "two columns of dimension 1: a1 and a01"),
        (["embedding_0", "embedding_00"], None, "two columns of dimension 0"),
        (["a0", "a1", "a3"], "a*", "lacks a2"),
        (["a0", "b1"], "*[0-9]", "expected one word and a number each"),
        (["x", "y"], "[xy]", "expected one word and a number each"),
        (["a0"], "feat_*", r"--embedding-columns feat_\*: .* has no such column \(it has: a0\)"),
    ],
)
def test_dimensions_without_an_order(tmp_path: Path, columns: list[str], pattern: str | None, message: str) -> None:
    pd.DataFrame({name: [1.0, 2.0] for name in columns}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=message):
        npz.load(tmp_path / "a.csv", bins={}, options=ColumnOptions(embeddings=pattern))


@pytest.mark.parametrize("name", ["embedding", "embeddings", "vector"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_of_whole_embeddings(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    made = pd.DataFrame({"identity": WHO, name: FACES.tolist(), "gender": GENDER})
    made.to_csv(path, index=False) if suffix == "csv" else made.to_parquet(path)
    if name == "vector":
        with pytest.raises(InputError, match="if 'vector' holds the embeddings: --embedding-columns vector"):
            npz.load(path, bins={})
    check(path, name if name == "vector" else None)


def test_lists_that_numpy_has_cut_short(tmp_path: Path) -> None:
    made = pd.DataFrame({"embedding": [np.arange(2000.0)] * 3})
    made.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=r"cut short .*array\.tolist\(\)"):
        npz.load(tmp_path / "a.csv", bins={})


def test_what_deepface_represents(tmp_path: Path) -> None:
    """A list of records with an embedding each, as a table."""
    found = [
        {
            "embedding": row.tolist(),
            "facial_area": {"x": at, "y": 2, "left_eye": None},
            "face_confidence": 0.9 + at / 99,
        }
        for at, row in enumerate(FACES)
    ]
    made = pd.DataFrame(found).assign(identity=WHO, gender=GENDER)
    made.to_csv(tmp_path / "a.csv")
    made.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        check(tmp_path / name)
        notes = npz.load(tmp_path / name, bins={}).notes
        assert "'facial_area' holds lists or records: left out" in notes


def test_arrays_by_another_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", FACES, identity=WHO, gender=np.array([[one] for one in GENDER]))
    with pytest.raises(InputError, match="if 'arr_0' holds them: --embedding-columns arr_0"):
        npz.load(tmp_path / "a.npz", bins={})
    check(tmp_path / "a.npz", "arr_0")
    with pytest.raises(InputError, match=r"--embedding-columns x: .* has no such array"):
        check(tmp_path / "a.npz", "x")


def test_dates_are_left_out_and_never_cut_into_classes(tmp_path: Path) -> None:
    dates = np.datetime64("2020-01-01") + np.arange(ROWS)
    np.savez(tmp_path / "a.npz", embeddings=FACES, identity=WHO, gender=GENDER, taken=dates)
    table().assign(taken=pd.to_datetime(dates)).to_parquet(tmp_path / "a.parquet")
    for name in ("a.npz", "a.parquet"):
        check(tmp_path / name)
        assert npz.load(tmp_path / name, bins={}).notes == ("'taken' holds dates: left out",)
        with pytest.raises(InputError, match=r"'taken' in .* holds dates; expected text, .* out of --attributes"):
            npz.load(tmp_path / name, bins={}, attributes=["taken"])


def ran(message: str) -> None:
    """Runs the code of the command that a message ends with."""
    command = re.search(r"python -c .*", message)
    assert command, message
    _, _, code = shlex.split(command.group().split("; expected")[0])
    exec(code, {})


def as_json(path: Path) -> None:
    path.write_text(json.dumps(table().to_dict("records")), encoding="utf-8")


def as_lines(path: Path) -> None:
    path.write_text("\n".join(map(json.dumps, table().to_dict("records"))), encoding="utf-8")


def as_mat(path: Path) -> None:
    import scipy.io

    scipy.io.savemat(path, {"embeddings": FACES, "identity": np.array(WHO), "gender": np.array(GENDER)})


CONVERTED: list[tuple[str, Callable[[Path], object], str]] = [
    ("a.pkl", lambda path: table().to_pickle(path), "is a pickle, which could run code"),
    ("a.bin", lambda path: path.write_bytes(pickle.dumps(table())), "is a pickle, which could run code"),
    ("a.json", as_json, "is JSON"),
    ("a.jsonl", as_lines, "is JSON"),
    ("a.mat", as_mat, "is a MATLAB file"),
    ("a.feather", lambda path: table().to_feather(path), "is a Feather file"),
    ("é.csv", lambda path: table().assign(gender=["é", "m"] * 6).to_csv(path, encoding="latin-1"), "no text in UTF-8"),
    ("a b.csv", lambda path: table().to_csv(path, encoding="utf-16", index=False), "no text in UTF-8"),
]


@pytest.mark.parametrize(("name", "write", "message"), CONVERTED, ids=[name for name, _, _ in CONVERTED])
def test_other_kinds_are_named_and_their_conversion_works(
    tmp_path: Path, name: str, write: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(InputError, match=message) as said:
        npz.load(path, bins={})
    ran(str(said.value))
    [made] = [found for found in tmp_path.iterdir() if found != path]
    data = npz.load(made, bins={})
    np.testing.assert_allclose(data.faces.embeddings, UNIT, atol=1e-5)
    assert data.faces.identity.tolist() == WHO
    assert list(data.faces.attributes) == ["gender"]


@pytest.mark.parametrize(
    ("name", "start", "message"),
    [
        ("a.h5", b"", "is HDF5"),
        ("a.npz", b"\x89HDF\r\n\x1a\n", "is HDF5"),
        ("a.xlsx", b"PK\x03\x04", "is an Excel file"),
        ("a.pt", b"PK\x03\x04", "is a PyTorch file"),
        ("a.txt", b"hello", "nor of another kind that is read; expected embeddings in npz, npy, CSV or Parquet"),
    ],
)
def test_kinds_by_name_or_content(tmp_path: Path, name: str, start: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(start)
    with pytest.raises(InputError, match=message):
        npz.load(tmp_path / name, bins={})


def test_a_kind_by_content_where_the_name_says_another(tmp_path: Path) -> None:
    table().to_parquet(tmp_path / "a.csv")
    check(tmp_path / "a.csv")
    table().to_csv(tmp_path / "b.parquet", index=False)
    with pytest.raises(InputError, match="can't be read as Parquet"):
        npz.load(tmp_path / "b.parquet", bins={})
    (tmp_path / "c.csv").write_bytes(gzip.compress((tmp_path / "b.parquet").read_bytes()))
    check(tmp_path / "c.csv")


def test_rows_of_another_length_are_never_shifted(tmp_path: Path) -> None:
    """pandas takes the first column for an index where rows are longer than the header."""
    text = table().to_csv(index=False).splitlines()
    (tmp_path / "a.csv").write_text("\n".join([text[0], *(f"x,{line}" for line in text[1:])]), encoding="utf-8")
    with pytest.raises(InputError, match="14 names in its header and 15 values in its first row"):
        npz.load(tmp_path / "a.csv", bins={})
    (tmp_path / "a.csv").write_text("\n".join([*text, f"x,{text[1]}"]), encoding="utf-8")
    with pytest.raises(InputError, match="can't be read as a CSV table"):
        npz.load(tmp_path / "a.csv", bins={})


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mote_bench.data import tables

    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table().to_csv(index=False).encode() + b"\n" * 2**16))
    check(tmp_path / "a.csv.gz")
    monkeypatch.setattr(tables, "_MOST_BYTES", 2**14)
    with pytest.raises(InputError, match="it unpacks to more than"):
        npz.load(tmp_path / "a.csv.gz", bins={})
