"""Changes between two runs, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.contracts import Measurement
from mote_bench.metrics.differences import difference, together

BEFORE = Measurement("balanced_accuracy", 0.50, 0.46, 0.53, 100)
NOW = Measurement("balanced_accuracy", 0.60, 0.57, 0.64, 100)


def test_independent_figures() -> None:
    # lower: sqrt((0.60 - 0.57)^2 + (0.53 - 0.50)^2) = 0.0424264; upper: sqrt(0.04^2 + 0.04^2) = 0.0565685.
    change = difference(BEFORE, NOW, 0.0, worse=1.0, z=1.959964)
    assert (change.value, change.low, change.high) == pytest.approx((0.1, 0.1 - 0.0424264, 0.1 + 0.0565685), abs=1e-6)


def test_lower_is_worse_turns_the_change_round() -> None:
    change = difference(BEFORE, NOW, 0.0, worse=-1.0, z=1.959964)
    assert (change.value, change.low, change.high) == pytest.approx(
        (-0.1, -0.1 - 0.0565685, -0.1 + 0.0424264), abs=1e-6
    )


def test_figures_that_move_together_say_more() -> None:
    # Distances 0.03 and 0.03 below, 0.04 and 0.04 above; with correlation 1 they cancel.
    change = difference(BEFORE, NOW, 1.0, worse=1.0, z=1.959964)
    assert (change.low, change.high) == pytest.approx((0.1, 0.1), abs=1e-9)


def test_confidence_draws_the_bounds_out() -> None:
    # Twice 1.959964: twice as far.
    change = difference(BEFORE, NOW, 0.0, worse=1.0, z=3.919928)
    assert 0.1 - change.low == pytest.approx(2 * 0.0424264, abs=1e-6)


def test_what_would_be_found() -> None:
    # One standard error below is 0.0424264 / 1.959964 = 0.0216465; (1.644854 + 1.281552) of them are 0.0633461.
    change = difference(BEFORE, NOW, 0.0, worse=1.0, z=1.644854)
    assert change.detectable == pytest.approx(0.0633461, abs=1e-6)


def test_what_would_be_found_where_lower_is_worse() -> None:
    # The distance that counts is the other one, 0.0565685.
    change = difference(BEFORE, NOW, 0.0, worse=-1.0, z=1.644854)
    assert change.detectable == pytest.approx(0.0633461 * 0.0565685 / 0.0424264, abs=1e-6)


def test_figures_that_move_apart_say_less() -> None:
    # With correlation -1 the distances add up: 0.03 + 0.03 and 0.04 + 0.04. At 1/2, sqrt(0.0009) and sqrt(0.0016).
    change = difference(BEFORE, NOW, -1.0, worse=1.0, z=1.959964)
    assert (change.low, change.high) == pytest.approx((0.1 - 0.06, 0.1 + 0.08), abs=1e-6)
    change = difference(BEFORE, NOW, 0.5, worse=1.0, z=1.959964)
    assert (change.low, change.high) == pytest.approx((0.1 - 0.03, 0.1 + 0.04), abs=1e-6)


def test_a_correlation_is_never_beyond_one() -> None:
    for sign in (1, -1):
        pulls = dict.fromkeys(range(3), 0.1)
        assert together(pulls, dict.fromkeys(range(3), sign * 0.1)) == pytest.approx(sign)
        assert abs(together(pulls, dict.fromkeys(range(3), sign * 0.1))) <= 1


def test_people_in_both_runs_correlate_them() -> None:
    # Shared people 2 and 3: 2 * 1 + (-1) * 1 = 1; lengths sqrt(1 + 4 + 1) and sqrt(1 + 1 + 4) = sqrt(6) each: 1 / 6.
    assert together({1: 1.0, 2: 2.0, 3: -1.0}, {2: 1.0, 3: 1.0, 4: 2.0}) == pytest.approx(1 / 6)


@pytest.mark.parametrize("other", [{}, {9: 1.0}, {1: 0.0}])
def test_without_people_in_common_nothing_is_known(other: dict[int, float]) -> None:
    assert together({1: 1.0, 2: -1.0}, other) == 0.0


def test_bounds_are_wrong_as_rarely_as_they_say() -> None:
    """Two runs of one attack on the same people, who differ in difficulty: the lower bound exceeds 0 in 2.5 %."""
    rng, wrong, trials, n = np.random.default_rng(0), 0, 2000, 100
    for _ in range(trials):
        ease = rng.beta(2, 1, n)
        runs = rng.random((2, n)) < ease
        rates, pulls = runs.mean(axis=1), (runs - runs.mean(axis=1, keepdims=True)) / n
        half = 1.959964 * np.sqrt((pulls**2).sum(axis=1))
        before, now = (
            Measurement("accuracy", rate, rate - one, rate + one, n) for rate, one in zip(rates, half, strict=True)
        )
        paired = together(*(dict(enumerate(pull)) for pull in pulls))
        wrong += difference(before, now, paired, worse=1.0, z=1.959964).low > 0
    assert 0.015 < wrong / trials < 0.035
