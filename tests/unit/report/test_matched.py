"""Matched utility on the boards: a table of its own, a section of the page and a part of the JSON file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mote_bench.analysis.matched_utility import VERDICTS
from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import NOISE_LEVELS
from mote_bench.records import schemas
from mote_bench.report.boards import render
from mote_bench.report.csv_json import leaderboard_json
from mote_bench.report.matched import matched_md


@pytest.fixture(scope="module")
def files(make_records, noise_levels):
    own = [one for one in make_records("cosine", "biohash", "coin") if one.cell.question in ("verify", "gender")]
    return render([*own, *noise_levels])


def test_without_the_levels_nothing_is_shown(make_records):
    matrices = [matrix for matrix, _ in threat_matrices(make_records("cosine", "noise"))]
    assert matched_md([matrix.board for matrix in matrices]) == ""
    assert "matched" not in leaderboard_json(matrices)


def test_the_table_says_each_verdict_in_words(files):
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in files["matched.md"].splitlines()]
    summary = {line[0]: line[1:] for line in lines if len(line) == 3}
    assert summary["scheme"] == ["FNMR at FMR 1e-3", "gender"]
    assert summary["biohash, key stolen"] == ["0.720 [0.690, 0.750]", "worse than noise"]
    assert summary["coin"] == ["0.999 [0.969, 1.000]", "not comparable: rejects more genuine probes than any level"]
    assert "biohash" not in summary
    full = {line[0]: line[1:] for line in lines if len(line) == 8}
    assert full["biohash, key stolen"][1] == "0.985 [0.965, 1.000]"
    assert re.fullmatch(r"\+0\.\d{3} \[\+0\.\d{3}, \+0\.\d{3}\]", full["biohash, key stolen"][3])
    assert full["coin"][2:4] == ["–", "–"]
    assert full["biohash, key stolen"][-1] == "logistic-inverted, of 4"
    assert [line[0] for line in lines if len(line) == 4][2:] == ["cosine", *NOISE_LEVELS]


def test_the_levels_are_on_no_other_board(files):
    for name in ("leaderboard.csv", "leaderboard.md", "leaderboard.tex", "utility.md", "naive_adaptive.md"):
        assert "noisy-vector" not in files[name]
    assert files["results.csv"].count("noisy-vector-05") == 3


def test_json_holds_the_comparison_in_its_schema(files):
    table = json.loads(files["leaderboard.json"])
    schemas.check(table, "leaderboard", "leaderboard.json")
    [gender] = table["boards"][0]["matched"]
    assert [level["scheme"] for level in gender["levels"]] == ["cosine", *NOISE_LEVELS]
    stolen = next(row for row in gender["rows"] if row["scheme"] == "biohash")
    assert (stolen["key"], stolen["verdict"], stolen["headline"]["value"]) == ("stolen", "worse than noise", 0.985)
    assert stolen["difference"]["value"] == pytest.approx(0.985 - stolen["noise"]["value"])
    assert "influence" not in stolen


def test_the_schema_knows_every_verdict():
    schema = json.loads((Path(schemas.__file__).parent / "leaderboard.schema.json").read_text(encoding="utf-8"))
    row = schema["$defs"]["matched"]["properties"]["rows"]["items"]
    assert set(row["properties"]["verdict"]["enum"]) == set(VERDICTS)


def test_the_page_has_a_section_with_a_plot_and_a_table(files):
    page = files["leaderboard.html"]
    section = page[page.index("Matched utility: each scheme against noise") : page.index('<section class="scheme"')]
    assert section.count("<figure>") == 1
    assert "biohash, key stolen: worse than noise" in section
    assert "noisy-vector-40" in section
    assert 'data-row="biohash, key stolen"' in section
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', section)) <= set(ids)
