"""leaderboard.tex: what a name can't do, and that the table is whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.report.boards import render
from mote_bench.report.latex import escaped


@pytest.fixture(scope="module")
def text(records):
    return render(records)["leaderboard.tex"]


def test_tables_are_whole(text):
    for part in (r"\begin{table}", r"\end{table}", r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(part) == 1
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len({line.count(" & ") for line in lines}) == 1


def test_figures_carry_their_interval(text):
    assert "0.993 {\\scriptsize [0.973, 1.000]}" in text


@given(st.text())
def test_no_sign_keeps_its_meaning(name):
    left = re.sub(r"\\(?:textbackslash|textasciitilde|textasciicircum)\{\}|\\[&%$#_{}]", "", escaped(name))
    assert not re.search(r"[\\~^&%$#_{}]", left)
