"""The commands that write tables of model templates, and what they say of wrong options."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mote_bench.mote import balance, bound, capacity, frontier, solved
from mote_bench.mote.compressed import CompressedMOTE
from mote_bench.mote.operations import enrolment, scoring, weights
from mote_bench.mote.scheme import MOTE


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        (frontier, "--variants nothing", "no variant has 'nothing' in its name"),
        (frontier, "--variants cosine --dimension 4", "expected at least as many"),
        (frontier, "--enrolled 0", "0 people to enrol and 5000 background images; expected at least 2 and 1"),
        (bound, "--attribute height", "no attribute 'height'; it has: gender, age, ethnicity"),
        (capacity, "--data nowhere.npz", "no file at 'nowhere.npz'"),
        (balance, "--people 30", "too few people"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(command, given, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [command.__name__, *given.split(), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        command.main()
    printed = capsys.readouterr().err
    assert (ended.value.code, printed.count("\n")) == (2, 1)
    assert said in printed
    assert not (tmp_path / "out").exists()


def test_a_table_of_few_variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier, "_loop", lambda parts: 1.0)
    monkeypatch.setattr(sys, "argv", ["frontier", "--variants", "cosine,linear, int8", "--out", str(tmp_path)])
    monkeypatch.setattr(frontier, "VARIANTS", {k: v for k, v in frontier.VARIANTS.items() if not k.startswith("net")})
    frontier.main()
    table = (tmp_path / "synthetic.md").read_text()
    assert "linear, int8" in table
    assert "enrolment, to one product" in table
    assert (tmp_path / "synthetic.svg").read_text().startswith("<svg")
    header, first, *_ = (tmp_path / "synthetic.csv").read_text().splitlines()
    assert header.count(",") == first.count(",")


def test_operations_by_hand() -> None:
    """A net 4-3-1 has 15 weights: 12 and 3. One stranger brings half a positive of the person's own."""
    net = MOTE(hidden=(3,))
    assert weights((4, 3, 1)) == 15
    assert scoring(net, 2, 5, 4) == 2 * 2 * 5 * 15
    # Answers, weights' slopes and units' slopes, but not those of the inputs; validation answers only.
    assert enrolment(net, 10, 2, 4) == 2 * (15 * (15 + 15 + 3) + 3 * 15)
    assert enrolment(CompressedMOTE(hidden=(3,)), 10, 2, 4) == enrolment(net, 10, 2, 4)
    assert enrolment(solved.SolvedMOTE(hidden=(3,)), 10, 2, 4) > 2 * solved.POSITIVES * 4**2
