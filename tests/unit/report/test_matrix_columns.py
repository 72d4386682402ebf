"""The threat matrix on every board: the same figures, words in place of those that are missing, one list of columns."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from mote_bench.analysis.threat_matrix import ATTACKERS, threat_matrices
from mote_bench.contracts import Measurement
from mote_bench.report.boards import render
from mote_bench.report.matrix_columns import THREAT, matrix_columns, share_span

WITHOUT_KEYS = ("cosine", "noise", "mote", "coin")


@pytest.fixture(scope="module")
def with_ind(records, make_record):
    two_faces = [
        make_record(scheme, "two-faces", "ind", Measurement("auc", auc, auc - 0.1, auc + 0.1, 20))
        for scheme, auc in (("cosine", 0.9), ("noise", 0.5), ("mote", 0.641))
    ]
    return [*records, *two_faces]


@pytest.fixture(scope="module")
def matrix(with_ind):
    [(made, _)] = threat_matrices(with_ind)
    return made


@pytest.fixture(scope="module")
def files(with_ind):
    return render(with_ind)


@pytest.fixture(scope="module")
def rows_of_page(files):
    """Scheme -> the texts of its cells, in the page's first table."""
    table = re.search(r'data-table="threats">.*?</table>', files["leaderboard.html"], re.S).group()
    rows = re.findall(r'<tr data-row="([^"]*)"[^>]*>(.*?)</tr>', table, re.S)
    return {name: re.findall(r"<td[^>]*>(.*?)</td>", cells, re.S) for name, cells in rows}


@pytest.fixture(scope="module")
def rows_of_markdown(files):
    table = files["leaderboard.md"].partition("### What each attacker gets")[2].partition("### By question")[0]
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {cells[0].strip("| ").removesuffix(" †"): cells[1:] for cells in lines[1:]}


def test_the_matrix_is_the_page_s_first_table(files):
    assert re.findall(r'data-table="(\w+)"', files["leaderboard.html"]) == ["threats", "glance", "leaks", "costs"]


@pytest.mark.parametrize("scheme", ["cosine", "mote", "biohash", "coin"])
def test_page_markdown_and_json_hold_the_same_figures(matrix, files, rows_of_page, rows_of_markdown, scheme):
    [held] = json.loads(files["leaderboard.json"])["boards"]
    [threats] = [one for one in held["threats"] if one["scheme"] == scheme]
    for place, column in enumerate(matrix_columns(matrix)):
        if column.form != THREAT:
            continue
        cell = column.value(matrix.row(scheme))
        on_page, in_markdown = rows_of_page[scheme][place], rows_of_markdown[scheme][place]
        assert threats[column.key]["status"] == cell.status
        if cell.worst is None:
            assert "<em>" in on_page
            assert "*" in in_markdown
            continue
        percent, span = f"{cell.worst.share.percent} %", share_span(cell.worst.share)
        for text in (on_page, in_markdown):
            assert percent in text
            assert span in text
            assert cell.worst.worst.record.split("/")[-1] in on_page
        assert threats[column.key]["share"] == cell.worst.share.value
        assert threats[column.key]["measurement"]["value"] == cell.worst.worst.headline.value


def test_what_was_not_measured_is_said_in_words(rows_of_page, rows_of_markdown):
    for scheme in WITHOUT_KEYS:
        assert [rows_of_page[scheme][place] for place in (1, 4, 5)] == [
            "<em>no keys</em>", "<em>no keys</em>", "<em>no system secrets</em>"
        ]  # fmt: skip
        assert rows_of_markdown[scheme][4].strip() == "*no keys*"
    assert rows_of_page["biohash"][2] == "<em>not run</em>"


def test_a_scheme_of_no_use_is_marked_with_its_error(matrix, files):
    order = [row.scheme for row in matrix.rows]
    assert order[:4] == ["cosine", "noise", "mote", "biohash"]
    why = "rejects 72 % of genuine probes (FMR 1e-3, keys stolen)"
    assert f"biohash †</a><small>{why}</small>" in files["leaderboard.html"]
    assert f"biohash {why};" in files["leaderboard.md"]
    assert r"biohash $\dagger$" in files["leaderboard.tex"]


def test_indistinguishability_is_a_column_where_it_was_measured(matrix, files, rows_of_page, records):
    [column] = [one for one in matrix_columns(matrix) if one.form not in (THREAT, "fnmr")]
    assert (column.key, column.note) == ("ind", "AUC; lower leaks less")
    assert "0.641" in rows_of_page["mote"][-1]
    assert "ind: two faces distinguished under fresh keys (AUC; lower leaks less)" in files["leaderboard.md"]
    [(without, _)] = threat_matrices(records)
    assert [one.key for one in matrix_columns(without)][-1] == "online_decisions"


def test_a_note_that_most_cells_share_stands_above_them(matrix, rows_of_page):
    notes = {one.key: one.note for one in matrix_columns(matrix)}
    assert notes["algorithm"] == "3 of 3 properties tested, chosen on targets"
    assert "properties tested" not in rows_of_page["mote"][3]


def test_every_column_has_a_key_and_a_narrow_heading_of_its_own(matrix):
    made = matrix_columns(matrix)
    assert len({one.key for one in made}) == len(made)
    assert all(max(map(len, one.short.split("\n"))) <= 6 for one in made)
    assert [one.key for one in made if one.form == THREAT] == [one.key for one in ATTACKERS]


def test_names_run_no_code_in_the_matrix(records, hostile):
    made = render([replace(one) for one in records if one.cell.scheme in (hostile, "cosine", "noise")])
    assert "<script>alert" not in made["leaderboard.html"]
