"""Labels that are one name but for a blank, a capital or a dash: one class, or refused before anything is computed.

fairlearn#1155 and #1698 and healthcareai-py#355 are of these kinds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commands import mote_bench
from mote_bench.data import npz
from mote_bench.records import store
from populations import gaussian_faces
from readings import value

SMALL = ("--protocol", "quick-1", "--jobs", 1, "--quiet")
RUN = ("--schemes", "cosine", "--questions", "gender,fairness", "--attacks", "vote-answers")


def saved(folder: Path, labels: list[str], kind: str) -> Path:
    """150 people whose label is written in turns as each of a pair."""
    faces = gaussian_faces(150, 4)
    assert faces.identity is not None
    male = faces.attributes["gender"] == np.unique(faces.attributes["gender"])[0]
    turn = np.arange(len(faces)) % 2
    gender = np.where(male, np.array(labels)[turn], np.array(labels)[2 + turn])
    path = folder / f"faces.{kind}"
    if kind == "npz":
        np.savez(path, embeddings=faces.embeddings, identity=faces.identity, gender=gender)
    else:
        table = pd.DataFrame(faces.embeddings).add_prefix("embedding_").assign(identity=faces.identity, gender=gender)
        table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    return path


BLANKS = ["male", " male", "female", "female "]


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet"])
def test_blanks_make_no_other_class(tmp_path: Path, kind: str) -> None:
    labels = npz.load(saved(tmp_path, BLANKS, kind), bins={}).faces.attributes["gender"]
    assert set(labels.tolist()) == {"female", "male"}


def test_a_run_has_two_classes_and_two_groups(tmp_path: Path) -> None:
    made = mote_bench("run", "--data", saved(tmp_path, BLANKS, "npz"), *SMALL, *RUN, "--out", "boards", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    records = store.read(tmp_path / "boards")
    assert {one.status for one in records} == {"ok"}
    assert value(records, "balanced_accuracy", scheme="cosine", question="gender").chance == 0.5
    groups = {one.group for record in records for one in record.measurements if len(one.group) == 2}
    assert groups == {("gender", "female"), ("gender", "male")}


@pytest.mark.parametrize("labels", [["male", "Male", "female", "female"], ["a-b", "a b", "c", "c"]])
def test_one_name_in_figures_is_refused_at_once(tmp_path: Path, labels: list[str]) -> None:
    path = saved(tmp_path, labels, "npz")
    made = mote_bench("run", "--data", path, *SMALL, *RUN, "--out", "boards", cwd=tmp_path)
    assert made.returncode == 2
    assert made.stderr.count("\n") == 1
    assert f"'{min(labels[:2])}' and '{max(labels[:2])}', which are one name in figures" in made.stderr
    assert not (tmp_path / "boards").exists()
