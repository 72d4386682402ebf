"""The modules of docs/ that make tables, and boards of few records to make them of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import Record
from mote_bench.report.csv_json import leaderboard_json
from mote_bench.report.results import results_csv

DOCS = Path(__file__).resolve().parents[3] / "docs"
DLIB, OTHER = "lfw_dlib", "lfw_mobilefacenet"

Publish = Callable[[Sequence[Record]], Path]


@pytest.fixture(autouse=True)
def _docs_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Writes the two files that the tables are made of, and returns their folder."""

    def written(records: Sequence[Record]) -> Path:
        matrices = [matrix for matrix, _ in threat_matrices(records)]
        (tmp_path / "leaderboard.json").write_text(leaderboard_json(matrices), encoding="utf-8")
        (tmp_path / "results.csv").write_text(results_csv(records), encoding="utf-8")
        return tmp_path

    return written


@pytest.fixture
def few_records(make_records) -> list[Record]:
    """Three schemes by one recogniser, one of them with a key, and the controls by another."""
    first = make_records("cosine", "noise", "mote", "biohash", data=DLIB, protocol="people-2")
    return [*first, *make_records("cosine", "noise", data=OTHER, protocol="people-2")]
