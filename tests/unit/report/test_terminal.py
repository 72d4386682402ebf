"""The terminal's table: it fits, it says what it must, it runs no markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from mote_bench.analysis.standings import standings
from mote_bench.report.terminal import table


def printed(records, width, **more):
    out = io.StringIO()
    Console(width=width, file=out, **more).print(table([board for board, _ in standings(records)]))
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


def test_one_table_at_130_columns_and_two_at_80(records):
    assert printed(records, 130).count("scheme  ") == 1
    assert printed(records, 80).count("scheme  ") == 2


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


def test_nothing_to_show_is_said():
    assert "No records yet." in printed([], 80)
