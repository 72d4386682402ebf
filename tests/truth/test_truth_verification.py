"""Hand-computed operating points, EER, thresholds and ranks."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import t

from mote_bench.contracts import InputError
from mote_bench.metrics.intervals import Proportion, modified_wilson, wilson
from mote_bench.metrics.verification import (
    AtEqualErrors,
    Scores,
    _joint_trials,
    as_readable,
    det_points,
    eer,
    eer_interval,
    fmr,
    fnmr,
    interval_of_curve,
    measure_verification,
    operating_points,
    rank_1,
    readable_share,
    threshold_at_fmr,
)


@pytest.mark.parametrize(
    ("genuine", "impostor", "expected"),
    [
        # At 0.6 one of four impostors (0.6) passes and one of four genuine (0.3) doesn't.
        ([0.9, 0.8, 0.7, 0.3], [0.6, 0.5, 0.2, 0.1], 1 / 4),
        # (FMR, FNMR) is (1/3, 0) at 2 and (1/3, 1/2) at 2.5: the line FMR = FNMR is met on the vertical between them.
        ([3.0, 2.0], [2.5, 1.0, 0.0], 1 / 3),
        # One tie each way: at 1, FMR = 1/3 and FNMR = 1/3.
        ([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], 1 / 3),
        # (FMR, FNMR) is (3/4, 0) at 1 and (0, 1/2) at 2: equal after a share x with 3/4 (1 - x) = x / 2, x = 3/5.
        ([1.0, 2.0], [1.0, 1.0, 1.0, 0.0], 3 / 10),
        ([1.0, 1.0], [1.0, 1.0, 1.0], 1 / 2),  # no discrimination
        ([2.0, 3.0], [0.0, 1.0], 0.0),
        ([0.0, 1.0], [2.0, 3.0], 1.0),
    ],
)
def test_eer(genuine: list[float], impostor: list[float], expected: float) -> None:
    assert eer(np.array(genuine), np.array(impostor)) == pytest.approx(expected)


def test_a_score_on_the_threshold_is_accepted() -> None:
    scores = np.array([1.0, 2.0, 2.0, 3.0])
    assert fnmr(scores, 2.0) == 1 / 4
    assert fmr(scores, 2.0) == 3 / 4
    assert fnmr(scores, 2.5) == 3 / 4
    assert fmr(scores, 3.5) == 0


def test_operating_points() -> None:
    thresholds, false_matches, false_non_matches = operating_points(np.array([1.0, 3.0]), np.array([0.0, 1.0]))
    assert thresholds.tolist() == [0, 1, 3, np.inf]
    assert false_matches.tolist() == [1, 1 / 2, 0, 0]
    assert false_non_matches.tolist() == [0, 0, 1 / 2, 1]


def test_threshold_without_ties() -> None:
    # 1 % of 1000 are ten: 999 ... 990.
    assert threshold_at_fmr(np.arange(1000.0), 1e-2) == 990


def test_threshold_leaves_out_a_tie_that_would_be_too_many() -> None:
    # Six nines and eight eights: with the eights 14 of 1000 would pass, so only the nines do, FMR 0.006.
    scores = np.concatenate([np.full(6, 9.0), np.full(8, 8.0), np.zeros(986)])
    threshold = threshold_at_fmr(scores, 1e-2)
    assert threshold == 9
    assert fmr(scores, threshold) == 0.006


def test_threshold_takes_a_tie_that_just_fits() -> None:
    scores = np.concatenate([np.full(6, 9.0), np.full(4, 8.0), np.zeros(990)])
    assert threshold_at_fmr(scores, 1e-2) == 8


def test_threshold_above_all_where_the_highest_tie_is_too_many() -> None:
    scores = np.concatenate([np.full(11, 9.0), np.zeros(989)])
    threshold = threshold_at_fmr(scores, 1e-2)
    assert threshold == np.nextafter(9.0, np.inf)
    assert fmr(scores, threshold) == 0


def test_threshold_needs_ten_false_matches() -> None:
    with pytest.raises(InputError, match=r"999 impostor scores for a threshold at FMR 0\.01; expected at least 1000"):
        threshold_at_fmr(np.arange(999.0), 1e-2)
    assert threshold_at_fmr(np.arange(10_000.0), 1e-3) == 9990


def test_rank_1_shares_the_credit_of_ties() -> None:
    values = np.array(
        [
            [0.9, 0.5, 0.1, 0.3],
            [0.1, 0.5, 0.8, 0.3],
            [0.2, 0.1, 0.9, 0.3],
        ]
    )
    # Probe 0 shows 0: right. Probe 1 shows 1: tie of two, 1/2. Probe 2 shows 1: wrong. Probe 3 shows 2: tie of three.
    scores = Scores(values, np.array([0, 1, 2]), np.array([0, 1, 1, 2]))
    assert rank_1(scores) == pytest.approx((1 + 1 / 2 + 0 + 1 / 3) / 4)


def test_rank_1_leaves_out_probes_of_subjects_without_a_template() -> None:
    scores = Scores(np.array([[0.9, 0.2, 0.7], [0.1, 0.8, 0.9]]), np.array([0, 1]), np.array([0, 1, 7]))
    assert rank_1(scores) == 1


def test_the_det_curve_is_every_operating_point_where_they_are_few() -> None:
    points = det_points(np.array([1.0, 3.0]), np.array([0.0, 1.0]))
    assert points.tolist() == [[1, 0], [1 / 2, 0], [0, 1 / 2], [0, 1]]


def test_measured_rates_of_three_people() -> None:
    values = np.array([[5.0, 2.0, 1.0, 4.0], [3.0, 1.0, 6.0, 2.0], [0.0, 1.0, 2.0, 3.0]])
    scores = Scores(values, np.array([0, 1, 2]), np.array([0, 0, 1, 2]))
    measured = measure_verification(scores, {"1e-2": 3.0}, np.random.default_rng(0))
    # Genuine 5, 2, 6, 3: one of four below 3. Impostors 1, 4, 3, 1, 2, 0, 1, 2: two of eight reach 3.
    assert measured["fnmr_at_fmr_1e-2"].value == 1 / 4
    assert measured["fmr_reached_at_fmr_1e-2"].value == 2 / 8
    assert measured["eer"].value == 1 / 4
    # Probe 0 -> 0 right, probe 1 (of 0) -> 0 right, probe 2 -> 1 right, probe 3 (of 2) -> 0 wrong.
    assert measured["rank_1"].value == 3 / 4
    assert measured.details["counts"] == {"genuine": 4, "impostor": 8, "people": 3}
    assert measured.details["thresholds"] == {"1e-2": 3.0}


def test_people_with_a_template_or_a_probe_only() -> None:
    """Persons 0 and 1 can claim; 2 has no probe and 7 no template, but both meet others."""
    values = np.array([[5.0, 2.0, 1.0, 4.0], [3.0, 1.0, 6.0, 2.0], [0.0, 1.0, 2.0, 3.0]])
    scores = Scores(values, np.array([0, 1, 2]), np.array([0, 0, 1, 7]))
    measured = measure_verification(scores, {"1e-2": 3.0}, np.random.default_rng(0))
    assert {one.name: one.n for one in measured.measurements} == {
        "eer": 2,
        "rank_1": 2,
        "fnmr_at_fmr_1e-2": 2,
        "fmr_reached_at_fmr_1e-2": 4,
    }
    assert measured["rank_1"].chance == 1 / 3
    # Genuine 5, 2, 6; impostors 1, 4, 3, 1, 2, 0, 1, 2, 3: three of nine reach 3.
    assert measured["fmr_reached_at_fmr_1e-2"].value == 3 / 9
    assert measured.details["counts"] == {"genuine": 3, "impostor": 9, "people": 4}


def test_the_people_of_a_group_alone() -> None:
    values = np.arange(12.0).reshape(3, 4)
    scores = Scores(values, np.array([0, 1, 2]), np.array([2, 0, 1, 2]))
    inside = scores.inside(np.array([True, False, True]))
    assert inside.values.tolist() == [[0, 1, 3], [8, 9, 11]]
    assert (inside.enrolled.tolist(), inside.shown.tolist()) == ([0, 2], [2, 0, 2])
    assert sorted(inside.genuine) == [1, 8, 11]
    assert sorted(inside.impostor) == [0, 3, 9]


def test_thresholds_of_every_score_and_of_a_few() -> None:
    assert threshold_at_fmr(np.arange(10.0), 1.0) == 0
    assert threshold_at_fmr(np.arange(20.0), 0.5) == 10
    # Of 2,000 scores 20 may pass; the 21 highest are all that is needed of them.
    assert threshold_at_fmr(np.arange(100.0, 121.0), 1e-2, trials=2000) == 101


def test_the_det_curve_is_even_on_logarithmic_axes() -> None:
    """Where there are many operating points: as many as asked for, both ends among them, no step much above the mean.

    A rate of zero stands for half an error: of 4,000 genuine and 9,000 impostor scores, from log(0.5 / 4000) to
    -log(0.5 / 9000) for the ratio of FNMR and FMR."""
    rng = np.random.default_rng(0)
    genuine, impostor = rng.normal(1, 1, 4000), rng.normal(0, 1, 9000)
    points = det_points(genuine, impostor, most=25)
    assert len(points) == 25
    assert (points[0].tolist(), points[-1].tolist()) == ([1, 0], [0, 1])
    along = np.log(np.maximum(points[:, 1], 0.5 / 4000) / np.maximum(points[:, 0], 0.5 / 9000))
    assert (along[0], along[-1]) == pytest.approx((np.log(0.5 / 4000), -np.log(0.5 / 9000)))
    mean = (along[-1] - along[0]) / 24
    inner = np.diff(along)[3:-3]  # at the ends a single error is a large step
    assert inner.min() > 0.8 * mean
    assert inner.max() < 1.2 * mean


@pytest.mark.parametrize("people", [10, 40])
def test_no_error_at_all_is_bounded_over_people(people: int) -> None:
    """Everybody's three probes score 1 and all others 0: as far as anybody knows the people's trials are alike, and
    people weigh what a t quantile leaves of them."""
    shown = np.repeat(np.arange(people), 3)
    scores = Scores((np.arange(people)[:, None] == shown).astype(float), np.arange(people), shown)
    low, high = eer_interval(scores)
    trials = people * (1.959964 / t.ppf(0.975, people - 1)) ** 2
    assert low == 0
    assert high >= modified_wilson(0, trials)[1] * (1 - 1e-6)
    assert high < 1.6 * modified_wilson(0, trials)[1]
    mirrored = eer_interval(Scores(-scores.values, scores.enrolled, scores.shown))
    assert mirrored == pytest.approx((1 - high, 1))


def test_as_readable_takes_the_trials_of_a_rate_that_can_be_read() -> None:
    none, some = Proportion(0.0, 5.0, np.zeros(3)), Proportion(0.1, 70.0, np.ones(3))
    every = Proportion(1.0, 9.0, np.ones(3))
    taken = as_readable(none, some)
    assert (taken.value, taken.effective, taken.influence.tolist()) == (0, 70, [0, 0, 0])
    assert as_readable(none, none).effective == 5
    assert as_readable(none, every).effective == 5


def test_where_false_matches_are_read() -> None:
    """At two per person, or at the EER where that is more."""
    assert readable_share(0.01, 50) == pytest.approx(1 - 2 / 50)
    assert readable_share(0.2, 50) == pytest.approx(0.8)


# FNMR rises from 0 to 0.4 as FMR falls from 0.4 to 0: they are equal at 0.2.
RISING = np.linspace(0, 0.4, 401)
FALLING = 0.4 - RISING
SURE = Proportion(0.2, 1e8, np.zeros(4))


@pytest.mark.parametrize("trials", [30, 200])
def test_where_one_error_is_known_the_other_bounds_the_eer(trials: int) -> None:
    """The lowest common rate is the FMR that the lower bound of the FNMR there just reaches, 0.4 - x = low(x); the
    highest that of the upper bound. The same with the two errors exchanged."""
    unsure = Proportion(0.2, trials, np.array([1.0, -1, 0, 0]))
    low, high = (
        0.4 - brentq(lambda rate, end=end: 0.4 - rate - wilson(rate * trials, trials)[end], 0.01, 0.39)
        for end in (0, 1)
    )
    for missed, matched in ((unsure, SURE), (SURE, unsure)):
        found = interval_of_curve(FALLING, RISING, AtEqualErrors(0.2, missed, matched))
        # The curve is read in steps of a fortieth of the distance.
        assert found == pytest.approx((low, high), abs=0.025 * (high - low))


def test_two_errors_of_equal_weight_are_as_good_as_twice_the_trials() -> None:
    """Along this curve their mean is 0.2 everywhere, so only their own uncertainty is left: fifty trials and fifty."""
    missed, matched = (Proportion(0.2, 50, np.array(pull)) for pull in ([1.0, -1, 0, 0], [0, 0, 1.0, -1]))
    found = interval_of_curve(FALLING, RISING, AtEqualErrors(0.2, missed, matched))
    assert found == pytest.approx(modified_wilson(20, 100), abs=1e-6)


def test_independent_errors_weigh_by_their_trials() -> None:
    """30 trials and 10: three quarters and one quarter."""
    missed, matched = Proportion(0.2, 30, np.array([1.0, -1, 0, 0])), Proportion(0.2, 10, np.array([0, 0, 4.0, -4]))
    assert AtEqualErrors(0.2, missed, matched).influence == pytest.approx([0.75, -0.75, 1, -1])
    assert _joint_trials(missed, matched) == pytest.approx(40)


@pytest.mark.parametrize(
    ("trials", "together"), [((40, 20), 0.5), ((20, 40), 0.5), ((40, 20), -0.8), ((40, 5), 0.9), ((5, 40), 0.9)]
)
def test_no_other_weight_would_be_more_precise(trials: tuple[int, int], together: float) -> None:
    """Of a mean of two errors that move together; no error weighs less than nothing."""
    missed = Proportion(0.2, trials[0], np.array([1.0, 0]))
    matched = Proportion(0.2, trials[1], np.array([together, np.sqrt(1 - together**2)]))
    shares = np.linspace(0, 1, 2001)
    one, other = 1 / trials[0], 1 / trials[1]
    variances = shares**2 * one + (1 - shares) ** 2 * other
    variances += 2 * shares * (1 - shares) * together * np.sqrt(one * other)
    assert _joint_trials(missed, matched) == pytest.approx(1 / variances.min(), rel=1e-5)
    share = shares[variances.argmin()]
    expected = share * missed.influence + (1 - share) * matched.influence
    assert AtEqualErrors(0.2, missed, matched).influence == pytest.approx(expected, abs=1e-3)
