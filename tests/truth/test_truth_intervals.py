"""Hand-computed and published intervals."""

import numpy as np
import pytest

from mote_bench.metrics.intervals import (
    Proportion,
    clustered_wilson,
    modified_wilson,
    mover_difference,
    mover_mean,
    pair_proportion,
    percentile_interval,
    person_proportion,
    t_interval,
    wilson,
)

Z2 = 3.841458820694124


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [
        (0, 10, (0, Z2 / (10 + Z2))),
        (10, 10, (10 / (10 + Z2), 1)),
        (8, 10, (0.4901625, 0.9433178)),
        (5, 10, (0.2365931, 0.7634069)),
        (0, 0, (0, 1)),
    ],
)
def test_wilson(successes: float, n: float, expected: tuple[float, float]) -> None:
    assert wilson(successes, n) == pytest.approx(expected, abs=1e-6)


def test_modified_wilson_lets_out_the_bound_of_one_success() -> None:
    # One-sided 95 % exact bound of 1 in 200: 1 - 0.95^(1/200); Wilson's own is 0.00088.
    assert modified_wilson(1, 200)[0] == pytest.approx(1 - 0.95 ** (1 / 200))
    assert modified_wilson(199, 200)[1] == pytest.approx(0.95 ** (1 / 200))
    assert modified_wilson(1, 200)[1] == wilson(1, 200)[1]
    assert modified_wilson(80, 200) == wilson(80, 200)
    assert modified_wilson(0, 200) == wilson(0, 200)


def test_mover_mean() -> None:
    # Wilson 8/10: (0.4901625, 0.9433178); 5/10: (0.2365931, 0.7634069). Mean 0.65,
    # down sqrt(0.3098375^2 + 0.2634069^2) / 2 = 0.2033362, up sqrt(0.1433178^2 + 0.2634069^2) / 2 = 0.1499360.
    low, high = mover_mean(np.array([0.8, 0.5]), np.array([0.4901625, 0.2365931]), np.array([0.9433178, 0.7634069]))
    assert (low, high) == pytest.approx((0.65 - 0.2033362, 0.65 + 0.1499360), abs=1e-6)


def test_mover_difference_is_newcombes_hybrid_score_interval() -> None:
    # Newcombe 1998, table II, method 10: 56/70 - 48/80 = 0.2 (0.0524, 0.3339).
    one = Proportion(56 / 70, 70, np.array([1.0, 0.0]))
    other = Proportion(48 / 80, 80, np.array([0.0, 1.0]))
    assert mover_difference(one, other) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_mover_difference_of_two_rates_that_move_together() -> None:
    # With correlation 1 the distances are subtracted instead of added in squares.
    one = Proportion(0.8, 70, np.array([1.0, -1.0]))
    other = Proportion(0.6, 70, np.array([2.0, -2.0]))
    (low, high), (other_low, other_high) = one.interval, other.interval
    expected = 0.2 - abs((0.8 - low) - (other_high - 0.6)), 0.2 + abs((high - 0.8) - (0.6 - other_low))
    assert mover_difference(one, other) == pytest.approx(expected)


def test_t_interval() -> None:
    # Mean 2, standard deviation 1, t(2, 0.975) = 4.3026527.
    half = 4.3026527 / np.sqrt(3)
    assert t_interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2 - half, 2 + half))


def test_percentiles() -> None:
    assert percentile_interval(np.arange(1001.0)) == (25, 975)


def test_people_whose_trials_agree_count_once() -> None:
    # Ten people with three equal trials each, four of them successful: spread = 10/9 * (4 * 1.8^2 + 6 * 1.2^2) = 24,
    # alike = 0.24 * 90 = 21.6; with four telling people (4 * 24 + 21.6) / 5 = 23.52; 0.24 * 900 / 23.52 = 9.18, less
    # than the 30^2 / 90 = 10 people, so ten. The t quantile of 9 degrees takes (1.95996 / 2.26216)^2 of it.
    rate = person_proportion(np.array([3.0] * 4 + [0.0] * 6), np.full(10, 3.0))
    assert rate.value == pytest.approx(0.4)
    assert rate.effective == pytest.approx(10 * (1.959964 / 2.262157) ** 2, rel=1e-5)


def test_independent_trials_of_people_count_more() -> None:
    # Every person has one success of two: no spread at all between people, capped at the 40 trials.
    rate = person_proportion(np.full(20, 1.0), np.full(20, 2.0))
    # spread 0, alike 0.25 * 80 = 20, telling 20: 20 / 21; 0.25 * 1600 / (20 / 21) = 420 -> 40.
    assert rate.effective == pytest.approx(40 * (1.959964 / 2.093024) ** 2, rel=1e-5)


def test_no_success_is_wilson_over_people() -> None:
    low, high = clustered_wilson(np.zeros(20), np.full(20, 5.0))
    people = 20 * (1.959964 / 2.093024) ** 2
    assert (low, high) == pytest.approx((0, Z2 / (people + Z2)), rel=1e-5)


def test_pairs_that_share_a_person() -> None:
    # Four people, every ordered pair tried once; each pair with person 0 succeeds: 6 of 12. Residuals of an unordered
    # pair: +1 with person 0, -1 without. Sums per person: 3, 1 - 2 = -1 (three times). Variance: 9 + 3 - 6 pairs = 6,
    # not below the six pairs' own. 0.25 * 144 / 6 = 6 trials.
    successes = np.zeros((4, 4))
    successes[0, 1:] = successes[1:, 0] = 1
    rate = pair_proportion(successes, 1 - np.eye(4))
    assert rate.value == 0.5
    assert rate.influence.tolist() == [3 / 12, -1 / 12, -1 / 12, -1 / 12]
    assert rate.effective == pytest.approx(6 * (1.959964 / 3.182446) ** 2, rel=1e-5)


def test_pairs_that_are_all_alike():
    """Each pair of four people has a success one way and none the other: no spread, so people count as trials."""
    one_way = np.triu(np.ones((4, 4)), 1)
    rate = pair_proportion(one_way, np.ones((4, 4)) - np.eye(4))
    assert rate.value == 0.5
    assert rate.effective == pytest.approx(4 * (1.959964 / 3.182446) ** 2, rel=1e-6)


def test_few_successes_are_drawn_towards_alike_trials():
    """Ten people with two trials each; one succeeds twice, another once. By hand: rate 3/20; the residuals 1.7, 0.7 and
    eight times -0.3 have squares 4.1 in sum, times 10/9; two people tell; alike trials weigh 40."""
    rate = person_proportion(np.array([2, 1, *[0] * 8]), np.full(10, 2))
    variance = (2 * 4.1 * 10 / 9 + 0.1275 * 40) / 3
    assert rate.effective == pytest.approx(0.1275 * 400 / variance * (1.959964 / 2.262157) ** 2, rel=1e-5)


def test_who_has_no_trial_counts_as_nobody():
    trials = 1 - np.eye(4)
    more = np.pad(trials, (0, 1))
    assert pair_proportion(0 * more, more).effective == pair_proportion(0 * trials, trials).effective
