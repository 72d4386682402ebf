"""How success rises with online queries: the attack's own number stands last, and half of the ceiling is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mote_bench.analysis.queries import (
    gain_of_queries,
    queried,
    queries_to_half,
    reached_by_queries,
    reached_under_limits,
)
from mote_bench.analysis.selection import Reading
from mote_bench.analysis.standings import standings
from mote_bench.analysis.strength import FALLING, FLAT, RISING, UNCHANGED
from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import BY_LIMITS, BY_QUERIES, Measurement
from mote_bench.records import schemas
from mote_bench.report import charts
from mote_bench.report.boards import rendered

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


def test_the_gain_at_the_end_is_worked_out_by_hand() -> None:
    """0.3 more; the lower end is sqrt(0.04² + 0.04²) below, the upper end sqrt(0.03² + 0.03²) above."""
    reached = [(8, (0.1, 0.0, 0.9)), (16, (0.2, 0.17, 0.24)), (32, (0.5, 0.46, 0.53))]
    value, low, high = gain_of_queries(reached, GAIN)
    assert (value, low, high) == pytest.approx((0.3, 0.3 - 0.04 * 2**0.5, 0.3 + 0.03 * 2**0.5))
    lower, low, high = gain_of_queries(reached, Reading("link", "eer"))  # lower leaks more
    assert (lower, low, high) == pytest.approx((-0.3, -0.3 - 0.03 * 2**0.5, -0.3 + 0.04 * 2**0.5))
    assert gain_of_queries(reached[:1], GAIN) is None
    assert gain_of_queries([], GAIN) is None
    assert gain_of_queries([(8, (0.1, 0, 1)), (8, (0.2, 0, 1))], GAIN) is None  # the attack spent no more


def asked(make_record, attack: str, values: list[float], access: str = "scores", spread: float = 0.02, **more: Any):
    *fewer, last = values
    own = Measurement("success_gain", last, last - spread, last + spread, 40, floor=0.0, ceiling=0.9, at="1e-3")
    spent = Measurement("queries_per_person", 8 * 2 ** len(fewer), 0, 0, 40)
    less = [
        {"queries": 8 * 2**k, "measurements": {GAIN.headline: [one, one - spread, one + spread]}}
        for k, one in enumerate(fewer)
    ]
    knowledge = f"algorithm ({access} only)"
    return make_record(
        more.pop("scheme", "mote"), attack, "reconstruct", own, spent, details={BY_QUERIES: less} if less else {},
        knowledge=knowledge,
    )  # fmt: skip


def board_of(records):
    ((board, _),) = standings(records)
    return board


@pytest.mark.parametrize(
    ("values", "verdict"),
    [([0.2, 0.5, 0.8], RISING), ([0.2, 0.78, 0.8], FLAT), ([0.2, 0.9, 0.8], FALLING), ([0.8, 0.8, 0.8], UNCHANGED)],
)
def test_the_verdict_is_that_of_the_last_two_numbers_of_queries(make_record, values, verdict) -> None:
    records = [asked(make_record, "few-scores", values, scheme=scheme) for scheme in ("mote", "noise")]
    (one,) = queried(board_of(records), records)  # the floor control has none
    assert (one.row, one.question, one.access, one.attack, one.stronger) == (
        "mote",
        "reconstruct",
        "scores",
        "few-scores",
        "",
    )
    assert [queries for queries, _ in one.reached] == [8, 16, 32]
    assert one.verdict == verdict


def test_a_stronger_attack_that_was_not_tried_with_fewer_is_named(make_record) -> None:
    records = [
        asked(make_record, "few-scores", [0.2, 0.5]),
        asked(make_record, "climb-scores", [0.7]),
        asked(make_record, "few-decisions", [0.1, 0.3], access="decisions"),
    ]
    found = queried(board_of(records), records)
    assert [(one.access, one.attack, one.stronger) for one in found] == [
        ("scores", "few-scores", "climb-scores"),
        ("decisions", "few-decisions", ""),
    ]


def test_every_board_shows_the_verdict_on_queries(make_record) -> None:
    records = [asked(make_record, "few-scores", [0.2, 0.5], scheme=one) for one in ("mote", "cosine", "noise")]
    files = rendered(threat_matrices(records))
    assert "queries: still rising" in files["leaderboard.html"]
    assert "Every row with fewer online queries" in files["leaderboard.html"]
    assert "With fewer shadow subjects: not measured." in files["leaderboard.html"]
    assert "| mote" in files["strength.md"]
    assert "shadow subjects" not in files["strength.md"]
    table = json.loads(files["leaderboard.json"])
    schemas.check(table, "leaderboard", "leaderboard.json")
    held = {one["row"]: one for one in table["boards"][0]["queries"]}
    assert held["mote"]["verdict"] == RISING
    assert [one["queries"] for one in held["mote"]["reached"]] == [8, 16]


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
