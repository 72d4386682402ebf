"""How well templates of two faces are distinguished: worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from mote_bench.metrics.indistinguishability import measure_pairs

TRUTH = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0]])
ALL = np.array([4, 4, 4])


def test_two_pairs_by_hand():
    """All right; of four comparisons 2 right, 1 tied, 1 wrong: 5/8. Above 0: 1 and 1/2 of the second face's, 1/2 of
    the first's."""
    answer = np.array([[-1.0, 2, -3, 4], [3, 1, -1, -1]])
    found = measure_pairs(answer, TRUTH[:2], ALL[:2])
    assert found.details["auc_of_pairs"] == [1.0, 0.625]
    assert found["auc"].value == pytest.approx((1 + 0.625) / 2)
    assert found["advantage"].value == pytest.approx((1 + 0.0) / 2)
    assert (found["auc"].chance, found["advantage"].chance, found["auc"].n) == (0.5, 0.0, 2)
    assert found.influence["auc"] == pytest.approx([0.1875 / 2, -0.1875 / 2])


def test_only_what_was_asked_for_counts():
    answer = np.array([[-1.0, 1, 9, -9], [1, -1, -9, 9], [5, -5, 5, -5]])
    found = measure_pairs(answer, TRUTH, np.array([2, 2, 0]))
    assert (found["auc"].value, found["advantage"].value, found["auc"].n) == (1.0, 1.0, 2)
    assert found.details["templates_tested"] == [2, 2, 0]
    assert found.influence["auc"].tolist() == [0, 0, 0]


def test_an_answer_of_zero_counts_half():
    assert measure_pairs(np.zeros((3, 4)), TRUTH, ALL)["advantage"].value == 0
    assert measure_pairs(np.zeros((3, 4)), TRUTH, ALL)["auc"].value == 0.5


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth = np.tile([0, 1], (5, 20))
    answer = truth + rng.standard_normal(truth.shape) - 0.5
    found = measure_pairs(answer, truth, np.full(5, 40))
    assert found["auc"].value == pytest.approx(
        np.mean([roc_auc_score(t, a) for t, a in zip(truth, answer, strict=True)])
    )
    rates = [balanced_accuracy_score(t, a > 0) for t, a in zip(truth, answer, strict=True)]
    assert found["advantage"].value == pytest.approx(2 * np.mean(rates) - 1)
    assert found["auc"].low < found["auc"].value < found["auc"].high


def test_without_two_pairs_it_is_undefined():
    found = measure_pairs(np.zeros((3, 4)), TRUTH, np.array([4, 0, 1]))
    assert found.measurements == ()
    assert set(found.details["undefined"]) == {"auc", "advantage"}


@pytest.mark.parametrize(
    ("answer", "tested", "message"),
    [
        (np.zeros((3, 3)), ALL, "shape"),
        (np.full((3, 4), np.nan), ALL, "NaN"),
        (np.zeros((3, 4)), np.array([5, 4, 4]), "outside 0 to 4"),
    ],
)
def test_refusals(answer, tested, message):
    with pytest.raises(ValueError, match=message):
        measure_pairs(answer, TRUTH, tested)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_interval_covers_the_mean_over_pairs(shift):
    """Pairs differ in how well they are distinguished; 200 runs of 20 pairs."""
    from scipy.stats import norm

    rng, truth, covered = np.random.default_rng(1), np.tile([0, 1], (20, 15)), 0
    expected = float(np.mean(norm.cdf(shift * np.linspace(0, 2, 1001) / np.sqrt(2))))
    for _ in range(200):
        strength = shift * rng.uniform(0, 2, size=(20, 1))
        one = measure_pairs(truth * strength + rng.standard_normal(truth.shape), truth, np.full(20, 30))["auc"]
        covered += one.low <= expected <= one.high
    assert covered / 200 == pytest.approx(0.95, abs=0.045)
