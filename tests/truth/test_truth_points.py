"""Operating points computed by hand: tails, searches in galleries, score shifts, the worst tenth of the subjects."""

from itertools import combinations

import numpy as np
import pytest

from mote_bench.metrics.fairness import max_ratio, measure_fairness
from mote_bench.metrics.identification import (
    Mated,
    false_positives,
    fpir,
    galleries,
    measure_identification,
    share_of_galleries,
    threshold_at_fpir,
)
from mote_bench.metrics.shifts import measure_shifts, shift
from mote_bench.metrics.tail import Pareto, Tail, fit_probability, fitted, measure_tail, rate_below
from mote_bench.metrics.verification import Scores
from mote_bench.metrics.worst_tenth import composition, in_worst_tenth, measure_worst_tenth, worst_tenth


def test_a_tail_by_its_moments() -> None:
    """Excesses 1, 2, 6: the mean is 3 and the mean of 1 x 1, 2 x 1/2, 6 x 0 is 2/3, so shape -1/4 + ... by hand."""
    fit = fitted(np.array([1.0, 2.0, 6.0]))
    assert fit is not None
    # shape = 2 - 3 / (3 - 4/3) = 2 - 9/5, scale = 2 x 3 x 2/3 / (5/3) = 12/5.
    assert fit.shape == pytest.approx(0.2)
    assert fit.scale == pytest.approx(2.4)
    assert fit.share(2.4) == pytest.approx(1.2**-5)
    assert Pareto(0.0, 2.0).share(2.0) == pytest.approx(np.exp(-1))
    assert Pareto(-0.5, 1.0).share(3.0) == 0.0
    assert fitted(np.array([0.0, 0.0, 1.0])) is not None
    assert fitted(np.full(3, 1.0)) is None


def test_the_rate_a_decade_below() -> None:
    assert rate_below(["1e-2", "1e-3"], 60_000) == "1e-4"
    assert rate_below(["1e-2", "1e-3"], 200_000) == "1e-5"  # 1e-4 can be counted
    assert rate_below(["1e-2"], 900) == "1e-3"
    assert rate_below([], 10**6) == ""


def impostors_of(values: np.ndarray) -> Scores:
    """(P, P) scores; the genuine ones, on the diagonal, are all above the others."""
    values = np.array(values, dtype=float)
    np.fill_diagonal(values, values.max() + 1)
    people = np.arange(len(values))
    return Scores(values, people, people)


@pytest.fixture(scope="module")
def exponential() -> Scores:
    return impostors_of(np.random.default_rng(0).exponential(size=(150, 150)))


def test_the_tail_of_exponential_scores(exponential: Scores) -> None:
    """A threshold at FMR 1e-4 is log(10^4) = 9.21, and nobody's genuine score is below it."""
    measured = measure_tail(exponential, exponential, ["1e-2", "1e-3"], np.random.default_rng(1))
    at = measured["tail_threshold_at_fmr_1e-4"]
    assert at.low < np.log(1e4) < at.high
    assert at.value == pytest.approx(np.log(1e4), rel=0.15)
    assert at.n == 150
    assert measured["tail_fnmr_at_fmr_1e-4"].value == 0.0
    assert measured["tail_fmr_reached_at_fmr_1e-4"].value == pytest.approx(1e-4, abs=3e-4)
    assert measured.details["tail"]["scores"] == 223  # a hundredth of 150 x 149


def test_the_highest_scores_and_whose_they_are() -> None:
    values = np.random.default_rng(2).random((100, 100))
    tail = Tail.of(impostors_of(values))
    above = values.copy()
    np.fill_diagonal(above, 0)
    assert tail.trials == 9900
    assert len(tail.excess) == 99
    assert tail.start == np.sort(above.ravel())[-100]
    assert above[tail.one[-1], tail.other[-1]] == above.max() == pytest.approx(tail.start + tail.excess[-1])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.random.default_rng(0).integers(0, 40, (100, 100)).astype(float), "aren't graded"),
        (np.random.default_rng(0).random((60, 60)), "at least 5000"),
        # Two heaps of scores above the start: no tail of one distribution.
        (
            np.random.default_rng(0).random((100, 100)) + 5 * (np.random.default_rng(1).random((100, 100)) < 0.005),
            "fits",
        ),
    ],
)
def test_why_a_tail_is_refused(values: np.ndarray, says: str) -> None:
    scores = impostors_of(values)
    measured = measure_tail(scores, scores, ["1e-2"], np.random.default_rng(0))
    assert measured.measurements == ()
    [(name, why)] = measured.details["undefined"].items()
    assert name == "tail_fnmr_at_fmr_1e-3" or name == "tail_fnmr_at_fmr_1e-4"
    assert says in why


