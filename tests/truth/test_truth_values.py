"""Estimates of a number, worked out by hand and against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

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
