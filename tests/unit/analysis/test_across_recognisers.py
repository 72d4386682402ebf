"""Boards of the same subjects by several recognisers stand beside each other, and no others do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from six_schemes import UP, board_of

from mote_bench.analysis.recognisers import RECOGNITION, across
from mote_bench.analysis.standings import standings
from mote_bench.contracts import CEILING, FLOOR, Record
from mote_bench.records import store
from mote_bench.records.published import PUBLISHED
from mote_bench.report import boards
from mote_bench.studies.agreement import text_of

SWAPPED = UP | {"nfr": UP["csn"], "csn": UP["nfr"]}


def measured(data: str, values: dict[str, float], recogniser: str, subjects: str = "these") -> list[Record]:
    """Records of one board; its name says nothing of the recogniser."""
    return board_of(data, values, recogniser=recogniser, subjects_sha256=subjects)


THREE = [*measured("a", UP, "first net"), *measured("b", UP, "second net"), *measured("c", SWAPPED, "third net")]


def test_figures_and_orders_by_hand():
    (found,) = across(standings(THREE))
    assert found.recognisers == ("first net", "second net", "third net")
    assert found.data == ("a", "b", "c")
    assert [(one.question, one.metric) for one in found.properties] == [
        (RECOGNITION, "eer"),
        ("gender", "balanced_accuracy"),
    ]
    gender = found.properties[1]
    assert [one.measurement.value for one in gender.rows["nfr"]] == [UP["nfr"], UP["nfr"], UP["csn"]]
    assert {CEILING, FLOOR} < set(gender.rows)
    same, other = gender.orders["first net", "second net"], gender.orders["first net", "third net"]
    assert (same.spearman, same.alike, same.turned) == (1, 15, ())
    assert other.spearman == pytest.approx(1 - 6 * 2 / (6 * 35))
    assert (other.alike, other.apart, other.turned) == (14, 15, (("nfr", "csn"),))
    assert set(gender.orders) == {
        (one, two) for one in ("first net", "second net") for two in found.recognisers[1:]
    } - {("second net", "second net")}


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(measured("b", UP, "first net"), id="one recogniser"),
        pytest.param(measured("b", UP, "second net", "others"), id="other subjects"),
        pytest.param(measured("b", UP, ""), id="a recogniser that isn't known"),
        pytest.param(measured("b", UP, "second net", ""), id="subjects that aren't known"),
        pytest.param([*measured("b", UP, "second net")[:4], *measured("b", UP, "third net")[4:]], id="a mixture"),
    ],
)
def test_others_are_not_compared(second):
    assert across(standings([*measured("a", UP, "first net"), *second])) == []


def test_a_scheme_that_one_recogniser_lacks_and_published_rows():
    fewer = {name: value for name, value in UP.items() if name in ("mote", CEILING, FLOOR)}
    old = [
        replace(one, provenance={PUBLISHED: "with an earlier version"})
        for one in measured("b", {"bloom": 0.6}, "second net")
    ]
    (found,) = across(standings([*measured("a", UP, "first net"), *measured("b", fewer, "second net"), *old]))
    gender = found.properties[1]
    assert [one.word for one in gender.rows["leace"]] == ["", "not run"]
    assert gender.orders == {}
    assert gender.verdict == "fewer than 5 rows"


@pytest.fixture(scope="module")
def files():
    return boards.render(THREE)


def test_what_the_boards_show(files):
    assert "agreement.md" not in files  # that is for other people
    text = files["recognisers.md"]
    assert "| row     | first net (a)        | second net (b)       | third net (c)        |" in text
    assert "| 14 of 15" in text
    assert "nfr and csn" in text
    page = files["leaderboard.html"]
    assert page.count("Does the order hold?") == 1
    assert "third net (c)" in page
    alone = boards.render(measured("a", UP, "first net"))
    assert "recognisers.md" not in alone
    assert "Does the order hold?" not in alone["leaderboard.html"]


def test_the_study_prints_it_too(files, tmp_path):
    store.prepare(tmp_path)
    for one in THREE:
        store.write(tmp_path, one)
    assert text_of([tmp_path]) == files["recognisers.md"]


def test_a_recognisers_name_is_no_markup():
    files = boards.render([*measured("a", UP, "<b>net"), *measured("b", UP, "second net")])
    assert "<b>net" not in files["leaderboard.html"]