def test_a_fit_is_accepted_at_its_level() -> None:
    rng, accepted = np.random.default_rng(0), 0
    for _ in range(40):
        excess = np.sort(rng.exponential(size=80))
        fit = fitted(excess)
        assert fit is not None
        accepted += fit_probability(excess, fit, rng) >= 0.05
    assert accepted >= 33


def test_shares_of_galleries() -> None:
    """Of 5 templates, two drawn: both among 3 passing ones in C(3, 2) / C(5, 2) = 3 / 10."""
    assert share_of_galleries(np.array([3.0, 5.0, 1.0]), 5, 2) == pytest.approx([0.3, 1.0, 0.0])
    assert false_positives(np.array([0, 1, 4]), 5, 2) == pytest.approx([0, 0.4, 1.0])
    assert galleries(151) == (25, 50, 100, 150)
    assert galleries(101) == (25, 50, 100)
    assert galleries(20) == (19,)


def by_enumeration(scores: Scores, threshold: float, size: int) -> tuple[float, float]:
    """FNIR and FPIR over every gallery, search by search."""
    missed, positive = [], []
    for column, subject in enumerate(scores.shown):
        others = np.flatnonzero(scores.enrolled != subject)
        own = scores.values[scores.enrolled == subject, column][0]
        for drawn in combinations(others, size - 1):
            best = all(scores.values[list(drawn), column] < own)
            missed.append(not (best and own >= threshold))
        positive += [scores.values[list(drawn), column].max() >= threshold for drawn in combinations(others, size)]
    return float(np.mean(missed)), float(np.mean(positive))


@pytest.fixture(scope="module")
def searches() -> Scores:
    rng = np.random.default_rng(3)
    enrolled, shown = rng.permutation(7), np.concatenate([np.arange(7), rng.integers(0, 7, 6)])
    return Scores(rng.random((7, 13)) + 0.6 * (enrolled[:, None] == shown), enrolled, shown)


@pytest.mark.parametrize("size", [2, 4, 6])
def test_all_galleries_agree(searches: Scores, size: int) -> None:
    missed, positive = by_enumeration(searches, 0.8, size)
    mated = Mated.of(searches)
    assert 1 - mated.successes(0.8, size).mean() == pytest.approx(missed)
    assert fpir(searches, 0.8, size).value == pytest.approx(positive)


@pytest.mark.parametrize("size", [3, 5])
def test_the_jackknife_leaves_out_each_subject(searches: Scores, size: int) -> None:
    found = fpir(searches, 0.8, size)
    without = []
    for subject in range(7):
        member = np.arange(7) != subject
        without.append(fpir(searches.inside(member), 0.8, size).value)
    assert found.influence == pytest.approx(np.mean(without) - np.array(without))
    variance = 6 / 7 * ((np.mean(without) - np.array(without)) ** 2).sum()
    assert found.effective == pytest.approx(min(found.value * (1 - found.value) / variance, 13))


def test_the_threshold_of_a_false_positive_rate() -> None:
    rng = np.random.default_rng(4)
    scores = impostors_of(rng.random((60, 60)))
    for size in (10, 59):
        threshold = threshold_at_fpir(scores, 0.3, size)
        assert threshold is not None
        assert fpir(scores, threshold, size).value <= 0.3
        lower = scores.impostor[scores.impostor < threshold].max()
        assert fpir(scores, lower, size).value > 0.3
    # In a gallery of all 59 others a false positive is a search: 0.1 of 60 are fewer than ten.
    assert threshold_at_fpir(scores, 0.1, 59) is None


def test_larger_galleries_have_more_errors() -> None:
    rng = np.random.default_rng(5)
    people = np.repeat(np.arange(120), 3)
    values = rng.standard_normal((120, 360)) + 2.5 * (np.arange(120)[:, None] == people)
    scores = Scores(values, np.arange(120), people)
    measured = measure_identification(scores, scores)
    found = [measured[f"fnir_at_fpir_1e-1_of_{size}"] for size in (25, 50, 100, 119)]
    assert [one.value for one in found] == sorted(one.value for one in found)
    for one in found:
        assert 0 <= one.low < one.value < one.high <= 1
        assert one.n == 120
        reached = measured[one.name.replace("fnir", "fpir_reached")]
        assert 0.09 < reached.value <= 0.1
    assert "fnir_at_fpir_1e-2_of_119" in measured.details["undefined"]


def test_one_search_among_many_templates_is_refused() -> None:
    scores = Scores(np.random.default_rng(0).random((4, 4)), np.array([0, 0, 1, 2]), np.arange(4))
    with pytest.raises(ValueError, match="several templates"):
        measure_identification(scores, scores)


