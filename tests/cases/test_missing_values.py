"""What means missing, in every kind of file: ages of -1, words such as NA, and rows that name nobody.

yu4u/age-gender-estimation#124, pandas#55032, #10647, fairlearn#1155, #1698 and insightface#212 are of these kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mote_bench.contracts import Dataset, InputError
from mote_bench.data import npz
from mote_bench.data.options import ColumnOptions
from mote_bench.planning.spec import missing_of

ROWS = 12
FACES = np.random.default_rng(0).standard_normal((ROWS, 4))
WHO = [f"p{row // 2}" for row in range(ROWS)]

Write = Callable[[Path, dict[str, list[Any]]], Path]


def as_npz(folder: Path, columns: dict[str, list[Any]]) -> Path:
    np.savez(folder / "a.npz", embeddings=FACES, **{name: np.array(held) for name, held in columns.items()})
    return folder / "a.npz"


def as_bytes(folder: Path, columns: dict[str, list[Any]]) -> Path:
    """Text as older tools save it."""
    arrays = {name: np.array(held) for name, held in columns.items()}
    coded = {name: np.char.encode(one, "utf-8") if one.dtype.kind == "U" else one for name, one in arrays.items()}
    np.savez(folder / "b.npz", embeddings=FACES, **coded)
    return folder / "b.npz"


def frame(columns: dict[str, list[Any]]) -> pd.DataFrame:
    return pd.DataFrame(FACES, columns=[f"embedding_{at}" for at in range(4)]).assign(**columns)


def as_csv(folder: Path, columns: dict[str, list[Any]]) -> Path:
    frame(columns).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


def as_parquet(folder: Path, columns: dict[str, list[Any]]) -> Path:
    frame(columns).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


every_kind = pytest.mark.parametrize("write", [as_npz, as_bytes, as_csv, as_parquet])


def loaded(path: Path, *missing: str, **bins: tuple[float, ...]) -> Dataset:
    return npz.load(path, bins=bins, options=ColumnOptions(missing_of(missing)))


@every_kind
def test_an_age_that_nobody_has_is_refused_and_may_be_named_as_missing(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, {"identity": WHO, "age": [-1, 999, *range(20, 30)]})
    with pytest.raises(InputError, match=r"in 2 of 12 rows \(-1,999\); if that means unknown: --missing age=-1,999\."):
        loaded(path, age=(25.0,))
    data = loaded(path, "age=-1", "age=999", age=(25.0,))
    assert data.faces.attributes["age"].tolist() == ["", "", *["under 25"] * 5, *["25+"] * 5]
    assert np.isnan(data.faces.values["age"]).tolist() == [True] * 2 + [False] * 10
    assert data.notes == ("'age' is unknown in 2 of 12 rows (-1: 1, 999: 1)",)


@every_kind
def test_words_for_missing_are_counted_and_can_be_kept(tmp_path: Path, write: Write) -> None:
    glasses = ["none", "NA", "", "unknown", "?", *["sun ", " reading"] * 3, "sun"]
    path = write(tmp_path, {"identity": WHO, "glasses": glasses})
    data = loaded(path)
    assert data.faces.attributes["glasses"].tolist() == ["", "", "", "", "", *["sun", "reading"] * 3, "sun"]
    [note] = data.notes
    assert note.startswith("'glasses' is unknown in 5 of 12 rows (")
    assert all(f"{word}: 1" in note for word in ("none", "NA", "empty", "unknown", "?"))
    kept = loaded(path, "glasses=na,unknown").faces.attributes["glasses"].tolist()
    assert kept == ["none", "", "", "", "?", *["sun", "reading"] * 3, "sun"]
    assert "to keep '?' as a class: --missing glasses=NA,none,unknown" in note
    assert loaded(path, "glasses=").faces.attributes["glasses"].tolist()[:3] == ["none", "NA", ""]


def test_the_word_list_holds_for_numbers(tmp_path: Path) -> None:
    ages = ["unknown", "NA", "", *map(str, range(20, 29))]
    for write in (as_csv, as_npz, as_parquet):  # text in npz and Parquet becomes numbers where edges are given
        data = loaded(write(tmp_path, {"identity": WHO, "age": ages}), age=(25.0,))
        assert data.faces.attributes["age"].tolist() == ["", "", "", *["under 25"] * 5, *["25+"] * 4]
        assert data.notes == ("'age' is unknown in 3 of 12 rows (NA: 1, empty: 1, unknown: 1)",)


def test_nullable_columns(tmp_path: Path) -> None:
    columns = {
        "hat": pd.array([None, *[True, False] * 5, True], dtype="boolean"),
        "height": pd.array([None, *range(11)], dtype="Int64"),
        "hair": pd.array([pd.NA, *["red", "brown"] * 5, "red"], dtype="string"),
        "beard": pd.Categorical([None, *["no", "yes"] * 5, "no"]),
    }
    path = as_parquet(tmp_path, {"identity": WHO, **columns})  # type: ignore[dict-item]
    faces = loaded(path, height=(5.0,)).faces
    assert faces.attributes["hat"].tolist() == ["", *["yes", "no"] * 5, "yes"]
    assert faces.attributes["height"].tolist() == ["", *["under 5"] * 5, *["5+"] * 6]
    assert faces.attributes["hair"].tolist() == ["", *["red", "brown"] * 5, "red"]
    assert faces.attributes["beard"].tolist() == ["", *["no", "yes"] * 5, "no"]
    assert np.isnan(faces.values["height"]).sum() == 1


@every_kind
@pytest.mark.parametrize("word", ["", " ", "nan", "None", "<NA>", "unknown", "?"])
def test_rows_that_name_nobody_are_no_person(tmp_path: Path, write: Write, word: str) -> None:
    path = write(tmp_path, {"identity": [word, *WHO[1:11], word]})
    told = word.strip()
    with pytest.raises(
        InputError, match=r"'identity' in '.*' is empty in 2 rows of 12 .*--missing '?identity="
    ) as said:
        loaded(path)
    assert f"({told or 'empty'}: 2)" in str(said.value)
    data = loaded(path, f"identity={told}")
    assert data.faces.identity.tolist() == WHO[1:11]
    np.testing.assert_allclose(data.faces.embeddings[0], FACES[1] / np.linalg.norm(FACES[1]), atol=1e-6)
    assert data.notes[0] == "2 of 12 rows name no subject in 'identity': left out"


@every_kind
def test_somebody_may_be_called_na(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, {"identity": ["NA", "NA", *WHO[2:]]})
    data = loaded(path)
    assert data.faces.identity.tolist() == ["NA", "NA", *WHO[2:]]
    assert "'NA' is the subject of 2 rows" in data.notes[0]
    assert len(loaded(path, "identity=NA").faces) == 10


def test_numbers_as_names(tmp_path: Path) -> None:
    for identity in ([7, 7, *range(10)], [7.0, 7.0, *map(float, range(10))]):
        path = as_parquet(tmp_path, {"identity": identity})  # type: ignore[dict-item]
        assert loaded(path).faces.identity.tolist() == ["7", "7", *map(str, range(10))]
    for odd in ([0.5, *range(11)], [True] * 12):
        with pytest.raises(InputError, match="expected a name or whole number per row"):
            loaded(as_npz(tmp_path, {"identity": odd}))
    with pytest.raises(InputError, match=r"is empty in 1 rows of 12 \(empty: 1\)"):
        loaded(as_npz(tmp_path, {"identity": [np.nan, *range(11)]}))
    np.savez(tmp_path / "c.npz", embeddings=FACES, identity=np.array(["é".encode("latin-1")] * 12))
    with pytest.raises(InputError, match="bytes that are no text in UTF-8"):
        loaded(tmp_path / "c.npz")


def test_missing_of_a_column_that_is_not_there(tmp_path: Path) -> None:
    path = as_npz(tmp_path, {"identity": WHO})
    with pytest.raises(InputError, match=r"--missing age=-1: .* has no column 'age'; it has: identity"):
        loaded(path, "age=-1")


@pytest.mark.parametrize("option", ["age", "=1", "", " =1"])
def test_options_that_say_nothing(option: str) -> None:
    with pytest.raises(InputError, match="expected NAME=VALUE"):
        missing_of([option])
