"""leaderboard.tex: what a name can't do, and that the table is whole."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.report.latex import escaped


@pytest.fixture(scope="module")
def text(board_files):
    return board_files["leaderboard.tex"]


def test_tables_are_whole(text):
    for part in (r"\begin{table}", r"\end{table}", r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(part) == 2
    for table in text.split(r"\begin{table}")[1:]:
        lines = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len({line.count(" & ") for line in lines}) == 1


def test_figures_carry_their_interval(text):
    assert r"\shortstack[l]{0.993\\{\scriptsize[0.973, 1.000]}}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_sets_it_on_one_page(text, tmp_path):
    (tmp_path / "table.tex").write_text(text)
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}\usepackage[landscape,margin=10mm]{geometry}"
        r"\begin{document}\input{table}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:]
    assert "(1 page," in made.stdout
    assert "Overfull" not in made.stdout


@given(st.text())
def test_no_sign_keeps_its_meaning(name):
    left = re.sub(r"\\(?:textbackslash|textasciitilde|textasciicircum)\{\}|\\[&%$#_{}]", "", escaped(name))
    assert not re.search(r"[\\~^&%$#_{}]", left)
