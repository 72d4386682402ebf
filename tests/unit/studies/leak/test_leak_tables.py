"""The tables of the study, from figures made up."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest

from mote_bench.cli import app
from mote_bench.contracts import Measurement
from mote_bench.studies.leak import tables
from mote_bench.studies.leak.attacked import EVERY_ATTACK, SAME_ATTACKS, Success
from mote_bench.studies.leak.parts import Leak


def success(leak: str | None, value: float | None, *, what: str = "", share: float = 1.0) -> Success:
    found = None if leak is None else Leak.parse(leak)
    one = value and Measurement("balanced_accuracy", value, value - 0.1, value + 0.1, 60, 0.5, 0.45, 0.95)
    said, attack = what or str(found), "read" if value else ""
    return Success("plain", said, found, "gender", "balanced_accuracy", share, attack, one or None)


FOUND = [
    success("first-values=1", None, share=0.01),
    success("first-values=16", 0.75, share=0.125),
    success("first-bytes=50", 0.9, share=0.5),
    success(None, 0.95, what=SAME_ATTACKS),
    success(None, 0.97, what=EVERY_ATTACK),
]


def test_a_row_per_leak_with_the_share_the_attack_the_floor_and_the_subjects() -> None:
    lines = tables.render("faces", FOUND).splitlines()
    [detail] = [line for line in lines if line.startswith("| plain ") and "16 values" in line]
    cells = [cell.strip() for cell in detail.strip("|").split("|")]
    assert cells == ["plain", "the first 16 values", "12 %", "read", "0.750 [0.650, 0.850]", "0.450", "60 %", "60"]
    [overview] = [line for line in lines if line.startswith("| the first 16 values")]
    assert "0.750" in overview
    assert [line for line in lines if "the first value " in line and "not measured" in line]


def test_the_same_figures_as_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(FOUND))))
    assert [row["leaked"] for row in rows[:3]] == ["first-values=1", "first-values=16", "first-bytes=50"]
    assert (rows[0]["value"], rows[1]["value"], rows[1]["low"], rows[1]["n"]) == ("", "0.75", "0.65", "60")


def test_a_panel_per_kind_from_the_smallest_part_to_the_whole() -> None:
    svg = tables.chart(FOUND)
    assert svg.startswith("<svg ")
    assert svg.count("first values") == svg.count("first bytes") == 1
    assert "the first 16 values: 0.750" in svg


def test_the_command_names_what_differs_from_the_defaults() -> None:
    options = tables.Options(data="a/faces.npz", schemes="leace", people=250)
    assert tables.command(options) == ("python -m mote_bench study leak --data faces.npz --schemes leace --people 250")
    assert tables.command(tables.Options()) == "python -m mote_bench study leak"


@pytest.mark.parametrize(
    ("leaks", "said"), [("half", "--leaks half: expected a kind and an amount"), (",", "--leaks names none")]
)
def test_leaks_that_are_none_are_one_line(
    leaks: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mote-bench", "study", "leak", "--leaks", leaks])
    with pytest.raises(SystemExit) as ended:
        app.main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert said in printed.err
