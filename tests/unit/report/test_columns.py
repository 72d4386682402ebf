"""One list of columns: what is added to it stands on every board."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import Measurement
from mote_bench.report import columns, csv_json, html, latex, markdown, terminal


@pytest.fixture
def matrix(records):
    return threat_matrices(records)[0][0]


@pytest.fixture
def board(matrix):
    return matrix.board


@pytest.fixture
def secured(records):
    """The records with false-accept security: 13.24 bits of a prior, and at least 53.41 of random directions."""
    bits = (
        Measurement("false_accept_bits", 13.24, 12.75, 13.71, 12, at="1e-3", group=("prior",)),
        Measurement("least_false_accept_bits", 53.41, 53.41, 53.41, 4, at="1e-3", group=("uniform",)),
    )
    return [
        replace(one, measurements=(*one.measurements, *bits)) if one.cell.question == "verify" else one
        for one in records
    ]


POINTS = {
    "verify": (
        Measurement("tail_fnmr", 0.21, 0.11, 0.35, 12, at="1e-4"),
        Measurement("tail_fnmr", 0.31, 0.21, 0.45, 12, at="1e-5"),
        Measurement("fnir_at_fpir_1e-1_of", 0.12, 0.1, 0.2, 12, group=("25",)),
        Measurement("fnir_at_fpir_1e-1_of", 0.34, 0.3, 0.4, 12, group=("149",)),
        Measurement("worst_tenth_fnmr", 0.91, 0.8, 1.0, 12, chance=0.5, at="1e-3"),
    ),
    "fairness": (Measurement("max_ratio_fnmr", 2.5, 1.5, 3.5, 12, at="1e-2", group=("age",)),),
}


@pytest.fixture
def pointed(secured):
    """The records with operating points that few records hold."""
    return [replace(one, measurements=(*one.measurements, *POINTS.get(one.cell.question, ()))) for one in secured]


@pytest.fixture
def with_another(monkeypatch):
    """A column more: the false-match rate reached."""
    own = columns.columns
    another = columns._rate("fmr_reached", "reached", at="1e-3")
    monkeypatch.setattr(columns, "columns", lambda board: (another, *own(board)))


RENDERERS = {
    columns.MARKDOWN: markdown._CELLS,
    columns.LATEX: latex._CELLS,
    columns.TERMINAL: terminal._CELLS,
    columns.CSV: csv_json._CELLS,
}


@pytest.mark.parametrize("renderer", RENDERERS)
def test_every_renderer_can_write_what_it_shows(pointed, renderer):
    board = threat_matrices(pointed)[0][0].board
    shown = columns.shown(board, renderer)
    forms = {column.form for column in shown} - ({columns.INDEX} if renderer == columns.LATEX else set())
    assert shown
    assert forms == set(RENDERERS[renderer])


def test_a_column_has_a_key_of_its_own(board):
    keys = [column.key for column in columns.columns(board)]
    assert len(keys) == len(set(keys))
    assert keys[:3] == ["eer", "fnmr", "rank_1"]
    assert {"gender", "link", "garbe_age", "fdr_age", "bytes_per_template"} <= set(keys)


def test_each_rate_knows_which_values_recognise_better(board):
    shown = {column.key: column for column in columns.shown(board, columns.HTML, columns.RATE)}
    assert [shown[key].better for key in ("eer", "fnmr", "rank_1")] == ["lower", "lower", "higher"]
    assert shown["fnmr"].name == "FNMR at FMR 1e-3"
    assert (shown["fnmr"].metric, shown["fnmr"].at) == ("fnmr_at_fmr_1e-3", "1e-3")


def test_fnmr_is_a_column_even_where_there_is_no_rate_to_read_it_at(make_record):
    [(matrix, _)] = threat_matrices([make_record("mote", "zero-effort", "verify", knowledge="none")])
    board = matrix.board
    fnmr = columns.columns(board)[1]
    assert (fnmr.key, fnmr.at, fnmr.better) == ("fnmr", "", "lower")
    assert fnmr.measurement(board.rows[0]) is None


@pytest.mark.usefixtures("with_another")
def test_a_column_more_stands_on_every_board(records, matrix):
    """The stand-in records reach 0.0012 at 1e-3, for every scheme that was verified."""
    out = io.StringIO()
    Console(width=200, file=out).print(terminal.table([matrix]))
    (first, *_) = csv.DictReader(io.StringIO(csv_json.leaderboard_csv([matrix.board])))
    held = json.loads(csv_json.leaderboard_json([matrix]))["boards"][0]["rows"][0]
    assert out.getvalue().count(" reached") == 1
    assert "reached at FMR 1e-3" in markdown.leaderboard_md([matrix])
    assert "[0.0012][" in markdown.leaderboard_md([matrix])
    assert "reached@1e-3" in latex.leaderboard_tex([matrix])
    assert 'data-name="reached at FMR 1e-3"' in html.leaderboard_html(threat_matrices(records))
    assert (first["fmr_reached"], first["fmr_reached_at_fmr"]) == ("0.0012", "1e-3")
    assert held["fmr_reached"]["measurement"]["value"] == 0.0012


def test_a_figure_of_a_question_is_a_column_too(records, matrix, monkeypatch):
    """The figure of the strongest attack, with the address of its record."""
    own, another = columns.columns(matrix.board), columns._answered("link", "d_sys", "D_sys")
    monkeypatch.setattr(columns, "columns", lambda board: (*own, another))
    held = json.loads(csv_json.leaderboard_json([matrix]))["boards"][0]["rows"]
    out = io.StringIO()
    Console(width=250, file=out).print(terminal.table([matrix]))
    for row, shown in zip(matrix.board.rows, held, strict=True):
        (strongest,) = (one for one in row.questions if one.question == "link")
        beside = {one.name: one.value for one in strongest.beside}
        figure = shown["link_d_sys"]
        assert (figure["measurement"] or {}).get("value") == beside.get("d_sys")
        assert figure["record"] == strongest.record
    assert any(shown["link_d_sys"]["measurement"] for shown in held)
    assert "D_sys" in out.getvalue()
    assert "D_sys" in markdown.leaderboard_md([matrix])
    assert 'data-name="Link: ' in html.leaderboard_html(threat_matrices(records))
    assert matrix.board.rows[0].attacked("no-such-question", "eer").status == "not asked"


def test_a_rate_after_the_attacks_stands_under_its_own_heading(records, matrix, monkeypatch):
    own, another = columns.columns(matrix.board), columns._rate("fmr_reached", "reached", at="1e-3")
    monkeypatch.setattr(columns, "columns", lambda board: (*own, another))
    page = html.leaderboard_html(threat_matrices(records))
    table = page[page.index('data-table="leaks"') :].partition("</table>")[0]
    heads = re.findall(r'<th scope="col"[^>]*data-name="([^"]*)"', table)
    cells = re.findall(r"<td.*?</td>", table.partition("<tbody>")[2].partition("</tr>")[0], re.DOTALL)
    assert (heads[-1], len(heads)) == ("reached at FMR 1e-3", len(cells))
    assert "0.0012" in cells[-1]


def test_a_column_is_named_by_its_title_unless_told():
    assert columns.Column("key", "heading", columns.RATE, str).name == "heading"


def test_identification_at_rank_1_stands_on_every_board(records, matrix):
    """Of the plain embedding: 0.99, with an interval of 0.02 to either side."""
    out = io.StringIO()
    Console(width=200, file=out).print(terminal.table([matrix]))
    (first, *_) = csv.DictReader(io.StringIO(csv_json.leaderboard_csv([matrix.board])))
    held = json.loads(csv_json.leaderboard_json([matrix]))["boards"][0]["rows"][0]
    page = html.leaderboard_html(threat_matrices(records))
    assert "Rank-1" in out.getvalue()
    assert "| Rank-1, n=200 " in markdown.leaderboard_md([matrix])
    assert r"Rank-1 $\uparrow$" in latex.leaderboard_tex([matrix])
    assert 'data-better="higher" data-name="Rank-1">Rank-1<small>higher recognises better</small>' in page
    assert "proportion of probes whose best-scoring template is the mated one" in page
    assert [first[f"rank_1{part}"] for part in ("", "_low", "_high", "_n", "_status")] == [
        "0.99", "0.97", "1.0", "200", "ok"
    ]  # fmt: skip
    assert held["rank_1"]["measurement"]["value"] == 0.99


def test_security_in_bits_stands_on_every_board_and_a_bound_as_one(secured):
    secured = [one for one in secured if one.cell.scheme == "cosine" and one.cell.question in ("verify", "cost")]
    matrices = threat_matrices(secured)
    board = matrices[0][0].board
    out = io.StringIO()
    Console(width=200, file=out).print(terminal.table([matrices[0][0]]))
    (first, *_) = csv.DictReader(io.StringIO(csv_json.leaderboard_csv([board])))
    held = json.loads(csv_json.leaderboard_json([matrices[0][0]]))["boards"][0]["rows"][0]
    text, page = markdown.leaderboard_md([matrices[0][0]]), html.leaderboard_html(matrices)
    assert all(part in out.getvalue() for part in ("13.2", "12.8–13.7", "≥ 53.4"))
    assert "bits: faces of a prior (key known, FMR 1e-3)" in text
    assert "[13.2][" in text
    assert "] [12.8, 13.7]" in text
    assert "[≥ 53.4][" in text
    assert '<b>13.2</b></a><small class="w">[12.8, 13.7]</small>' in page
    assert "<b>≥ 53.4</b>" in page
    assert "minus log2 of the mean acceptance, key known, of faces of a prior" in page
    keys = ("false_accept_bits_prior", "false_accept_bits_prior_low", "false_accept_bits_prior_is_bound")
    assert [first[key] for key in keys] == ["13.24", "12.75", "false"]
    assert (first["false_accept_bits_uniform"], first["false_accept_bits_uniform_is_bound"]) == ("53.41", "true")
    assert held["false_accept_bits_prior"]["measurement"]["value"] == 13.24
    assert "false_accept_bits_public" not in first


def test_a_scheme_that_exceeds_the_boards_rate_shows_its_bits_at_its_own_threshold(secured):
    of_cosine = [one for one in secured if one.cell.scheme == "cosine" and one.cell.question == "verify"]
    exceeding = replace(of_cosine[0], cell=replace(of_cosine[0].cell, scheme="vault"), measurements=(
        Measurement("false_accept_bits", 6.54, 6.21, 6.93, 100, at="own", group=("prior",)),
    ))  # fmt: skip
    matrix, _ = threat_matrices([*of_cosine, exceeding])[0]
    lines = list(csv.DictReader(io.StringIO(csv_json.leaderboard_csv([matrix.board]))))
    found = {one["scheme"]: (one["false_accept_bits_prior"], one["false_accept_bits_prior_at_fmr"]) for one in lines}
    assert found == {"cosine": ("13.24", "1e-3"), "vault": ("6.54", "own")}
    assert "[6.5 own][" in markdown.leaderboard_md([matrix])


def test_boards_of_records_without_security_have_no_column_for_it(board):
    assert not [column for column in columns.columns(board) if column.form == columns.BITS]


def test_operating_points_are_shown_where_records_hold_them(pointed, board):
    shown = {one.key: one for one in columns.columns(threat_matrices(pointed)[0][0].board) if one.form == columns.POINT}
    assert list(shown) == ["tail_fnmr", "fnir_at_fpir_1e-1", "worst_tenth_fnmr", "max_ratio_fnmr_age"]
    assert shown["tail_fnmr"].metric == "tail_fnmr_at_fmr_1e-5"  # the lowest rate
    assert shown["fnir_at_fpir_1e-1"].metric == "fnir_at_fpir_1e-1_of_149"  # the largest gallery
    text = markdown.leaderboard_md([threat_matrices(pointed)[0][0]])
    assert "### Operating points" in text
    assert "FNIR at FPIR 1e-1, gallery of 149" in text
    assert not [one for one in columns.columns(board) if one.form == columns.POINT]


FAILURES = {
    "verify": (
        Measurement("fta", 0.05, 0.03, 0.08, 40),
        Measurement("fte", 0.075, 0.026, 0.199, 40),
        Measurement("generalised_fnmr", 0.21, 0.15, 0.3, 12, at="1e-3"),
    ),
    "fairness": (Measurement("max_ratio_fte", 1.4, 1.0, 2.6, 40, group=("age",)),),
}


def test_failures_to_enrol_are_shown_where_a_record_holds_them_and_said_to_be_unknown_elsewhere(records):
    """Of mote the failures are known, and it refuses some subjects; of the others nothing is known."""
    refused = Measurement("scheme_fte", 0.02, 0.01, 0.06, 12)
    held = [
        replace(
            one,
            measurements=(
                *one.measurements,
                *FAILURES.get(one.cell.question, ()),
                *([refused] if one.cell.question == "verify" else []),
            ),
        )
        if one.cell.scheme == "mote"
        else one
        for one in records
    ]
    board = threat_matrices(held)[0][0].board
    shown = {one.key: one for one in columns.columns(board) if one.form == columns.POINT}
    assert list(shown) == ["fta", "fte", "scheme_fte", "generalised_fnmr", "max_ratio_fte_age"]
    rows = {row.scheme: row for row in board.rows}
    assert shown["fte"].value(rows["mote"]).measurement.value == 0.075
    assert shown["scheme_fte"].value(rows["mote"]).measurement == refused
    words = {key: one.value(rows["cosine"]).word for key, one in shown.items()}
    assert words["fte"] == words["fta"] == words["generalised_fnmr"] == "not known"
    assert words["scheme_fte"] == "none refused"
    text = markdown.leaderboard_md([threat_matrices(held)[0][0]])
    for part in ("Failure to enrol for want of a usable picture", "of all subjects", "not known", "none refused"):
        assert part in text
    assert "could not enrol" not in str(rows["cosine"].notes)
    (note,) = [note for note in rows["mote"].notes if "could not enrol" in note]
    assert note == (
        "could not enrol 0.020 [0.010, 0.060] of the enrolments: FNMR and attacks are of the others; FNMR with them "
        "counted as rejected: 0.210 [0.150, 0.300]"
    )
    line = next(csv.DictReader(io.StringIO(csv_json.leaderboard_csv([board]))))
    assert line["fte_metric"] == "fte"
    page = html.leaderboard_html([threat_matrices(held)[0]])
    assert "Failure to enrol by the scheme, of enrolments" in page
    assert "age: failure to enrol, maximum ÷ geometric mean" in page


def test_boards_of_older_records_have_no_table_of_points(records):
    text = markdown.leaderboard_md([threat_matrices(records)[0][0]])
    assert "### Operating points" not in text
    assert "### The subjects who lose most" not in text
