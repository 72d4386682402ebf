"""Properties of the linkability measures and of what their measure hands back."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_populations import quick

from mote_bench.metrics.linkage import d_sys, maximal_linkability, measure_linkage

COUNTS = hnp.arrays(float, 8, elements=st.integers(0, 20)).filter(lambda counts: counts.sum() > 0)
METRICS = ["d_sys", "d_sys_null", "maximal_linkability", "maximal_linkability_null", "eer", "rank_1"]
GALLERIES = ["rank_1_of_10", "rank_1_of_30"]


def answer_of(rng: np.random.Generator, people: int, noise: float, others: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two noisy vectors per person, and ``others`` templates of other subjects in the second database."""
    faces = rng.standard_normal((people + others, 8))
    one, other = (faces + noise * rng.standard_normal(faces.shape) for _ in range(2))
    order = rng.permutation(people + others)
    return one[:people] @ other[order].T, np.argsort(order)[:people]


@quick
@given(COUNTS, COUNTS)
def test_bounds_and_bin_order(mated: np.ndarray, non_mated: np.ndarray) -> None:
    p, q = mated / mated.sum(), non_mated / non_mated.sum()
    order = np.random.default_rng(0).permutation(8)
    for measure in (d_sys, maximal_linkability):
        assert -1e-12 <= measure(p, q) <= 1 + 1e-12
        assert measure(p[order], q[order]) == pytest.approx(float(measure(p, q)))
        assert measure(p, p) == pytest.approx(0, abs=1e-12)


@quick
@given(COUNTS, COUNTS)
def test_merging_bins_loses_linkability(mated: np.ndarray, non_mated: np.ndarray) -> None:
    p, q = mated / mated.sum(), non_mated / non_mated.sum()
    coarse_p, coarse_q = p.reshape(4, 2).sum(axis=1), q.reshape(4, 2).sum(axis=1)
    for measure in (d_sys, maximal_linkability):
        assert measure(coarse_p, coarse_q) <= measure(p, q) + 1e-12


@quick
@given(COUNTS, COUNTS)
def test_d_sys_is_at_most_the_total_variation(mated: np.ndarray, non_mated: np.ndarray) -> None:
    p, q = mated / mated.sum(), non_mated / non_mated.sum()
    total_variation = np.abs(p - q).sum() / 2
    assert 2 ** maximal_linkability(p, q) - 1 == pytest.approx(total_variation)
    # D p = (p - q) p / (p + q) <= p - q where p > q.
    assert d_sys(p, q) <= total_variation + 1e-12


@quick
@given(COUNTS, COUNTS, st.floats(0.1, 1), st.floats(1, 10))
def test_more_prior_odds_link_more(mated: np.ndarray, non_mated: np.ndarray, fewer: float, more: float) -> None:
    p, q = mated / mated.sum(), non_mated / non_mated.sum()
    assert d_sys(p, q, fewer) <= d_sys(p, q) + 1e-12 <= d_sys(p, q, more) + 2e-12


def test_many_histograms_at_once_are_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(9), 5), rng.dirichlet(np.ones(9), 5)
    for measure in (d_sys, maximal_linkability):
        assert measure(p, q) == pytest.approx(np.array([float(measure(a, b)) for a, b in zip(p, q, strict=True)]))


@pytest.mark.parametrize("others", [0, 15])
def test_what_is_measured(others: int) -> None:
    answer, mate = answer_of(np.random.default_rng(0), 60, 0.8, others)
    measured = measure_linkage(answer, mate, np.random.default_rng(1))
    assert [one.name for one in measured.measurements] == METRICS + GALLERIES
    for one in measured.measurements:
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.low < one.high
        assert one.n == 60
    assert measured["d_sys"].chance == measured["d_sys_null"].value
    assert measured["maximal_linkability"].chance == measured["maximal_linkability_null"].value
    assert measured["d_sys"].low > measured["d_sys_null"].high
    assert measured["eer"].chance == 0.5
    assert measured["rank_1"].chance == 1 / (60 + others)
    details = measured.details
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert (len(details["edges"]), len(details["mated"]), len(details["non_mated"])) == (21, 20, 20)
    assert details["counts"] == {"mated": sum(details["mated"]), "non_mated": sum(details["non_mated"])}
    assert details["counts"] == {"mated": 60, "non_mated": 60 * (59 + others)}
    assert details["null_quantiles"]["d_sys"]["0.975"] == measured["d_sys_null"].high
    assert np.histogram(answer, details["edges"])[0].tolist() == [
        one + other for one, other in zip(details["mated"], details["non_mated"], strict=True)
    ]


