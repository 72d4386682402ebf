"""Properties of the verification metrics and of what their measure hands back."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_populations import Population, quick

from mote_bench.metrics.verification import (
    Scores,
    det_points,
    eer,
    eer_interval,
    fmr,
    fnmr,
    matched_impostors,
    measure_verification,
    missed_genuine,
    rank_1,
    threshold_at_fmr,
)

LEVELS = st.lists(st.integers(-6, 6), min_size=1, max_size=30).map(lambda values: np.array(values, dtype=float))
THRESHOLDS = {"1e-2": 0.55, "1e-3": 0.65}


@quick
@given(LEVELS, LEVELS)
def test_eer_depends_on_the_order_alone(genuine: np.ndarray, impostor: np.ndarray) -> None:
    assert eer(genuine, impostor) == pytest.approx(eer(np.exp(genuine), np.exp(impostor)))
    assert eer(genuine, impostor) == pytest.approx(eer(genuine**3, impostor**3))


@quick
@given(LEVELS, LEVELS)
def test_eer_is_symmetric_in_its_two_errors(genuine: np.ndarray, impostor: np.ndarray) -> None:
    assert eer(genuine, impostor) == pytest.approx(eer(-impostor, -genuine))
    assert eer(genuine, impostor) == pytest.approx(1 - eer(impostor, genuine))
    assert 0 <= eer(genuine, impostor) <= 1


@quick
@given(LEVELS, LEVELS)
def test_eer_of_equal_scores_is_chance(genuine: np.ndarray, impostor: np.ndarray) -> None:
    assert eer(genuine, genuine) == pytest.approx(0.5)
    assert eer(0 * genuine, 0 * impostor) == 0.5


@quick
@given(LEVELS, st.floats(-7, 7), st.floats(0, 5))
def test_a_higher_threshold_misses_more_and_matches_less(scores: np.ndarray, threshold: float, more: float) -> None:
    assert fnmr(scores, threshold) <= fnmr(scores, threshold + more)
    assert fmr(scores, threshold) >= fmr(scores, threshold + more)
    assert fnmr(scores, threshold) + fmr(scores, threshold) == pytest.approx(1)


@quick
@given(st.integers(1000, 1300), st.integers(1, 400), st.sampled_from([1e-2, 2e-2, 0.1]), st.integers(0, 5))
def test_the_threshold_is_the_lowest_score_within_its_fmr(n: int, levels: int, rate: float, seed: int) -> None:
    impostor = np.random.default_rng(seed).integers(0, levels, n).astype(float)
    threshold = threshold_at_fmr(impostor, rate)
    assert fmr(impostor, threshold) <= rate
    lower = impostor[impostor < threshold]
    assert len(lower) == 0 or fmr(impostor, lower.max()) > rate


@quick
@given(LEVELS, LEVELS, st.integers(2, 40))
def test_the_det_curve_runs_from_corner_to_corner(genuine: np.ndarray, impostor: np.ndarray, most: int) -> None:
    points = det_points(genuine, impostor, most)
    assert len(points) <= most
    assert points[0].tolist() == [1, 0]
    assert points[-1].tolist() == [0, 1]
    assert (np.diff(points[:, 0]) <= 0).all()
    assert (np.diff(points[:, 1]) >= 0).all()


def plain_loop(scores: Scores, threshold: float) -> dict[str, float]:
    """FNMR, FMR and rank-1, pair by pair."""
    genuine, impostor, credit = [], [], []
    for column, shown in enumerate(scores.shown):
        best = max(scores.values[:, column])
        tied = [enrolled for row, enrolled in enumerate(scores.enrolled) if scores.values[row, column] == best]
        credit.append(tied.count(shown) / len(tied))
        for row, enrolled in enumerate(scores.enrolled):
            (genuine if enrolled == shown else impostor).append(scores.values[row, column])
    return {
        "fnmr": sum(score < threshold for score in genuine) / len(genuine),
        "fmr": sum(score >= threshold for score in impostor) / len(impostor),
        "rank_1": sum(credit) / len(credit),
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_plain_loop_agrees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    enrolled, shown = rng.permutation(12), np.concatenate([np.arange(12), rng.integers(0, 12, 20)])
    scores = Scores(rng.integers(0, 6, (12, 32)).astype(float), enrolled, shown)
    expected = plain_loop(scores, 4.0)
    assert missed_genuine(scores, 4.0).value == pytest.approx(expected["fnmr"])
    assert matched_impostors(scores, 4.0).value == pytest.approx(expected["fmr"])
    assert rank_1(scores) == pytest.approx(expected["rank_1"])
    assert fnmr(scores.genuine, 4.0) == pytest.approx(expected["fnmr"])
    assert fmr(scores.impostor, 4.0) == pytest.approx(expected["fmr"])


@pytest.fixture(scope="module")
def scores() -> Scores:
    """60 people with three probes each."""
    return Population(0.6).scores(np.random.default_rng(0), 60)


def test_what_is_measured(scores: Scores) -> None:
    measured = measure_verification(scores, THRESHOLDS, np.random.default_rng(0))
    names = [one.name for one in measured.measurements]
    assert names == [
        "eer",
        "rank_1",
        "fnmr_at_fmr_1e-2",
        "fmr_reached_at_fmr_1e-2",
        "fnmr_at_fmr_1e-3",
        "fmr_reached_at_fmr_1e-3",
    ]
    for one in measured.measurements:
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.low < one.high
        assert one.n == 60
    assert measured["eer"].chance == 0.5
    assert measured["rank_1"].chance == 1 / 60
    assert json.loads(json.dumps(measured.details, allow_nan=False)) == measured.details
    with pytest.raises(KeyError, match="no metric 'auc' among eer, rank_1"):
        measured["auc"]


def test_names_and_order_of_people_are_of_no_account(scores: Scores) -> None:
    rng = np.random.default_rng(1)
    names, rows, columns = rng.permutation(500)[:60], rng.permutation(60), rng.permutation(180)
    shuffled = Scores(scores.values[np.ix_(rows, columns)], names[scores.enrolled[rows]], names[scores.shown[columns]])
    one, other = (measure_verification(s, THRESHOLDS, np.random.default_rng(0)) for s in (scores, shuffled))
    for a, b in zip(one.measurements, other.measurements, strict=True):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))


def test_the_same_scores_measure_the_same(scores: Scores) -> None:
    one, other = (measure_verification(scores, THRESHOLDS, np.random.default_rng(seed)) for seed in (0, 1))
    assert one == other


@pytest.mark.parametrize("separated", [True, False])
def test_no_interval_without_width(separated: bool) -> None:
    """Full separation, and scores that are all equal: as certain as the number of people allows."""
    people = 40
    values = np.eye(people) if separated else np.ones((people, people))
    scores = Scores(values, np.arange(people), np.arange(people))
    low, high = eer_interval(scores)
    if separated:
        assert low == 0
        assert 3.84 / (people + 3.84) * 0.9 < high < 3.84 / (people + 3.84) * 1.5
    else:
        assert low < 0.4
        assert high > 0.6
    for one in measure_verification(scores, {"1e-2": 0.5}, np.random.default_rng(0)).measurements:
        assert one.high - one.low > 0.05


def test_no_false_match_is_bounded_by_how_alike_the_pairs_are() -> None:
    """At a threshold that nobody reaches: by the pairs where they are independent, by the people where they aren't."""
    rng, people = np.random.default_rng(0), 60
    everyone = np.arange(people)
    independent = Scores(rng.standard_normal((people, people)), everyone, everyone)
    alike = Scores(np.tile(rng.standard_normal(people), (people, 1)) + 1e-6 * independent.values, everyone, everyone)
    bounds = [matched_impostors(scores, 99.0).interval for scores in (independent, alike)]
    assert bounds[0][0] == bounds[1][0] == 0
    assert 3.84 / people**2 < bounds[0][1] < 10 * 3.84 / people**2
    assert 0.3 / people < bounds[1][1] < 10 / people


