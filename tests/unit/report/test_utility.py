"""Recognition on the board: normal and stolen keys apart, every group named and none lost."""

import re
from dataclasses import replace

from mote_bench.analysis.selection import ordered
from mote_bench.analysis.standings import standings
from mote_bench.contracts import Measurement
from mote_bench.report.boards import render
from mote_bench.report.utility import utility_md


def _lines(text, name):
    return [line for line in text.splitlines() if line.startswith(f"| {name} ")]


def test_normal_and_stolen_keys_have_rows_of_their_own(make_records):
    text = render(make_records("cosine", "noise", "biohash"))["utility.md"]
    normal, stolen = _lines(text, "biohash, normal")[0], _lines(text, "biohash, key stolen")[0]
    assert normal != stolen
    assert "0.002" in normal
    assert "FNMR at FMR 1e-3" in text
    assert _lines(text, "cosine")


def test_groups_whose_labels_are_no_words_keep_their_figures(make_records):
    """50+ is written 50_plus in the metric and stands as 50+ above its column."""
    records = []
    for one in make_records("cosine", "noise"):
        if one.cell.question == "fairness":
            figures = [
                Measurement("fnmr", value, 0.0, 1.0, 50, at="1e-2", group=("age", name))
                for name, value in _AGES.items()
            ]
            groups = {"age": {label: {"people": 50} for label in ("18-34", "50+")}}
            one = replace(one, measurements=(*figures, *one.measurements), details={"groups": groups})
        records.append(one)
    found = standings(ordered(records))
    [(board, kept)] = found
    assert board.fairness_fmr == "1e-2"
    text = utility_md([(replace(board, attributes=("age",)), kept)])
    assert "50+, n=50" in text.replace("\\", "")
    assert "0.125 [0, 1.000]" in _lines(text, "cosine")[1]
    assert "0.250 [0, 1.000]" in _lines(text, "cosine")[1]


_AGES = {"18_34": 0.125, "50_plus": 0.25}


def test_failures_to_enrol_by_group_stand_where_a_record_holds_them(make_records):
    """Of cosine it is known by group; of noise nothing is, so it has no line there. The scheme refused nobody."""
    records = []
    for one in make_records("cosine", "noise"):
        if (one.cell.scheme, one.cell.question) == ("cosine", "fairness"):
            more = Measurement("fte", 0.111, 0.05, 0.2, 600, group=("age", "50_plus"))
            details = {**one.details, "acquisition": {"groups": {"age": {"50+": 600, "18-34": 700}}, "left_out": {}}}
            one = replace(one, measurements=(*one.measurements, more), details=details)
        records.append(one)
    [(board, kept)] = standings(ordered(records))
    text = utility_md([(replace(board, attributes=("age",)), kept)]).replace("\\", "")
    table = text[text.index("Failure to enrol for want of a usable picture, by age") :]
    assert "| scheme | 18-34, n=700 | 50+, n=600 |" in re.sub(" +", " ", table)
    assert "0.111 [0.050, 0.200]" in _lines(table, "cosine")[0]
    assert _lines(table, "noise") == []
    assert "Failure to enrol by the scheme" not in text
    assert "Failure to enrol" not in utility_md(standings(ordered(make_records("cosine", "noise"))))


def test_no_records_no_tables():
    assert "No records yet." in utility_md([])


def test_schemes_with_a_built_in_threshold_have_a_table_of_points(make_records):
    records = []
    for one in make_records("cosine", "noise", "mote"):
        if (one.cell.scheme, one.cell.question) == ("mote", "verify"):
            point = (("fnmr", 0.2), ("fmr_reached", 0.004), ("plain_fnmr", 0.05), ("plain_fmr_reached", 0.005))
            one = replace(one, measurements=tuple(Measurement(k, v, 0.0, 1.0, 50, at="own") for k, v in point))
        records.append(one)
    text = render(ordered(records))["utility.md"]
    assert _lines(text, "mote")[0].count("–") >= 3  # no EER, and no FNMR at a rate
    assert _lines(text, "mote")[1].split("|")[2:4] == [" 0.200 [0, 1.000] ", " 0.004 [0, 1.000] "]
    assert "FNMR of plain vectors" in text
