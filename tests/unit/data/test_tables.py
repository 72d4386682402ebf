"""Embeddings in CSV and Parquet: the same data as in npz, and what is wrong is named."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from commands import mote_bench
from mote_bench.contracts import InputError
from mote_bench.data import npz
from mote_bench.data.tables import read_table

RNG = np.random.default_rng(0)
VECTORS = RNG.standard_normal((6, 12)).astype(np.float32)


def frame(order=range(12)):
    return pd.DataFrame(
        {
            "identity": ["007", "007", "8", "8", "b", "b"],
            "gender": ["m", "m", "f", "f", None, "f"],
            **{f"embedding_{k}": VECTORS[:, k] for k in order},
            "age": [20.0, 21, np.nan, 40, 41, 60],
        }
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_is_an_npz_file(tmp_path, suffix):
    path = tmp_path / f"my faces.{suffix}"
    made = frame(order=[11, *range(11)])  # whatever the order
    made.to_csv(path, index=False) if suffix == "csv" else made.to_parquet(path)
    data = npz.load(path, bins={"age": (30,)})
    np.testing.assert_allclose(
        data.faces.embeddings, VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True), atol=1e-6
    )
    assert list(data.faces.identity) == ["007", "007", "8", "8", "b", "b"]
    assert list(data.faces.attributes["gender"]) == ["m", "m", "f", "f", "", "f"]
    assert list(data.faces.attributes["age"]) == ["under 30", "under 30", "", "30+", "30+", "30+"]
    assert np.isnan(data.faces.values["age"][2])
    assert data.name == "my faces"
    assert len(data.checksum) == 64


def test_a_column_of_lists(tmp_path):
    pd.DataFrame({"identity": list("aabbcc"), "embedding": list(VECTORS)}).to_parquet(tmp_path / "a.parquet")
    np.testing.assert_array_equal(read_table(tmp_path / "a.parquet")["embeddings"], VECTORS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda made: made.drop(columns="embedding_3"), "lacks embedding_3"),
        (lambda made: made.drop(columns=[f"embedding_{k}" for k in range(12)]), "has no column embedding_0"),
        (lambda made: made.assign(embedding_2="x"), "'embedding_2' in '.*' holds 'x'; expected numbers"),
        (lambda made: made.assign(identity=[None, *"abcde"]), "'identity' in '.*' is empty in 1 rows"),
        (lambda made: made.assign(embedding_2=np.nan), "'.*a.csv': "),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, message):
    change(frame()).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=message):
        npz.load(tmp_path / "a.csv", bins={})


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00damaged\x00", b'a,b\n"1,2\n3,4,5,6\n'])
def test_damaged_files(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="expected columns embedding_0"):
        read_table(tmp_path / name)


def test_without_pyarrow(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'mote-bench\[parquet\]'"):
        read_table(tmp_path / "a.parquet")


def test_a_missing_file_ends_without_a_traceback(tmp_path):
    result = mote_bench("run", "--data", "none.csv", cwd=tmp_path)
    assert result.returncode == 2
    assert "no file at 'none.csv'" in result.stderr
    assert "Traceback" not in result.stderr
