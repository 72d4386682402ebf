"""Schemes against the curve of noise: interpolation, verdicts and intervals, by hand and by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.isotonic import isotonic_regression

from mote_bench.analysis import matched_utility
from mote_bench.analysis.matched_utility import (
    LESS,
    MORE,
    REJECTS_FEWER,
    REJECTS_MORE,
    UNCLEAR,
    UNMEASURED,
    Operating,
    decreasing,
    interpolated,
    matched,
)
from mote_bench.analysis.selection import Reading
from mote_bench.analysis.standings import standings
from mote_bench.contracts import NOISE_LEVELS, Measurement, Status

GENDER = Reading("gender", "balanced_accuracy")
LINK = Reading("link", "eer")


def measured(metric: str, value: float, half: float, at: str | None = None) -> Measurement:
    return Measurement(metric, value, value - half, value + half, 200, at=at)


def point(name: str, fnmr: float, value: float, *, half: float = 0.001, metric: str = "balanced_accuracy") -> Operating:
    return Operating(name, name, "", measured("fnmr", fnmr, half, "1e-3"), measured(metric, value, half))


LEVELS = [
    point("cosine", 0.1, 0.9),
    point("a", 0.2, 0.8),
    point("b", 0.4, 0.7),
    point("c", 0.6, 0.6),
    point("d", 0.9, 0.5),
]


def held(reading: Reading, levels: list[Operating], *rows: Operating) -> dict[str, matched_utility.Held]:
    made = matched(reading, levels, rows, data="people")
    assert made is not None
    return {one.row.name: one for one in made.rows}


def test_the_curve_is_read_between_its_levels() -> None:
    """Half way from 0.2 to 0.4 the curve is half way from 0.8 to 0.7."""
    found = held(GENDER, LEVELS, point("x", 0.3, 0.65), point("y", 0.3, 0.75), point("z", 0.3, 0.85))
    assert [found[name].verdict for name in "xyz"] == [LESS, UNCLEAR, MORE]
    for name, value in zip("xyz", (-0.1, 0.0, 0.1), strict=True):
        one = found[name].difference
        assert one is not None
        assert one.value == pytest.approx(value)
        assert one.low <= one.value <= one.high
        noise = found[name].noise
        assert noise is not None
        assert noise.value == pytest.approx(0.75)
    assert [found[name].place for name in "xyz"] == ["1", "2", "3"]


def test_where_a_higher_figure_leaks_less_the_difference_is_turned() -> None:
    levels = [replace(one, headline=measured("eer", 0.9 - one.headline.value, 0.001)) for one in LEVELS if one.headline]
    found = held(LINK, levels, point("x", 0.3, 0.05, metric="eer"), point("y", 0.3, 0.25, metric="eer"))
    assert found["x"].verdict == MORE
    assert found["y"].verdict == LESS
    assert found["x"].difference is not None
    assert found["x"].difference.value == pytest.approx(0.1)
    assert found["x"].noise is not None
    assert found["x"].noise.value == pytest.approx(0.15)


def test_rows_outside_of_the_curve_are_not_comparable() -> None:
    found = held(GENDER, LEVELS, point("over", 0.91, 0.5), point("under", 0.05, 0.5), point("near", 0.0995, 0.5))
    assert found["over"].verdict == REJECTS_MORE
    assert found["under"].verdict == REJECTS_FEWER
    assert (found["over"].difference, found["over"].rank, found["over"].place) == (None, None, "")
    near = found["near"]  # its interval reaches the plain vector
    assert near.verdict == LESS
    assert near.difference is not None
    assert near.difference.value == pytest.approx(-0.4)


def test_what_was_not_measured_is_said_and_comes_last() -> None:
    silent = replace(point("x", 0.3, 0.6), headline=None)
    made = matched(GENDER, LEVELS, [silent, point("over", 0.95, 0.5), point("z", 0.3, 0.85)], data="people")
    assert made is not None
    assert [(one.row.name, one.verdict) for one in made.rows] == [
        ("z", MORE),
        ("over", REJECTS_MORE),
        ("x", UNMEASURED),
    ]


def test_too_few_levels_make_no_curve() -> None:
    assert matched(GENDER, LEVELS[:4], [point("x", 0.3, 0.6)], data="people") is None
    broken = [*LEVELS[:4], replace(LEVELS[4], fnmr=None)]
    assert matched(GENDER, broken, [point("x", 0.3, 0.6)], data="people") is None


def test_a_level_that_leaks_more_than_one_of_less_noise_is_pooled_with_it() -> None:
    """0.7 and 0.74 after one another become 0.72 both: the curve never rises."""
    levels = [*LEVELS[:2], point("b", 0.4, 0.7), point("c", 0.6, 0.74), LEVELS[4]]
    found = held(GENDER, levels, point("x", 0.5, 0.72))["x"]
    assert found.noise is not None
    assert found.noise.value == pytest.approx(0.72)


def test_what_a_row_and_the_curve_share_cancels() -> None:
    """A row that is the level itself: no difference where subjects move both; as wide as both where they don't."""
    people = dict(enumerate(np.random.default_rng(0).standard_normal(50).tolist()))
    wide = [
        replace(one, headline=measured("balanced_accuracy", one.headline.value, 0.02)) for one in LEVELS if one.headline
    ]
    together = [replace(one, influence=(people, people)) for one in wide]
    own = replace(together[2], name="x")
    paired = held(GENDER, together, own)["x"].difference
    alone = held(GENDER, wide, replace(wide[2], name="x"))["x"].difference
    assert paired is not None
    assert alone is not None
    assert (paired.low, paired.high) == pytest.approx((0, 0), abs=1e-3)
    assert alone.high - alone.low == pytest.approx(2 * 0.02 * 2**0.5, rel=0.1)


