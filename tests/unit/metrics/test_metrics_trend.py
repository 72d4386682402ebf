"""How error rates rise with a number: by hand, against an independent least-squares fit, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mote_bench.metrics.trend import measure_trend
from mote_bench.metrics.verification import Scores


def scored(number, missed, *, probes=2, matched=lambda low, high, draw: draw < 0.05, seed=0):
    """Templates of people with ``number``; genuine trials are missed where ``missed[p, k]`` says so."""
    rng, people = np.random.default_rng(seed), len(number)
    shown = np.repeat(np.arange(people), probes)
    values = matched(number[:, None], number[shown], rng.random((people, len(shown)))).astype(float)
    values[shown, np.arange(len(shown))] = 1.0 - missed.ravel()
    return Scores(values, np.arange(people), shown)


def test_a_straight_line_by_hand():
    """Of people of 0, 1, ... 9, those from 5 on are missed once in two times: the slope is 12.5 * .5 / 82.5."""
    number = np.arange(10.0)
    missed = np.zeros((10, 2))
    missed[5:, 0] = 1
    genuine, _ = measure_trend(scored(number, missed), number, 0.5, name="age", fmr_name="1e-2").measurements
    assert genuine.name == "fnmr_rise_over_age_at_fmr_1e-2"
    assert genuine.value == pytest.approx(12.5 * 0.5 / 82.5 * (8.1 - 0.9))
    assert (genuine.n, genuine.chance) == (10, 0.0)


def test_agrees_with_a_fit_clustered_by_person():
    rng = np.random.default_rng(3)
    number = rng.uniform(20, 70, 120)
    missed = (rng.random((120, 3)) < (number[:, None] - 15) / 100).astype(float)
    genuine, _ = measure_trend(scored(number, missed, probes=3), number, 0.5, name="age", fmr_name="1e-2").measurements
    low, high = np.quantile(number, [0.1, 0.9])
    design = np.column_stack([np.ones(360), np.repeat(number, 3)])
    fit, *_ = np.linalg.lstsq(design, missed.ravel(), rcond=None)
    bread = np.linalg.inv(design.T @ design)
    meat = np.zeros((2, 2))
    for person in range(120):
        rows = slice(3 * person, 3 * person + 3)
        score = design[rows].T @ (missed.ravel()[rows] - design[rows] @ fit)
        meat += np.outer(score, score)
    error = np.sqrt((bread @ meat @ bread)[1, 1] * 120 / 118)
    assert genuine.value == pytest.approx(fit[1] * (high - low))
    assert (genuine.high - genuine.value) / (high - low) / error == pytest.approx(1.98, abs=0.01)


@pytest.mark.parametrize(("seed", "alike"), [(8, False), (2, True)])
def test_pairs_that_share_a_person_are_alike_by_brute_force(seed, alike):
    """Every two impostor trials with a person in common add the product of their residuals to the variance.

    It is never below what trials that share nobody would have.
    """
    rng, people = np.random.default_rng(seed), 12
    number = rng.uniform(20, 70, people)
    wolf = rng.random(people) < 0.4
    missed = (rng.random((people, 2)) < 0.3).astype(float)
    scores = scored(number, missed, matched=lambda one, other, draw: draw < 0.1 + 0.6 * wolf[:, None])
    _, pairs = measure_trend(scores, number, 0.5, name="age", fmr_name="1e-2").measurements
    low, high = np.quantile(number, [0.1, 0.9])
    apart = np.abs(number[:, None] - number[scores.shown])
    trials = [
        (i, int(scores.shown[j]), float(scores.values[i, j] >= 0.5))
        for i in range(people)
        for j in range(2 * people)
        if scores.shown[j] != i and apart[i, j] <= 0.25 * (high - low)
    ]
    at = np.array([(number[i] + number[j]) / 2 for i, j, _ in trials])
    wrong = np.array([accepted for *_, accepted in trials])
    slope, start = np.polyfit(at, wrong, 1)
    pull = (at - at.mean()) * (wrong - start - slope * at) / ((at - at.mean()) ** 2).sum()
    shared = np.array([[bool({i, j} & {k, m}) for k, m, _ in trials] for i, j, _ in trials])
    variance = float(pull @ shared @ pull)
    alone = float((pull**2).sum())
    assert (variance > alone) == alike
    variance = max(variance, alone)
    assert pairs.value == pytest.approx(slope * (high - low))
    half = stats.t.ppf(0.975, people - 2) * np.sqrt(variance * people / (people - 2))
    assert pairs.high - pairs.value == pytest.approx(half * (high - low))
    assert pairs.value - pairs.low == pytest.approx(half * (high - low))


def test_unknown_numbers_are_left_out_and_impostors_are_of_like_age():
    rng = np.random.default_rng(4)
    number = rng.uniform(20, 70, 90)
    number[:10] = np.nan
    missed = (rng.random((90, 2)) < 0.2).astype(float)

    def unlike(one, other, draw):  # people of very different age are always matched
        return (np.abs(one - other) > 12) | (draw < 0.1)

    genuine, pairs = measure_trend(
        scored(number, missed, matched=unlike), number, 0.5, name="age", fmr_name="1e-2"
    ).measurements
    assert genuine.n == pairs.n == 80
    assert pairs.low < 0 < pairs.high
    assert abs(pairs.value) < 0.05


def test_the_intervals_hold_the_true_rise():
    rng, held = np.random.default_rng(5), {"fnmr": 0, "fmr": 0}
    for _ in range(300):
        number = rng.uniform(20, 70, 150)
        prone = rng.gamma(1.0, 1.0, (150, 1))  # some are missed more often than others of their age
        missed = (rng.random((150, 2)) < prone * (number[:, None] - 10) / 400).astype(float)
        wolf = rng.gamma(4.0, 0.25, 150)

        def by_age(one, other, draw, wolf=wolf):
            return draw < wolf[:, None] * ((one + other) / 2 - 10) / 600

        scores = scored(number, missed, matched=by_age, seed=int(rng.integers(1 << 30)))
        span = float(np.ptp(np.quantile(number, [0.1, 0.9])))
        genuine, pairs = measure_trend(scores, number, 0.5, name="age", fmr_name="x").measurements
        held["fnmr"] += genuine.low <= span / 400 <= genuine.high
        held["fmr"] += pairs.low <= span / 600 <= pairs.high
    assert min(held.values()) >= 300 * (0.95 - 3.5 * np.sqrt(0.95 * 0.05 / 300))


@pytest.mark.parametrize(
    ("number", "missed", "said"),
    [
        (np.full(20, 30.0), 0.5, "20 people whose age is known, from 30 to 30"),
        (np.where(np.arange(20) < 9, np.arange(20.0), np.nan), 0.5, "9 people whose age is known"),
    ],
)
def test_what_has_no_line(number, missed, said):
    rng = np.random.default_rng(6)
    scores = scored(np.nan_to_num(number), (rng.random((20, 2)) < missed).astype(float))
    with pytest.raises(ValueError, match=said):
        measure_trend(scores, number, 0.5, name="age", fmr_name="1e-2")


def test_without_errors_there_is_no_line():
    scores = scored(np.arange(20.0), np.zeros((20, 2)), matched=lambda low, high, draw: draw < 0.5)
    found = measure_trend(scores, np.arange(20.0), 0.5, name="age", fmr_name="1e-2")
    assert [one.name for one in found.measurements] == ["fmr_rise_over_age_at_fmr_1e-2"]
    assert found.details["undefined"] == {
        "fnmr_rise_over_age_at_fmr_1e-2": "0 errors in 40 trials; a line needs trials of both kinds"
    }
