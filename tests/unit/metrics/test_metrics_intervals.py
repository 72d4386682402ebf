"""Properties of the intervals, and their coverage by exact sums and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_populations import at_least, quick
from scipy import stats

from mote_bench.metrics.intervals import (
    centred_interval,
    clustered_wilson,
    modified_wilson,
    mover_mean,
    pair_proportion,
    percentile_interval,
    person_proportion,
    person_weights,
    t_interval,
    wilson,
)

COUNTS = st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@quick
@given(COUNTS.filter(lambda counts: counts[1] > 0))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    successes, n = counts
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@quick
@given(st.floats(0, 1), st.floats(0.5, 1e6))
def test_rate_intervals_hold_the_rate_and_stay_in_bounds(rate: float, n: float) -> None:
    for interval in (wilson, modified_wilson):
        low, high = interval(rate * n, n)
        assert 0 <= low <= rate * n / n <= high <= 1
    plain, modified = wilson(rate * n, n), modified_wilson(rate * n, n)
    assert modified[0] <= plain[0]
    assert modified[1] >= plain[1]


@quick
@given(COUNTS)
def test_failures_mirror_successes(counts: tuple[int, int]) -> None:
    successes, n = counts
    low, high = modified_wilson(successes, n)
    assert modified_wilson(n - successes, n) == pytest.approx((1 - high, 1 - low))


def exact_coverage(interval, rates: np.ndarray, n: int) -> np.ndarray:
    """The probability, by the binomial sum, that the interval holds each rate."""
    counts = np.arange(n + 1)
    low, high = np.array([interval(int(count), n) for count in counts]).T
    holds = (low <= rates[:, None]) & (rates[:, None] <= high)
    return (stats.binom.pmf(counts, n, rates[:, None]) * holds).sum(axis=1)


@pytest.mark.parametrize("n", [50, 100, 300])
def test_exact_coverage_of_a_rate(n: int) -> None:
    rates = np.concatenate([np.geomspace(1e-4, 0.1, 200), np.linspace(0.1, 0.5, 100)])
    covered = exact_coverage(modified_wilson, rates, n)
    assert covered.min() > 0.915
    assert 0.945 < covered[rates >= 0.1].mean() < 0.965
    assert exact_coverage(wilson, rates, n).min() < 0.86  # what the modification is for


@pytest.mark.parametrize("n", [50, 200])
def test_a_rate_of_one_in_n_is_covered(n: int) -> None:
    assert exact_coverage(modified_wilson, np.array([1 / n]), n) > 0.95


@quick
@given(
    hnp.arrays(float, st.integers(2, 12), elements=st.floats(0, 1)),
)
def test_mover_mean_of_certain_rates_is_their_mean(rates: np.ndarray) -> None:
    assert mover_mean(rates, rates, rates) == pytest.approx((rates.mean(), rates.mean()))


@quick
@given(st.data())
def test_one_trial_each_is_a_plain_proportion(data: st.DataObject) -> None:
    people = data.draw(st.integers(2, 60))
    successes = np.array(data.draw(st.lists(st.integers(0, 1), min_size=people, max_size=people)), dtype=float)
    rate = person_proportion(successes, np.ones(people))
    assert rate.value == pytest.approx(successes.mean())
    few = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, people - 1)) ** 2
    assert rate.effective == pytest.approx(people * few)


@quick
@given(st.data())
def test_effective_trials_lie_between_people_and_trials(data: st.DataObject) -> None:
    people = data.draw(st.integers(2, 30))
    trials = np.array(data.draw(st.lists(st.integers(1, 5), min_size=people, max_size=people)), dtype=float)
    successes = np.array([data.draw(st.integers(0, int(n))) for n in trials], dtype=float)
    rate = person_proportion(successes, trials)
    few = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, people - 1)) ** 2
    assert trials.sum() ** 2 / (trials**2).sum() * few * (1 - 1e-9) <= rate.effective
    assert rate.effective <= trials.sum() * few * (1 + 1e-9)
    low, high = rate.interval
    assert low <= rate.value <= high


def test_people_without_trials_change_nothing() -> None:
    with_them = clustered_wilson(np.array([1.0, 0.0, 2.0, 0.0]), np.array([2.0, 0.0, 3.0, 4.0]))
    assert with_them == clustered_wilson(np.array([1.0, 2.0, 0.0]), np.array([2.0, 3.0, 4.0]))


def plain_pair_variance(successes: np.ndarray, trials: np.ndarray) -> float:
    """The sum of the products of all residuals that share a person, one by one."""
    residual = successes - successes.sum() / trials.sum() * trials
    people = range(len(trials))
    cells = [(i, j) for i in people for j in people if i != j]
    return sum(residual[one] * residual[other] for one in cells for other in cells if set(one) & set(other))


@pytest.mark.parametrize("seed", range(5))
def test_pair_variance_is_the_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    different = 1 - np.eye(7)
    prone = rng.uniform(0.05, 0.7, 7)
    trials = rng.integers(0, 4, (7, 7)) * different
    successes = rng.binomial(trials.astype(int), np.minimum(prone[:, None] + prone[None, :], 1))
    rate = pair_proportion(successes.astype(float), trials)
    residual = successes - rate.value * trials
    of_pairs = ((residual + residual.T) ** 2).sum() / 2
    variance = max(plain_pair_variance(successes, trials), of_pairs)
    expected = np.clip(rate.value * (1 - rate.value) * trials.sum() ** 2 / variance, 1, trials.sum())
    few = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 6)) ** 2
    assert rate.effective == pytest.approx(expected * few)


@quick
@given(hnp.arrays(float, st.integers(2, 40), elements=st.floats(-1e3, 1e3)))
def test_t_interval_is_scipys(values: np.ndarray) -> None:
    low, high = t_interval(values)
    assert low <= values.mean() + 1e-9
    assert high >= values.mean() - 1e-9
    if values.std() > 1e-6:
        expected = stats.t.interval(0.95, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
        assert (low, high) == pytest.approx(expected)


def test_person_weights_draw_as_many_people_as_there_are() -> None:
    weights = person_weights(np.random.default_rng(0), 30, 200)
    assert weights.shape == (200, 30)
    assert (weights.sum(axis=1) == 30).all()
    assert np.array_equal(weights, person_weights(np.random.default_rng(0), 30, 200))


def test_centred_interval_holds_the_value_of_a_biased_statistic() -> None:
    replicates = np.random.default_rng(0).normal(3, 1, 2000)
    assert percentile_interval(replicates)[0] > 0.5
    low, high = centred_interval(0.5, replicates)
    assert low < 0.5 < high
    assert high - low == pytest.approx(np.ptp(percentile_interval(replicates)))


@pytest.mark.parametrize("call", [lambda: wilson(3, 2), lambda: wilson(-1, 2), lambda: modified_wilson(np.nan, 2)])
def test_impossible_counts(call) -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials"):
        call()


def test_one_person_has_no_interval() -> None:
    for call in (
        lambda: t_interval(np.ones(1)),
        lambda: person_proportion(np.ones(1), np.ones(1)),
        lambda: pair_proportion(np.zeros((1, 1)), np.zeros((1, 1))),
    ):
        with pytest.raises(ValueError, match="expected at least 2, as the interval is over people"):
            call()


@pytest.mark.parametrize("people", [50, 150])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("alike", [0.05, 0.5, 0.95])
def test_coverage_of_a_clustered_rate(people: int, rate: float, alike: float) -> None:
    """Beta-binomial trials, two to four per person; ``alike`` is their correlation within a person."""
    rng, repetitions, covered = np.random.default_rng(7), 400, 0
    scale = 1 / alike - 1
    for _ in range(repetitions):
        own = rng.beta(rate * scale, (1 - rate) * scale, people)
        trials = rng.integers(2, 5, people)
        low, high = clustered_wilson(rng.binomial(trials, own).astype(float), trials.astype(float))
        covered += low <= rate <= high
    assert covered / repetitions > at_least(0.94, repetitions)


@pytest.mark.parametrize("people", [50, 150])
@pytest.mark.parametrize("uneven", [0.0, 0.5])
def test_coverage_of_a_rate_over_pairs(people: int, uneven: float) -> None:
    """False matches at one in a hundred, where some people are easier to match (``uneven``: spread of the log)."""
    rng, repetitions, covered = np.random.default_rng(8), 300, 0
    different = ~np.eye(people, dtype=bool)
    for _ in range(repetitions):
        prone = np.exp(uneven * rng.standard_normal(people) - uneven**2 / 2)
        matches = rng.binomial(3, np.minimum(0.01 * np.outer(prone, prone), 1)) * different
        low, high = pair_proportion(matches.astype(float), 3.0 * different).interval
        covered += low <= 0.01 <= high
    share = covered / repetitions
    assert at_least(0.94, repetitions) < share
