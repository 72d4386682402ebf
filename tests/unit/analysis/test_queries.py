"""How success rises with online queries: the attack's own number stands last, and half of the ceiling is found."""

from __future__ import annotations

from typing import Any

import pytest

from mote_bench.analysis.queries import queries_to_half, reached_by_queries, reached_under_limits
from mote_bench.analysis.selection import Reading
from mote_bench.contracts import BY_LIMITS, BY_QUERIES, Measurement
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


def under(value: float, **limits: Any) -> dict[str, Any]:
    every = {"queries": None, "digits": None, "noise": 0.0, "rejections": None} | limits
    return few(0, value) | {"limits": every}


@pytest.fixture
def limited(make_record):
    own = Measurement("success_gain", 0.8, 0.75, 0.85, 40, floor=0.0, ceiling=0.9, at="1e-3")
    details = [under(0.4, digits=1, queries=8), under(0.46, digits=1, queries=16), under(0.7, digits=1),
               under(0.1, noise=0.5, queries=8), under(0.3, noise=0.5), under(0.2, rejections=3)]  # fmt: skip
    return make_record("mote", "few-scores", "reconstruct", own, details={BY_LIMITS: details})


def test_limits_are_read_with_all_queries_and_with_fewer(limited) -> None:
    found = reached_under_limits(limited, GAIN)
    assert [(one.said, one.whole and one.whole[0], [n for n, _ in one.fewer], one.half) for one in found] == [
        ("1 digit", 0.7, [8, 16], 16),  # half of 0.9 is 0.45
        ("noise 0.5", 0.3, [8], None),
        ("3 rejections", 0.2, [], None),
    ]


def test_a_record_without_limits_has_none(found) -> None:
    assert reached_under_limits(found, GAIN) == []
    assert charts._under_limits(found, GAIN, "k") is None


def test_the_chart_of_limits_shows_each_beside_no_limit(limited) -> None:
    picture = charts._under_limits(limited, GAIN, "k")
    assert picture is not None
    assert picture.title == "reconstruct by few-scores under limits: algorithm"
    assert "no limit: 0.800; 1 digit: 0.700; noise 0.5: 0.300; 3 rejections: 0.200" in picture.svg
    assert picture.caption.endswith("Queries that reach half of the ceiling: 1 digit: 16; noise 0.5: not reached.")
