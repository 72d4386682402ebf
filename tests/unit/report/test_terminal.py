"""The terminal's table: it fits, it says what it must, it runs no markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mote_bench import registry
from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import Measurement
from mote_bench.metrics.catalogue import describe
from mote_bench.report.terminal import _QUESTION_WIDTH, _span, table


def printed(records, width, **more):
    out = io.StringIO()
    Console(width=width, file=out, **more).print(table([matrix for matrix, _ in threat_matrices(records)]))
    return out.getvalue()


@pytest.mark.parametrize("width", [120, 80, 40])
def test_no_line_is_wider_than_the_terminal(records, width):
    assert max(map(len, printed(records, width).splitlines())) <= width


@pytest.mark.parametrize("width", [120, 80])
def test_every_number_is_whole_at_any_width(records, width):
    text = printed(records, width)
    for words in ("0.993 #2=", ".973–1.00", "0.154 #2", ".134–.174", "107,500×", "101,636", "2 failed", "key stolen"):
        assert words in text
    assert "does not recognise its subjects (95 % interval of the EER above 0.25)" in text.replace("\n", " ")


def test_one_table_by_question_at_130_columns_and_two_at_80(records):
    by_question = [printed(records, width).partition("What each attacker gets")[2] for width in (130, 80)]
    assert [text.count("scheme  ") for text in by_question] == [1, 2]


def test_the_threat_matrix_has_a_line_per_scheme_at_80_columns(records, make_record):
    two_faces = make_record("mote", "two-faces", "ind", Measurement("auc", 0.641, 0.6, 0.7, 20))
    text = printed([*records, two_faces], 80).partition("What each attacker gets")[0]
    assert text.count("scheme  ") == 1
    [mote] = [line.split() for line in text.splitlines() if line.startswith("mote ")]
    [biohash] = [line.split() for line in text.splitlines() if line.startswith("biohash † ")]
    assert mote == ["mote", "12", "%", "=", "–", "100", "a", "=", "=", "–", "–", "0.641"]
    assert biohash[:7] == ["biohash", "†", "1.2", "%", "72", "%", "–"]
    assert "biohash †: rejects 72 % of genuine probes (FMR 1e-3, keys stolen)" in text


def test_no_color_is_respected(records, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(records, 120, force_terminal=True, color_system="truecolor")
    assert "\x1b[3" not in text.replace("\x1b[3m", "")  # italics are no colour


def test_names_are_neither_markup_nor_control_codes(make_records):
    name = "[red]x[/red]\x1b[2J"
    records = [replace(one, cell=replace(one.cell, scheme=name)) for one in make_records("mote")]
    text = printed(records, 120)
    assert "[red]x[/red]\\x1b" in text
    assert "\x1b" not in text


def test_each_question_is_headed_by_its_metric(records):
    text = printed(records, 130)
    assert "bal. acc." in text
    assert "gain" in text
    for question in registry.names("questions"):
        if question.target.startswith("mote_bench."):
            asked = registry.factory("questions", question.name)
            heading = describe(asked.breaks_by, asked.kind()).short or asked.breaks_by.replace("_", " ")
            assert 0 < len(heading) <= _QUESTION_WIDTH, heading


def test_nothing_to_show_is_said():
    assert "No records yet." in printed([], 80)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.986, 0.997, ".986–.997"),
        (-0.0123, 0.0041, "-.01–.004"),
        (0.971, 1.0, ".971–1.00"),
        (-1.3, -1.1, "-1.3–-1.1"),
        (-0.9996, 0.9996, "-1.0–1.00"),
        (9.999, 10.5, "10.0–10.5"),
        (-10.4, 123.4, "-10–123"),
        (-2.5e5, 1.25e12, "-2e5–1e12"),
    ],
)
def test_an_interval_in_nine_characters(low, high, text):
    assert _span(Measurement("gain", low, low, high, 10)) == text


@given(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)).map(sorted))
def test_no_interval_is_wider_than_its_column(ends):
    low, high = ends
    assert len(_span(Measurement("gain", low, low, high, 10))) <= 9