def test_max_ratio() -> None:
    # 0.08 over the geometric mean of 0.02 and 0.08, which is 0.04.
    assert max_ratio(np.array([0.02, 0.08])) == pytest.approx(2)
    assert max_ratio(np.full(3, 0.1)) == pytest.approx(1)
    assert max_ratio(np.array([1.0, 10.0, 100.0])) == pytest.approx(10)
    with pytest.raises(ValueError, match=r"smallest rate is 0\.0"):
        max_ratio(np.array([0.0, 0.1]))


def test_the_ratio_is_refused_without_errors_of_a_group() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 3)
    own = np.arange(40)[:, None] == people
    labels = np.array(["a"] * 20 + ["b"] * 20)
    values = rng.standard_normal((40, 120)) + own * np.where(labels[people] == "a", 9, 2)
    measured = measure_fairness(Scores(values, np.arange(40), people), {"g": labels}, 1.5, rng=rng)
    assert "FNMR is 0" in measured.details["undefined"]["max_ratio_fnmr_g_at_fmr_1e-2"]
    ratio = measured["max_ratio_fmr_g_at_fmr_1e-2"]
    rates = np.array([measured[f"fmr_g_{group}_at_fmr_1e-2"].value for group in "ab"])
    assert ratio.value == pytest.approx(rates.max() / np.sqrt(rates.prod()))
    assert 1 <= ratio.low <= ratio.value <= ratio.high


def test_shift() -> None:
    """Scores 1, 3 against 4, 6, 8: means 2 and 6, within (1 + 1 + 4 + 4) / 3, so -4 / sqrt(10 / 3)."""
    one, others = np.array([2.0, 4.0, 10.0]), np.array([3.0, 18.0, 116.0])
    assert shift(one, others) == pytest.approx(-4 / np.sqrt(10 / 3))
    assert np.isnan(shift(np.array([2.0, 2.0, 2.0]), np.array([3.0, 3.0, 3.0])))


def test_shifts_of_groups() -> None:
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(60), 2)
    labels = np.array(["a"] * 30 + ["b"] * 30)
    own, first = np.arange(60)[:, None] == people, (labels == "a")[:, None] & (labels[people] == "a")
    values = rng.standard_normal((60, 120)) + 3 * own + 0.5 * first
    scores = Scores(values, np.arange(60), people)
    found = {one.name: one for one in measure_shifts(scores, {"g": labels, "few": np.array(["x"] * 60)}, rng)}
    assert set(found) == {f"{kind}_shift_g_{group}" for kind in ("genuine", "impostor") for group in "ab"}
    one = scores.inside(labels == "a").impostor
    other = scores.inside(labels == "b").impostor
    pooled = np.sqrt((one.var() * len(one) + other.var() * len(other)) / (len(one) + len(other) - 2))
    assert found["impostor_shift_g_a"].value == pytest.approx((one.mean() - other.mean()) / pooled)
    assert found["impostor_shift_g_a"].value == pytest.approx(-found["impostor_shift_g_b"].value)
    assert found["impostor_shift_g_a"].low < 0.5 < found["impostor_shift_g_a"].high
    assert found["impostor_shift_g_a"].low > 0
    assert found["genuine_shift_g_a"].n == 30


def test_worst_tenth() -> None:
    losses = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0.2, 1.0, 0.5])  # 11 subjects: the worst two
    assert worst_tenth(losses) == pytest.approx(0.75)
    assert in_worst_tenth(losses).tolist() == [0] * 9 + [1, 1]
    # Twenty subjects, one of them with an error: the other place is shared by nineteen.
    ties = np.array([1.0] + [0.0] * 19)
    assert in_worst_tenth(ties) == pytest.approx([1.0] + [1 / 19] * 19)
    assert worst_tenth(ties) == pytest.approx(0.5)
    groups = {"g": np.array(["a"] + ["b"] * 19)}
    assert composition(ties, np.arange(20), groups) == {"g": {"a": [1.0, 1], "b": [1.0, 19]}}


def test_the_worst_tenth_of_the_subjects_against_chance() -> None:
    """One subject in ten makes every error: by chance, hardly anybody would have two."""
    people = np.repeat(np.arange(40), 4)
    own = np.arange(40)[:, None] == people
    values = np.where(own, np.where(people < 4, 0.1, 0.9), 0.0)
    scores = Scores(values, np.arange(40), people)
    measured = measure_worst_tenth(
        scores, {"1e-2": 0.5}, {"g": np.array(["a"] * 4 + ["b"] * 36)}, np.random.default_rng(0)
    )
    one = measured["worst_tenth_fnmr_at_fmr_1e-2"]
    assert one.value == 1.0
    assert one.n == 40
    assert one.chance is not None
    assert 0.25 < one.chance < 0.6
    assert measured.details["worst_tenth"] == {"at": "1e-2", "groups": {"g": {"a": [4.0, 4], "b": [0.0, 36]}}}
