"""The study's records of a run are published with the run's, and the published boards say the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import CEILING, FLOOR, Cell, Measurement, Record, Status
from mote_bench.records import store
from mote_bench.records.fewer_shadow import folder_of, read_with_fewer
from mote_bench.report.boards import rendered
from mote_bench.studies.strength import publish


def attacked(scheme: str, value: float, *, count: int | None = None, data: str = "faces") -> Record:
    cell = Cell("people-2", data, scheme, "vote-answers", "gender", "algorithm", 0)
    one = Measurement("balanced_accuracy", value, value - 0.03, value + 0.03, 100, 0.5, 0.5, 0.99)
    influence = {"people": list(range(8)), one.name: [0.01 * (-1) ** k for k in range(8)]}
    origin = {} if count is None else {"shadow_subjects": f"{count} of 200"}
    return Record(cell, Status.OK, (one,), {"influence": influence, "more": 1}, {}, origin, rehearsal=(one,))


def verified(scheme: str, data: str) -> Record:
    cell = Cell("people-2", data, scheme, "zero-effort", "verify", "none", 0)
    return Record(cell, Status.OK, (Measurement("eer", 0.02, 0.01, 0.03, 100),))


def run(out: Path, *, mote: float = 0.9, data: str = "faces", studied: bool = True) -> Path:
    """A folder as a run and the study leave it."""
    store.prepare(out)
    for scheme, value in ((CEILING, 0.95), (FLOOR, 0.5), ("mote", mote)):
        store.write(out, verified(scheme, data))
        store.write(out, attacked(scheme, value, data=data))
        for count, less in ((50, 0.2), (100, 0.1)) if studied else ():
            store.prepare(folder_of(out, count))
            store.write(folder_of(out, count), attacked(scheme, value - less, count=count, data=data))
    return out


def table(out: Path) -> str:
    texts = rendered(threat_matrices(store.read(out)), weaker=read_with_fewer(out))
    return texts.get("strength.md", "")


def published(folder: Path, target: Path) -> list[str]:
    files = publish(folder, target)
    store.pack(folder, target)
    return [path.name for path in files]


def test_published_boards_say_what_the_runs_board_says(tmp_path):
    said = table(run(tmp_path / "run"))
    assert "still rising" in said
    assert published(tmp_path / "run", tmp_path / "boards") == ["people-2_faces_0.jsonl"]
    assert table(tmp_path / "boards") == said
    assert published(tmp_path / "run", tmp_path / "run") == ["people-2_faces_0.jsonl"]
    assert table(tmp_path / "run") == said
    assert [path.name for path in (tmp_path / "run" / "strength").iterdir()] == ["people-2_faces_0.jsonl"]


@pytest.mark.parametrize(("mote", "kept"), [(0.9, True), (0.91, False)])
def test_a_run_packed_later_keeps_what_was_compared_with_the_same_figures(tmp_path, mote, kept):
    published(run(tmp_path / "run"), tmp_path / "boards")
    published(run(tmp_path / "later", mote=mote, studied=False), tmp_path / "boards")
    assert ("| mote" in table(tmp_path / "boards")) is kept
    assert "| cosine" in table(tmp_path / "boards")


def test_other_data_sets_stay(tmp_path):
    published(run(tmp_path / "run"), tmp_path / "boards")
    names = published(run(tmp_path / "other", data="others"), tmp_path / "boards")
    assert sorted(names) == ["people-2_faces_0.jsonl", "people-2_others_0.jsonl"]
    assert table(tmp_path / "boards").count("\n## ") == 2


def test_without_the_study_nothing_is_written(tmp_path):
    assert published(run(tmp_path / "run", studied=False), tmp_path / "boards") == []
    assert not (tmp_path / "boards" / "strength").exists()


def test_a_failed_point_is_published_as_not_measured(tmp_path):
    out = run(tmp_path / "run")
    failed = replace(attacked("mote", 0.8, count=100), status=Status.FAILED, measurements=(), details={}, rehearsal=())
    store.write(folder_of(out, 100), failed)
    said = table(out)
    assert "not measured" in said
    published(out, tmp_path / "boards")
    assert table(tmp_path / "boards") == said