def test_more_people_narrow_every_interval() -> None:
    widths = []
    for people in (40, 160):
        scores = Population(0.8).scores(np.random.default_rng(3), people)
        measured = measure_verification(scores, THRESHOLDS, np.random.default_rng(0))
        widths.append([one.high - one.low for one in measured.measurements])
    assert (np.array(widths[1]) < 0.75 * np.array(widths[0])).all()


def test_scores_that_cannot_be_used() -> None:
    values = np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"shape \(2, 2\); expected \(2, 3\)"):
        Scores(values, np.arange(2), np.arange(3))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="1 of 4 scores are NaN or infinite"):
            Scores(np.array([[bad, 0], [0, 0]]), np.arange(2), np.arange(2))
    with pytest.raises(ValueError, match="no genuine or no impostor pair"):
        Scores(values, np.arange(2), np.array([5, 6]))
    with pytest.raises(ValueError, match="1 of 2 genuine scores are NaN"):
        eer(np.array([np.nan, 1.0]), np.zeros(3))
    with pytest.raises(ValueError, match="0 of 0 impostor scores"):
        fmr(np.array([]), 0.5)


def test_half_precision_scores_are_compared_as_they_are() -> None:
    impostor = np.repeat(np.float32(0.1), 1000)
    threshold = threshold_at_fmr(impostor, 1e-2)
    assert fmr(impostor, threshold) == 0


def test_speed() -> None:
    scores = Population(0.6).scores(np.random.default_rng(0), 200, 4)
    started = time.process_time()
    measure_verification(scores, THRESHOLDS, np.random.default_rng(0))
    assert time.process_time() - started < 1.5
