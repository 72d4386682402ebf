"""Naive against adaptive: the table shows a scheme that only hides from those who don't ask."""

from dataclasses import replace

from mote_bench.analysis.standings import standings
from mote_bench.report.naive_adaptive import naive_adaptive_md, readers


def _table(records):
    [(board, _)] = standings(records)
    return {(one.row.name, one.worst.question): one for one in readers(board)}, naive_adaptive_md([board])


def test_mote_is_apart_and_biohash_is_not(make_records):
    found, text = _table(make_records("cosine", "noise", "mote", "biohash"))
    mote = found["mote", "gender"]
    assert (mote.usual.value, mote.naive.value, mote.adaptive.value) == (0.5, 0.5, 0.993)
    assert mote.apart
    assert not found["biohash", "gender"].apart
    assert not found["cosine", "gender"].apart
    assert not any(scheme == "noise" for scheme, _ in found)
    assert "## people, protocol people-1, seed 0" in text
    assert [line for line in text.splitlines() if line.startswith("| mote ") and "adaptive leaks more" in line]


def test_overlapping_intervals_are_not_apart(make_records):
    records = [
        replace(one, measurements=tuple(replace(m, low=0.4, high=1.0) for m in one.measurements))
        for one in make_records("cosine", "noise", "mote")
    ]
    assert not _table(records)[0]["mote", "gender"].apart


def test_no_table_without_both_kinds_of_attack(make_records):
    records = [one for one in make_records("cosine", "noise", "mote") if one.cell.attack != "vote-answers"]
    found, text = _table(records)
    assert found == {}
    assert "No records yet." in text
