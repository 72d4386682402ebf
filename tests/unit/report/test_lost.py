"""Any records make a board; a chart or a table beside it that can't be made costs itself and is named."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.cli import app
from mote_bench.contracts import Record
from mote_bench.records import store
from mote_bench.report import boards, charts, plots
from mote_bench.report.lost import Lost, attempted, told
from mote_bench.report.terminal import table

PUBLISHED = Path(__file__).resolve().parents[3] / "leaderboards" / "records" / "people-2_synthetic_0"
SCHEMES = ("cosine", "noise", "biohash")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Published records of the controls and of some schemes: every question, threat and kind of record."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "records" / PUBLISHED.name).mkdir(parents=True)
    for name in SCHEMES:
        copyfile(PUBLISHED / f"{name}.jsonl", folder / "records" / PUBLISHED.name / f"{name}.jsonl")
    return store.read(folder)


def whole(records: Sequence[Record]) -> None:
    """Every board and chart of the records is made, and the terminal's table."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Lost)
        made = boards.render(records)
    assert {"results.csv", "leaderboard.json", "leaderboard.html", "leaderboard.tex"} <= set(made)
    Console(file=io.StringIO(), width=60).print(table([matrix for matrix, _ in threat_matrices(records)]))


def some(records: list[Record], most: int) -> st.SearchStrategy[list[Record]]:
    places = st.lists(st.integers(0, len(records) - 1), min_size=1, max_size=most, unique=True)
    return places.map(lambda chosen: [records[place] for place in chosen])


@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_any_few_records_make_every_board(published: list[Record], data: st.DataObject) -> None:
    whole(data.draw(some(published, 4)))


@pytest.mark.slow(minutes=1)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_records_make_every_board(published: list[Record], data: st.DataObject) -> None:
    whole(data.draw(some(published, 40)))


def test_what_fails_is_named_with_the_reason() -> None:
    with pytest.warns(Lost, match=r"^the chart is left out \(ZeroDivisionError: division by zero\)$"):
        assert attempted("the chart", lambda: 1 / 0) is None
    assert attempted("the chart", lambda: 1) == 1


def test_a_chart_and_a_table_that_fail_cost_themselves(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise TypeError("no\nsuch argument")

    store.prepare(tmp_path)
    for one in records:
        if one.cell.scheme == "mote" and one.cell.question in ("verify", "link"):
            store.write(tmp_path, one)
    for name in ("det", "dots"):
        monkeypatch.setattr(charts, name, broken)
    monkeypatch.setattr(boards, "leaderboard_tex", broken)
    monkeypatch.setattr(sys, "argv", ["mote_bench", "board", "--out", str(tmp_path), "--quiet"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code in (0, None)
    assert said == ["note: 'leaderboard.tex' and 3 more are left out (TypeError: no\\nsuch argument)"]
    page = (tmp_path / "leaderboard.html").read_text(encoding="utf-8")
    assert "DET curve</h4>" not in page
    assert "Linkage: mote" in page
    assert not (tmp_path / "leaderboard.tex").exists()
    assert plots.det([], name="x", alt="a whole plot").startswith("<svg ")


def test_a_line_for_each_reason() -> None:
    lost = [Lost("a", "x"), Lost("b", "y"), Lost("c", "x"), Lost("d", "x")]
    assert told(lost) == ["a and 2 more are left out (x)", "b is left out (y)"]


def test_a_chart_is_drawn_where_no_home_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    assert plots.det([], name="x", alt="nothing").startswith("<svg ")
    folder = Path(os.environ["MPLCONFIGDIR"])
    assert folder.is_dir()
    monkeypatch.delenv("MPLCONFIGDIR")
    folder.rmdir()


def test_a_strip_that_cannot_be_read_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pixels").mkdir()
    (tmp_path / "pixels" / "strip.jpg").write_bytes(b"jpeg")
    assert boards.strip(tmp_path) == b"jpeg"

    def refused(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.warns(Lost, match="strip.jpg' is left out"):
        assert boards.strip(tmp_path) == b""
