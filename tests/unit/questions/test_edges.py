"""How far from chance an answer is, in standard errors, by hand on a few subjects."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.questions.edges import class_edge, face_edge, link_edge

TRUTH = np.array([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ([[1, 0], [1, 0], [0, 1], [0, 1]], 1.0),
        ([[0, 1], [0, 1], [1, 0], [1, 0]], 0.0),
        ([[1, 0], [1, 0], [1, 0], [1, 0]], 0.5),
        ([[1, 0], [0, 1], [0, 1], [0, 1]], 0.75),
        ([[1, 1], [1, 1], [1, 1], [1, 1]], 0.5),  # a tie shares the first place
        ([[2, 1], [1, 1], [0, 1], [0, 1]], (0.75 + 1) / 2),
    ],
)
def test_balanced_accuracy_of_two_classes(said: list[list[float]], rate: float) -> None:
    """Under chance each class's rate has variance 1/4 / 2; that of their mean is 1/16."""
    assert class_edge(np.array(said, dtype=float), TRUTH) == pytest.approx((rate - 0.5) / (1 / 4))


def test_three_classes_of_unequal_sizes_count_the_same() -> None:
    """Rates 1, 0 and 1/2: mean 1/2. Chance 1/3, variance of a rate 2/9 / n, n = 1, 2, 4."""
    truth = np.array([0, 1, 1, 2, 2, 2, 2])
    said = np.eye(3)[[0, 2, 0, 2, 2, 0, 1]]
    error = np.sqrt(2 / 9 * (1 + 1 / 2 + 1 / 4)) / 3
    assert class_edge(said, truth) == pytest.approx((1 / 2 - 1 / 3) / error)


def test_rows_in_another_order_have_another_edge() -> None:
    said = np.eye(2)[TRUTH]
    assert class_edge(said[[2, 1, 0, 3]], TRUTH) == pytest.approx(0.0)


def test_the_share_of_others_that_a_mate_beats() -> None:
    """Mates in columns 2, 0, 1: beat 2 of 2, 1 of 2, and 0 of 2 with one tie: shares 1, 1/2, 1/4."""
    answer = np.array([[0, 1, 2], [5, 9, 1], [4, 3, 3.0]])
    mate = np.array([2, 0, 1])
    error = np.sqrt(1 / 12 / 3)
    assert link_edge(answer, mate) == pytest.approx(((1 + 1 / 2 + 1 / 4) / 3 - 1 / 2) / error)
    assert link_edge(answer, np.array([0, 2, 0])) == pytest.approx(((0 + 0 + 1) / 3 - 1 / 2) / error)


def test_the_own_face_against_the_others() -> None:
    """Cosines: own 1, 0, 0.6; the means of the others 0, 0.5, 0.4 (lengths don't count)."""
    truth = np.diag([1.0, 2.0, 5.0])
    given = np.array([[3.0, 0, 0], [1, 0, 0], [0, 0.8, 0.6]])
    gain = np.array([1 - 0, 0 - 0.5, 0.6 - 0.4])
    expected = gain.mean() / (gain.std(ddof=1) / np.sqrt(3))
    assert face_edge(given, truth) == pytest.approx(expected)


def test_where_all_gain_the_same_there_is_no_error_to_divide_by() -> None:
    assert face_edge(np.ones((3, 3)), np.eye(3)) == 0.0
