"""Who is who is never lost without a word: a Parquet index, blanks around names, a column by another name.

apache/arrow#1302, mlcommons/croissant#805, pandas#9067 and EasyVVUQ#168 are of this kind.
"""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet
from rich.console import Console

from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.data import npz
from mote_bench.data.options import ColumnOptions
from mote_bench.planning import settings
from mote_bench.planning.spec import RunSpec
from mote_bench.records import provenance, schemas
from mote_bench.report.csv_json import leaderboard_json
from mote_bench.report.html import leaderboard_html
from mote_bench.report.markdown import leaderboard_md
from mote_bench.report.terminal import table as table_of

PEOPLE, PHOTOS = 30, 4
ROWS = PEOPLE * PHOTOS
FACES = np.random.default_rng(0).standard_normal((ROWS, 6))
WHO = np.repeat(np.arange(PEOPLE), PHOTOS)
NAMES = [f"p{one}" for one in WHO]
GENDER = np.where(WHO % 2, "female", "male")


def table() -> pd.DataFrame:
    return pd.DataFrame(FACES, columns=[f"embedding_{at}" for at in range(6)]).assign(gender=GENDER)


def test_an_index_named_identity_names_the_subjects(tmp_path: Path) -> None:
    table().assign(identity=NAMES).set_index("identity").to_parquet(tmp_path / "a.parquet")
    assert npz.load(tmp_path / "a.parquet", bins={}).faces.identity.tolist() == NAMES


def test_an_index_without_a_name_is_not_lost(tmp_path: Path) -> None:
    table().set_axis(NAMES).to_parquet(tmp_path / "a.parquet")
    data = npz.load(tmp_path / "a.parquet", bins={})
    assert "NO IDENTITY" in data.notes[0]
    assert "'index' looks like it (30 values): --identity index" in data.notes[0]
    named = npz.load(tmp_path / "a.parquet", bins={}, options=ColumnOptions(identity="index"))
    assert named.faces.identity.tolist() == NAMES


@pytest.mark.parametrize("shuffled", [False, True])
def test_an_index_that_only_counts_is_none(tmp_path: Path, shuffled: bool) -> None:
    made = table().assign(identity=NAMES)
    made = made.sample(frac=1, random_state=0) if shuffled else made
    made.to_parquet(tmp_path / "a.parquet")
    made.to_csv(tmp_path / "a.csv")
    for name in ("a.parquet", "a.csv"):
        data = npz.load(tmp_path / name, bins={})
        assert (list(data.faces.attributes), list(data.faces.values), data.notes) == (["gender"], [], ())


def test_blanks_around_names_of_columns_do_not_count(tmp_path: Path) -> None:
    spaced = table().assign(identity=NAMES)
    spaced.columns = [name if name in ("embedding_0", "gender") else f" {name} " for name in spaced.columns]
    spaced.to_csv(tmp_path / "a.csv", index=False)
    data = npz.load(tmp_path / "a.csv", bins={})
    assert data.faces.embeddings.shape == (ROWS, 6)
    assert data.faces.identity.tolist() == NAMES
    np.savez(tmp_path / "a.npz", **{"embeddings": FACES, "identity ": NAMES})
    assert npz.load(tmp_path / "a.npz", bins={}).faces.identity.tolist() == NAMES


def test_two_columns_that_differ_by_a_blank_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({**table(), "identity": NAMES, " identity": NAMES[::-1]}).to_csv(tmp_path / "a.csv", index=False)
    twice = pyarrow.table([FACES.tolist(), NAMES, NAMES[::-1]], names=["embedding", "identity", "identity"])
    parquet.write_table(twice, tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(InputError, match="has two columns 'identity'"):
            npz.load(tmp_path / name, bins={})


@pytest.mark.parametrize("name", ["labels", "id", "name", "Identity", "subject_id", "celebrity"])
@pytest.mark.parametrize("values", [WHO, NAMES], ids=["numbers", "text"])
def test_a_column_that_may_name_the_subjects_is_pointed_out(tmp_path: Path, name: str, values: object) -> None:
    np.savez(tmp_path / "a.npz", embeddings=FACES, gender=GENDER, **{name: values})
    data = npz.load(tmp_path / "a.npz", bins={})
    assert f"'{name}' looks like it (30 values): --identity {name}" in data.notes[0]
    found = npz.load(tmp_path / "a.npz", bins={}, options=ColumnOptions(identity=name))
    assert found.faces.identity.tolist() == [str(one) for one in values]  # type: ignore[attr-defined]
    assert name not in {*found.faces.attributes, *found.faces.values}
    assert found.notes == ()


def test_a_column_that_is_not_there_is_no_identity(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", embeddings=FACES, gender=GENDER)
    with pytest.raises(InputError, match=r"--identity who: .* has no such column; it has: embeddings, gender"):
        npz.load(tmp_path / "a.npz", bins={}, options=ColumnOptions(identity="who"))


def test_the_board_says_that_no_identity_is_known(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", embeddings=rng.standard_normal((300, 8)), labels=np.repeat(np.arange(75), 4))
    made = settings.make(RunSpec(str(tmp_path / "a.npz"), "cosine", "knn-bytes", "cost", protocol="quick-1"))
    assert all("NO IDENTITY" in one["data_notes"] for one in provenance.of_setting(made).values())
    records = [
        Record(cell, Status.OK, (Measurement("bytes_per_template", 32.0, 32.0, 32.0, 9),), provenance=origin)
        for cell, origin in provenance.of_setting(made).items()
    ]
    found = threat_matrices(records)
    matrices = [matrix for matrix, _ in found]
    Console(file=(shown := io.StringIO())).print(table_of(matrices))
    for text in (leaderboard_html(found), leaderboard_md(matrices), leaderboard_json(matrices), shown.getvalue()):
        assert text.count("NO IDENTITY") == 1
    schemas.check(json.loads(leaderboard_json(matrices)), "leaderboard", "here")


def test_notes_that_are_none_are_left_out() -> None:
    cell = Cell("quick-1", "x", "cosine", "none", "cost", "none", 0)
    for text in ("", "[", "3", "[3]", '{"a": 1}', "[" * 100_000):
        records = [Record(cell, Status.OK, provenance={"data_notes": text})]
        [(matrix, _)] = threat_matrices(records)
        assert matrix.board.data_notes == ()
        assert "data_notes" not in leaderboard_json([matrix])


def test_names_that_look_wrong_are_noted(tmp_path: Path) -> None:
    def notes(names: list[str], faces: np.ndarray = FACES) -> str:
        np.savez(tmp_path / "a.npz", embeddings=faces, identity=names)
        return " ".join(npz.load(tmp_path / "a.npz", bins={}).notes)

    assert notes(NAMES) == ""
    assert "nearly every row is a subject of its own" in notes([f"{row}.jpg" for row in range(ROWS)])
    assert "one subject has 40 of 120 rows, the first of them row 80" in notes([*NAMES[:80], *["x"] * 40])
    accented = ["Jos\u00e9" if one == "p1" else one for one in NAMES]
    accented[5] = unicodedata.normalize("NFD", accented[5])
    assert "1 names in 'identity' differ in their Unicode form" in notes(accented)
    twice = FACES.copy()
    twice[50] = twice[0]
    assert "1 rows have the same embedding as a row of another subject" in notes(NAMES, twice)