def test_rows_are_ranked_by_what_is_not_shared() -> None:
    """Two rows 0.01 apart with intervals of 0.02 either side: ranks differ only where subjects move both alike."""
    people = dict(enumerate(np.random.default_rng(0).standard_normal(50).tolist()))
    alone = [point("x", 0.3, 0.70, half=0.02), point("y", 0.3, 0.71, half=0.02)]
    for rows, places in (
        (alone, ["1=", "1="]),
        ([replace(one, influence=(people, people)) for one in alone], ["1", "2"]),
    ):
        found = held(GENDER, LEVELS, *rows)
        assert [found[name].place for name in "xy"] == places


def test_the_interval_holds_the_truth() -> None:
    """A row on the curve, 100 times: the interval of its difference from the curve holds 0 in 90 or more."""
    rng, counted = np.random.default_rng(3), 0
    fnmr, value = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.3]), np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.7])
    for _ in range(100):
        seen = [rate + 0.02 * rng.standard_normal(6) for rate in (fnmr, value)]
        rows = [point(str(k), *pair, half=0.02 * 1.96) for k, pair in enumerate(zip(*seen, strict=True))]
        counted += held(GENDER, rows[:5], rows[5])["5"].verdict == UNCLEAR
    assert counted >= 90


CURVES = arrays.arrays(float, st.tuples(st.integers(1, 3), st.integers(1, 9)), elements=st.floats(0, 1, width=32))


@settings(deadline=None, max_examples=40)
@given(CURVES)
def test_the_nearest_falling_values(values: np.ndarray) -> None:
    """They never rise, keep the mean, and are those of pooling adjacent violators."""
    made = decreasing(values)
    assert (np.diff(made, axis=-1) <= 1e-12).all()
    np.testing.assert_allclose(made.mean(axis=-1), values.mean(axis=-1))
    np.testing.assert_allclose(made, [isotonic_regression(row, increasing=False) for row in values], atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(CURVES, st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=2))
def test_the_interpolated_curve_never_rises(values: np.ndarray, at: list[float]) -> None:
    """It goes through its points, stays between its ends, and more rejected probes never mean a higher value."""
    across, up = -decreasing(-values), decreasing(values[..., ::-1])
    first, second = (interpolated(across, up, np.full(len(values), one)) for one in sorted(at))
    assert (second <= first + 1e-12).all()
    assert (first <= up.max(axis=-1) + 1e-12).all()
    assert (second >= up.min(axis=-1) - 1e-12).all()
    for k in range(values.shape[-1]):
        last = (across <= across[..., k : k + 1]).sum(axis=-1) - 1
        np.testing.assert_allclose(
            interpolated(across, up, across[..., k]), np.take_along_axis(up, last[:, None], -1)[:, 0]
        )


def test_a_board_with_the_levels_holds_the_comparison_and_no_rows_of_them(make_records, noise_levels):
    own = make_records("cosine", "noise", "mote", "biohash", "coin")
    [(plain, _)], [(board, _)] = standings(own), standings([*own, *noise_levels])
    assert plain.matched == ()
    by_name = [sorted(one.rows, key=lambda row: row.name) for one in (board, plain)]
    assert by_name[0] == by_name[1]
    assert [row.name for row in board.rows[2:]] == ["mote", "biohash", "biohash, key stolen", "coin"]
    [gender] = board.matched
    assert [one.name for one in gender.levels] == ["cosine", *NOISE_LEVELS]
    found = {one.row.name: one for one in gender.rows}
    assert set(found) == {"mote", "biohash, key stolen", "coin"}
    stolen = found["biohash, key stolen"].row
    assert stolen.fnmr is not None
    assert stolen.headline is not None
    assert (stolen.fnmr.value, stolen.headline.value) == (0.72, 0.985)
    assert found["biohash, key stolen"].verdict == MORE
    assert found["coin"].verdict == REJECTS_MORE
    assert found["mote"].verdict == MORE


def test_a_failed_level_is_no_point_of_the_curve(make_records, noise_levels):
    levels = list(noise_levels)
    levels[3] = replace(levels[3], status=Status.FAILED, measurements=(), error="no")
    [(board, _)] = standings([*make_records("cosine", "noise", "mote"), *levels])
    assert len(board.matched[0].levels) == len(NOISE_LEVELS)
