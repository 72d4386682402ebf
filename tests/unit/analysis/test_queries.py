"""How success rises with online queries: the attack's own number stands last, and half of the ceiling is found."""

from __future__ import annotations

from typing import Any

import pytest

from mote_bench.analysis.queries import queries_to_half, reached_by_queries
from mote_bench.analysis.selection import Reading
from mote_bench.contracts import BY_QUERIES, Measurement
from mote_bench.report import charts

GAIN = Reading("reconstruct", "success_gain_at_fmr_1e-3")


def few(queries: int, value: float) -> dict[str, Any]:
    return {"queries": queries, "measurements": {GAIN.headline: [value, value - 0.05, value + 0.05]}}


@pytest.fixture
def found(make_record):
    own = Measurement("success_gain", 0.8, 0.75, 0.85, 40, floor=0.0, ceiling=0.9, at="1e-3")
    spent = Measurement("queries_per_person", 64, 64, 64, 40)
    details = {BY_QUERIES: [few(8, 0.2), few(16, 0.44), few(32, 0.46)]}
    return make_record("mote", "few-scores", "reconstruct", own, spent, details=details)


def test_all_numbers_of_queries_come_in_order_and_the_attacks_own_is_last(found) -> None:
    assert [(n, round(value, 2)) for n, (value, _, _) in reached_by_queries(found, GAIN)] == [
        (8, 0.2), (16, 0.44), (32, 0.46), (64, 0.8),
    ]  # fmt: skip


def test_half_of_the_ceiling_is_counted_from_the_floor(found) -> None:
    assert queries_to_half(found, GAIN) == 32  # half of 0.9 is 0.45


def test_half_of_the_ceiling_that_is_never_reached(make_record) -> None:
    own = Measurement("success_gain", 0.1, 0.05, 0.15, 40, floor=0.0, ceiling=0.9, at="1e-3")
    spent = Measurement("queries_per_person", 64, 64, 64, 40)
    one = make_record("mote", "few-scores", "reconstruct", own, spent, details={BY_QUERIES: [few(8, 0.01)]})
    assert queries_to_half(one, GAIN) is None


def test_where_lower_leaks_more_half_lies_between_chance_and_ceiling(make_record) -> None:
    own = Measurement("eer", 0.05, 0.02, 0.1, 40, chance=0.5, floor=0.5, ceiling=0.01)
    spent = Measurement("queries_per_person", 64, 64, 64, 40)
    details = {BY_QUERIES: [{"queries": n, "measurements": {"eer": [v, v, v]}} for n, v in ((8, 0.3), (16, 0.2))]}
    one = make_record("mote", "few-scores", "link", own, spent, details=details)
    assert queries_to_half(one, Reading("link", "eer")) == 16  # half of the way is 0.255


def test_a_record_without_fewer_queries_has_none(make_record) -> None:
    one = make_record("mote", "few-scores", "reconstruct", Measurement("success_gain", 0.8, 0.7, 0.9, 40, at="1e-3"))
    assert reached_by_queries(one, GAIN) == []
    assert queries_to_half(one, GAIN) is None


def test_the_chart_says_how_many_queries_reach_half(found) -> None:
    picture = charts._against_queries(found, GAIN, "q")
    assert picture is not None
    assert picture.title == "reconstruct by few-scores: algorithm"
    assert picture.caption.startswith("Half of the ceiling is reached with 32 queries.")
    assert "8 queries: 0.200; 16 queries: 0.440; 32 queries: 0.460; 64 queries: 0.800" in picture.svg
