"""Estimates of a number, worked out by hand and against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, t

from mote_bench.metrics.values import measure_value, pearson

RNG = np.random.default_rng(0)


def measured(answer, truth):
    return measure_value(np.array(answer, dtype=float)[:, None], np.array(truth, dtype=float), np.random.default_rng(0))


def test_by_hand():
    """Errors 2, 0, 2, 0; deviations (-1, 1, -1, 1) and (-3, 1, 1, 1) -> 4 / sqrt(4 * 12)."""
    found = measured([1, 3, 1, 3], [-1, 3, 3, 3])
    assert found["mae"].value == 1.0
    assert found["correlation"].value == pytest.approx(4 / np.sqrt(48))
    assert found.details["median_mae"] == 1.0


def test_saying_the_same_of_everybody_knows_nothing():
    found = measured([30.1] * 5, [20, 25, 31, 40, 60])
    assert found["correlation"].value == 0
    assert found["correlation"].chance == 0


def test_a_weight_is_so_many_people():
    one, other = np.array([1.0, 2.0, 4.0, 3.0]), np.array([2.0, 1.0, 5.0, 5.0])
    often = np.array([3, 1, 0, 2])
    assert pearson(one, other, often) == pytest.approx(pearson(np.repeat(one, often), np.repeat(other, often)))
    assert pearson(one, other, often / 7) == pytest.approx(pearson(one, other, often))


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units_are_of_no_account(scale):
    """Numbers that hardly differ, or that are huge, correlate as they do in other units."""
    one, other = np.array([1.0, 2.0, 4.0, 3.0]), np.array([2.0, 1.0, 5.0, 5.0])
    assert pearson(scale * one, other) == pytest.approx(pearson(one, other))
    assert pearson(one, 5 + other / scale) == pytest.approx(pearson(one, other), abs=1e-5)
    assert pearson(one, 2 * one) == 1
    assert pearson(one, 3 - one) == -1


def test_a_constant_column_correlates_with_nothing():
    """0.1 can't be held exactly, so a mean of it is slightly off."""
    assert pearson(np.full(7, 0.1), np.arange(7.0)) == 0
    assert pearson(np.arange(7.0), np.full(7, 1e6 + 0.1)) == 0
    assert pearson(np.zeros(3), np.zeros(3)) == 0


def test_three_people_are_enough_and_errors_have_students_interval():
    found = measured([1, 2, 6], [2, 4, 3])
    errors = np.array([1.0, 2.0, 3.0])
    assert (found["mae"].value, found["mae"].n) == (2, 3)
    assert (found["mae"].low, found["mae"].high) == pytest.approx(t.interval(0.95, 2, 2, errors.std(ddof=1) / 3**0.5))
    assert found["correlation"].n == 3
    assert found.details["median_mae"] == pytest.approx(2 / 3)


def test_the_interval_of_a_correlation_is_fishers_where_people_are_many():
    """Fisher's z has a standard error of 1 / sqrt(n - 3) for normal numbers."""
    rng = np.random.default_rng(1)
    truth = rng.standard_normal(3000)
    answer = 0.5 * truth + np.sqrt(0.75) * rng.standard_normal(3000)
    one = measured(answer, truth)["correlation"]
    off = 1.96 / np.sqrt(2997)
    assert (one.low, one.high) == pytest.approx(np.tanh(np.arctanh(one.value) + np.array([-off, off])), abs=4e-3)
    assert one.low < one.value < one.high


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0, 90)), min_size=4, max_size=30))
def test_as_scipy(pairs):
    one, other = np.array(pairs).T
    if np.ptp(one) > 1e-3 and np.ptp(other) > 1e-3:
        assert pearson(one, other) == pytest.approx(pearsonr(one, other).statistic, abs=1e-6)


def test_the_interval_covers():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = rng.standard_normal(80)
        answer = 0.5 * truth + np.sqrt(0.75) * rng.standard_normal(80)
        one = measure_value(answer[:, None], truth, rng)["correlation"]
        covered += one.low <= 0.5 <= one.high
    assert covered >= 51


@pytest.mark.parametrize(
    ("answer", "truth"),
    [([[1.0], [2.0]], [1.0, 2.0]), ([[1.0]] * 4, [2.0] * 4), ([[np.nan]] * 3, [1.0, 2.0, 3.0]), ([1.0] * 3, [1.0] * 3)],
)
def test_what_cannot_be_scored(answer, truth):
    with pytest.raises(ValueError, match=r"expected|NaN"):
        measure_value(np.array(answer), np.array(truth), RNG)
