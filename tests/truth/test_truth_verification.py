"""Hand-computed operating points, EER, thresholds and ranks."""

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.metrics.verification import (
    Scores,
    det_points,
    eer,
    fmr,
    fnmr,
    measure_verification,
    operating_points,
    rank_1,
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
        ([1.0, 1.0], [1.0, 1.0, 1.0], 1 / 2),  # nothing is told apart
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


def test_rank_1_leaves_out_probes_of_strangers() -> None:
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
