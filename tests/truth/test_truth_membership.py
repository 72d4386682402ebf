"""Which photo, who was a member, and how many a few faces open: worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mote_bench.metrics.keyfaces import measure_keyfaces
from mote_bench.metrics.membership import measure_membership, measure_photo

RNG = np.random.default_rng(0)


def test_who_shares_the_first_place_shares_the_credit():
    """Right, wrong, one of two, one of four: 1 + 0 + 1/2 + 1/4 of four people."""
    answer = [[0.9, 0.1, 0, 0], [0.9, 0.1, 0, 0], [0.5, 0.5, 0, 0], [1, 1, 1, 1]]
    one = measure_photo(np.array(answer, dtype=float), np.array([0, 1, 1, 3]), RNG)["top_1"]
    assert one.value == pytest.approx(1.75 / 4)
    assert one.chance == 0.25
    assert one.low < one.value < one.high


def test_membership_by_hand():
    """Members 3, 2, 1 against 2, 0: of six pairs 4 are right and one ties."""
    answer, truth = np.array([3.0, 2, 1, 2, 0])[:, None], np.array([True, True, True, False, False])
    found = measure_membership(answer, truth, RNG)
    assert found["auc"].value == pytest.approx(4.5 / 6) == roc_auc_score(truth, answer[:, 0])
    assert found["tpr_at_fpr_1e-2"].value == pytest.approx(1 / 3)  # only 3 beats every other


def test_huge_answers_do_not_overflow():
    answer = np.array([1e308, -1e308, 1e308, -1e308])[:, None]
    assert measure_membership(answer, np.array([True, False, True, False]), RNG)["auc"].value == 1


def test_keyfaces_by_hand():
    """The first face opens persons 0 and 1, the second 1, the third 2; nobody opens 3."""
    table = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    found = measure_keyfaces({"1e-2": table})
    assert found["opened_by_1_at_fmr_1e-2"].value == 0.5
    assert found["opened_by_10_at_fmr_1e-2"].value == 0.75
    assert found["opened_by_10_at_fmr_1e-2"].chance == pytest.approx(1 - 0.99**3)
    assert found.details["opened_by_the_first"] == {"1e-2": [0.5, 0.5, 0.75]}


def test_what_cannot_be_scored():
    with pytest.raises(ValueError, match="people by faces"):
        measure_keyfaces({})
    with pytest.raises(ValueError, match="names no candidate"):
        measure_photo(np.ones((2, 3)), np.array([0, 3]), RNG)
    with pytest.raises(ValueError, match="all members"):
        measure_membership(np.ones((3, 1)), np.array([True] * 3), RNG)
