"""The commands that write tables of model templates, and what they say of wrong options."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mote_bench.cli import app
from mote_bench.studies import mote_variants


def study(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    """The exit code of ``mote-bench study``, in this process."""
    monkeypatch.setattr(sys, "argv", ["mote-bench", "study", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        ("frontier", "--variants nothing", "no variant has 'nothing' in its name"),
        ("frontier", "--variants cosine --dimension 4", "expected at least as many"),
        ("frontier", "--enrolled 0", "0 people to enrol and 5000 background images; expected at least 2 and 1"),
        ("bound", "--attribute height", "no attribute 'height'; it has: gender, age, ethnicity"),
        ("capacity", "--data nowhere.npz", "no file at 'nowhere.npz'"),
        ("balance", "--people 30", "too few people"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(
    command: str,
    given: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = study(monkeypatch, command, *given.split(), "--out", tmp_path / "out")
    printed = capsys.readouterr().err
    assert (code, printed.count("\n")) == (2, 1)
    assert said in printed
    assert not (tmp_path / "out").exists()


def test_a_table_of_few_variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: make for name, make in mote_variants.VARIANTS.items() if not name.startswith("net")}
    monkeypatch.setattr(mote_variants, "_loop", lambda parts: 1.0)
    monkeypatch.setattr(mote_variants, "VARIANTS", few)
    assert study(monkeypatch, "frontier", "--variants", "cosine,linear, int8", "--out", tmp_path) == 0
    table = (tmp_path / "synthetic.md").read_text()
    assert "linear, int8" in table
    assert "enrolment, to one product" in table
    assert table.endswith(
        "Made by `python -m mote_bench study frontier --data synthetic --variants 'cosine,linear, int8'`.\n"
    )
    assert (tmp_path / "synthetic.svg").read_text().startswith("<svg")
    header, first, *_ = (tmp_path / "synthetic.csv").read_text().splitlines()
    assert header.count(",") == first.count(",")


def test_an_interrupted_study_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mote_variants, "measure", interrupted)
    assert study(monkeypatch, "frontier", "--out", tmp_path / "out") == 130
    assert capsys.readouterr().err == "interrupted: nothing is written; run the same command to start again\n"
    assert not (tmp_path / "out").exists()