def test_equal_seeds_measure_the_same() -> None:
    answer, mate = answer_of(np.random.default_rng(0), 40, 1.0)
    one, other, third = (measure_linkage(answer, mate, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == other
    assert one["d_sys_null"] != third["d_sys_null"]
    assert one["eer"] == third["eer"]


def test_the_order_of_records_is_of_no_account() -> None:
    rng = np.random.default_rng(0)
    answer, mate = answer_of(rng, 50, 1.0)
    rows, columns = rng.permutation(50), rng.permutation(50)
    shuffled, place = answer[np.ix_(rows, columns)], np.argsort(columns)[mate[rows]]
    one, other = (measure_linkage(*case, np.random.default_rng(1)) for case in ((answer, mate), (shuffled, place)))
    for metric in ("d_sys", "maximal_linkability", "eer", "rank_1"):
        assert one[metric].value == pytest.approx(other[metric].value)


def test_ranks_and_errors_depend_on_the_order_of_scores_alone() -> None:
    answer, mate = answer_of(np.random.default_rng(0), 50, 1.0)
    one, other = (measure_linkage(scores, mate, np.random.default_rng(1)) for scores in (answer, np.exp(answer / 4)))
    for metric in ("eer", "rank_1"):
        assert one[metric] == other[metric]


@pytest.mark.parametrize("known", [True, False])
def test_full_knowledge_and_none(known: bool) -> None:
    mate = np.random.default_rng(0).permutation(80)
    answer = np.eye(80)[mate] if known else np.zeros((80, 80))
    measured = measure_linkage(answer, mate, np.random.default_rng(1))
    for metric in ("d_sys", "maximal_linkability", "rank_1"):
        one = measured[metric]
        assert one.value == (1 if known else pytest.approx(one.chance, abs=1e-12))
        assert one.high - one.low > 0.02
    assert measured["eer"].value == (0 if known else 0.5)


def test_random_mates_fall_within_the_null() -> None:
    rng = np.random.default_rng(3)
    answer, _ = answer_of(rng, 60, 0.5)
    inside = 0
    for _ in range(100):
        measured = measure_linkage(answer, rng.permutation(60), rng)
        inside += measured["d_sys_null"].low <= measured["d_sys"].value <= measured["d_sys_null"].high
    assert inside >= 88


@pytest.mark.parametrize(
    ("answer", "mate", "message"),
    [
        (np.zeros((3, 3)), np.array([0, 1]), r"shape \(3, 3\); expected \(2, "),
        (np.zeros(3), np.array([0, 1, 2]), r"shape \(3,\)"),
        (np.zeros((2, 3)), np.array([1, 1]), "2 different records, 0 to 2"),
        (np.zeros((2, 3)), np.array([0, 3]), "2 different records, 0 to 2"),
        (np.array([[0, np.nan], [0, 0]]), np.array([0, 1]), "1 of 4 scores are NaN or infinite"),
        (np.array([[0, 1.7e308], [-1.7e308, 0]]), np.array([0, 1]), "expected a range that a float can hold"),
    ],
)
def test_answers_that_cannot_be_used(answer: np.ndarray, mate: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure_linkage(answer, mate, np.random.default_rng(0))


def test_speed() -> None:
    answer, mate = answer_of(np.random.default_rng(0), 200, 1.0)
    started = time.process_time()
    measure_linkage(answer, mate, np.random.default_rng(0))
    assert time.process_time() - started < 0.5
