"""Hand-computed accuracies, gain, confusion and AUC."""

import numpy as np
import pytest

from mote_bench.metrics.attributes import (
    attack_gain,
    auc_interval,
    balanced_accuracy,
    confusion_matrix,
    macro_auc,
    measure_attribute,
)
from mote_bench.metrics.intervals import modified_wilson

ANSWER = np.array([[3.0, 1.0], [2.0, 1.0], [1.0, 2.0], [5.0, 5.0], [0.0, 4.0]])
TRUTH = np.array([0, 0, 0, 1, 1])


def test_a_small_answer() -> None:
    measured = measure_attribute(ANSWER, TRUTH, ("female", "male"))
    # Classified correctly: of class 0 two of three; of class 1 one and, by the tie, a half of two.
    assert measured["balanced_accuracy"].value == pytest.approx((2 / 3 + 1.5 / 2) / 2)
    assert measured["balanced_accuracy"].chance == 1 / 2
    assert measured["accuracy"].value == pytest.approx(3.5 / 5)
    assert measured["accuracy"].chance == 3 / 5
    assert measured["attack_gain"].value == pytest.approx((3.5 / 5 - 3 / 5) / (2 / 5))
    # Column 1 minus column 0 is -2, -1, 1 for class 0 and 0, 4 for class 1: 0 beats two of three, 4 beats three.
    assert measured["auc"].value == pytest.approx(5 / 6)
    assert measured.details["confusion"] == [[2, 1], [0.5, 1.5]]
    assert measured.details["class_counts"] == [3, 2]
    assert measured.details["classes"] == ["female", "male"]
    assert {one.n for one in measured.measurements} == {5}


def test_gain_over_the_majority() -> None:
    assert attack_gain(0.6, 0.6) == 0
    assert attack_gain(1.0, 0.6) == 1
    assert attack_gain(0.8, 0.6) == pytest.approx(0.5)
    assert attack_gain(0.3, 0.6) == pytest.approx(-0.75)


def test_an_answer_that_is_the_same_for_all_is_at_chance() -> None:
    truth = np.array([0, 0, 0, 0, 1, 2])
    answer = np.full((6, 3), 0.1)
    assert balanced_accuracy(answer, truth) == pytest.approx(1 / 3)
    assert macro_auc(answer, truth) == 0.5
    assert confusion_matrix(answer, truth)[0].tolist() == pytest.approx([4 / 3] * 3)


def test_a_class_that_nobody_has_does_not_count() -> None:
    measured = measure_attribute(np.eye(3)[[0, 0, 1]], np.array([0, 0, 1]), ("a", "b", "c"))
    assert measured["balanced_accuracy"].value == 1
    assert measured["balanced_accuracy"].chance == 1 / 2
    assert measured["auc"].value == 1


def test_macro_auc_of_three_classes() -> None:
    answer = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.1, 0.4], [0.1, 0.2, 0.7]])
    truth = np.array([0, 1, 2, 2])
    # Class 0: 0.6 beats 0.2, 0.5, 0.1: 1. Class 1: 0.5 beats 0.3, 0.1, 0.2: 1. Class 2: 0.4 and 0.7 beat 0.1, 0.3: 1.
    assert macro_auc(answer, truth) == 1
    truth = np.array([1, 0, 2, 2])
    # Class 0: 0.2 beats 0.1 only of 0.6, 0.5, 0.1: 1/3. Class 1: 0.3 beats 0.1, 0.2 of 0.5, 0.1, 0.2: 2/3. Class 2: 1.
    assert macro_auc(answer, truth) == pytest.approx((1 / 3 + 2 / 3 + 1) / 3)


def two_classes(zero: list[float], one: list[float]) -> tuple[np.ndarray, np.ndarray]:
    margin = np.array([*zero, *one])
    return np.column_stack([-margin, margin]), np.repeat([0, 1], [len(zero), len(one)])


def test_the_interval_of_an_auc() -> None:
    # 1 and 3 against 0 and 2: three of four pairs are right. Placements 1/2, 1 in either class, variance 1/8, halved:
    # 1/16 + 1/16 = 1/8. Two people stand on the wrong side of somebody; two independent trials have 3/16 / 2 = 3/32.
    # (2 / 8 + 3 / 32) / 3 = 11 / 96; 3/16 of it are 18 / 11 trials.
    answer, truth = two_classes([0, 2], [1, 3])
    assert macro_auc(answer, truth) == 3 / 4
    assert auc_interval(answer, truth) == pytest.approx(modified_wilson(3 / 4 * 18 / 11, 18 / 11))


def test_the_interval_of_an_auc_of_uneven_classes() -> None:
    # 1, 4, 5 against 0, 2: of six pairs five are right. Members have 1/2, 1, 1 of the others below them (variance
    # 1/12, over three), others 1, 2/3 of the members above (variance 1/18, over two): 1/36 + 1/36 = 1/18. Two people
    # tell; two trials of 5/6 have 5/72. (2 / 18 + 5 / 72) / 3 = 13 / 216; 5/36 of it are 30 / 13 trials.
    answer, truth = two_classes([0, 2], [1, 4, 5])
    assert auc_interval(answer, truth) == pytest.approx(modified_wilson(5 / 6 * 30 / 13, 30 / 13))


def test_a_perfect_auc_is_as_sure_as_its_smallest_class_allows() -> None:
    answer, truth = two_classes([0, 1, 2, 3, 4, 5, 6], [7, 8, 9])
    assert auc_interval(answer, truth) == pytest.approx(modified_wilson(3, 3))


def test_a_class_of_one_person() -> None:
    # The one beats three of four; their placements are 1, 1, 1, 0. One and one tell. No variance can be read from one
    # person, so it is taken as of two: (3/4 - 3/4)^2 = 0. Of the four: variance 1/4 over four, 1/16.
    # (2 / 16 + 3 / 16 / 1) / 3 = 5 / 48; 3/16 of it are 9 / 5 trials.
    answer, truth = two_classes([0, 1, 2, 9], [5])
    assert auc_interval(answer, truth) == pytest.approx(modified_wilson(3 / 4 * 9 / 5, 9 / 5))
