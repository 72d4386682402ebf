"""Properties of the attribute metrics and of what their measure hands back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_populations import quick

from mote_bench.metrics.attributes import balanced_accuracy, confusion_matrix, macro_auc, measure_attribute

CLASSES = ("a", "b", "c", "d")


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Answers with many ties, and a truth of at least two classes."""
    classes, n = draw(st.integers(2, 4)), draw(st.integers(4, 40))
    truth = np.array([0, 1, *draw(st.lists(st.integers(0, classes - 1), min_size=n - 2, max_size=n - 2))])
    cells = draw(st.lists(st.integers(-3, 3), min_size=n * classes, max_size=n * classes))
    return np.array(cells, dtype=float).reshape(n, classes), truth


@quick
@given(answers())
def test_bounds_and_intervals(case: tuple[np.ndarray, np.ndarray]) -> None:
    answer, truth = case
    measured = measure_attribute(answer, truth, CLASSES[: answer.shape[1]])
    for one in measured.measurements:
        assert one.low <= one.value <= one.high
        assert one.low < one.high
        assert one.high <= 1
        assert one.low >= (-np.inf if one.metric == "attack_gain" else 0)
    json.dumps(measured.details, allow_nan=False)
    assert np.sum(measured.details["confusion"]) == pytest.approx(len(truth))
    assert np.sum(measured.details["confusion"], axis=1) == pytest.approx(measured.details["class_counts"])


@quick
@given(answers(), st.floats(0.01, 100), st.integers(-50, 50))
def test_scale_and_offset_of_an_answer_are_of_no_account(case, scale: float, offset: int) -> None:
    answer, truth = case
    other = scale * (answer + offset)
    assert balanced_accuracy(answer + offset, truth) == pytest.approx(balanced_accuracy(answer, truth))
    assert macro_auc(other, truth) == pytest.approx(macro_auc(answer, truth))


@quick
@given(answers(), st.integers(0, 9))
def test_what_a_row_adds_to_all_classes_is_of_no_account(case, seed: int) -> None:
    answer, truth = case
    shifted = answer + np.random.default_rng(seed).integers(-9, 9, (len(answer), 1))
    assert macro_auc(shifted, truth) == pytest.approx(macro_auc(answer, truth))
    assert np.allclose(confusion_matrix(shifted, truth), confusion_matrix(answer, truth))


@quick
@given(answers())
def test_the_opposite_answer_has_the_opposite_auc(case) -> None:
    answer, truth = case
    assert macro_auc(-answer, truth) == pytest.approx(1 - macro_auc(answer, truth))


@quick
@given(answers(), st.integers(0, 9))
def test_order_of_people_is_of_no_account(case, seed: int) -> None:
    answer, truth = case
    order = np.random.default_rng(seed).permutation(len(truth))
    classes = CLASSES[: answer.shape[1]]
    one, other = measure_attribute(answer, truth, classes), measure_attribute(answer[order], truth[order], classes)
    for a, b in zip(one.measurements, other.measurements, strict=True):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))


def test_a_perfect_answer_is_as_certain_as_the_people_allow() -> None:
    truth = np.arange(60) % 3
    measured = measure_attribute(np.eye(3)[truth], truth, CLASSES[:3])
    for metric in ("balanced_accuracy", "accuracy", "attack_gain", "auc"):
        assert measured[metric].value == measured[metric].high == 1
        assert 0.8 < measured[metric].low < 0.98


def test_random_labels_are_at_chance_on_average() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(300) < 0.2).astype(int)
    answer = rng.standard_normal((300, 2))
    values = [balanced_accuracy(answer, rng.permutation(truth)) for _ in range(400)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("answer", "truth", "message"),
    [
        (np.zeros((3, 3)), np.array([0, 1, 0]), r"shape \(3, 3\); expected \(3, 2\)"),
        (np.zeros(3), np.array([0, 1, 0]), r"shape \(3,\); expected \(3, 2\)"),
        (np.array([[np.nan, 0], [0, 1], [np.inf, 0]]), np.array([0, 1, 0]), "2 of 3 answers hold NaN or infinity"),
        (np.zeros((3, 2)), np.array([0, 1, -1]), "1 people of no class; expected class positions 0 to 1"),
        (np.zeros((3, 2)), np.array([1, 1, 1]), "1 class occurs among 3 people; expected at least 2"),
    ],
)
def test_answers_that_cannot_be_used(answer: np.ndarray, truth: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure_attribute(answer, truth, CLASSES[:2])
