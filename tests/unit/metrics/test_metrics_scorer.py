"""Scorers that hamper attacks are named for what they do, and honest ones aren't."""

import numpy as np
import pytest

from mote_bench.metrics.scorer import Diagnosis, diagnose
from mote_bench.metrics.verification import Scores

RNG = np.random.default_rng(0)
ENROLLED = np.arange(40)
SHOWN = np.tile(np.arange(40), 3)
GENUINE = ENROLLED[:, None] == SHOWN
HONEST = RNG.standard_normal((40, 120)) + 5 * GENUINE


def named(values, again=None):
    return diagnose(Scores(values, ENROLLED, SHOWN), values[:5], (values if again is None else again)[:5]).names


@pytest.mark.parametrize(
    "values",
    [
        HONEST,
        np.round(HONEST),  # as bit templates tie
        1 / (1 + np.exp(-HONEST)),
        RNG.standard_normal((40, 120)),  # recognises nobody
    ],
)
def test_honest_answers_have_no_name(values):
    assert named(values) == ()


def test_each_mask_is_named():
    assert named(HONEST, HONEST + 0.1 * RNG.standard_normal(HONEST.shape)) == ("randomised",)
    assert named(np.where(HONEST > 3, 1.0, 0.0)) == ("two-valued",)
    assert named(np.maximum(HONEST, 1.5)) == ("saturated",)
    assert named(np.where(GENUINE, 5.0, 0.01 * HONEST)) == ("flat",)


def test_figures_by_hand():
    """Impostor scores 0, 0, 2, 2 (middle 1, deviation 1) and 0, 2, 2 (middle 2, deviation sqrt(8) / 3), own at 4."""
    values = np.array([[4.0, 0, 0, 2, 2], [0, 4.0, 4, 2, 2]])
    found = diagnose(Scores(values, np.array([0, 1]), np.array([0, 1, 1, 2, 2])), values, values + 1)
    assert found.values == 3
    assert found.randomness == pytest.approx(1 / values.std())
    assert found.flatness == pytest.approx((3 + 2 / (np.sqrt(8) / 3)) / 2)
    assert found.tied == 1  # all at the ends: two more than must be, of two that needn't, and one of one


def test_answers_at_the_ends_by_hand():
    """Of 0, 0, 1, 2, 3 three lie at the ends, one more than must: 1 of 3. Of 5 to 9 no more than must."""
    values = np.array([[9.0, 0, 0, 1, 2, 3], [5, 9.0, 6, 7, 8, 9]])
    found = diagnose(Scores(values, np.array([0, 1]), np.array([0, 1, 2, 2, 2, 2])), values, values)
    assert found.tied == pytest.approx((1 / 3 + 0) / 2)
    assert found.randomness == 0


def test_the_middle_of_own_answers_and_of_templates():
    """Own answers 2, 3, 10 have the middle 3. A template that nobody shows, or that answers all alike, says nothing."""
    values = np.array([[2.0, 3, 10, -1, 1], [0, 0, 0, 5, 1], [7, 7, 7, 7, 9], [0, 1, 2, 3, 4]])
    found = diagnose(Scores(values, np.array([0, 1, 2, 8]), np.array([0, 0, 0, 1, 2])), values, values)
    # Impostor scores of template 0: -1 and 1. Of template 1: 0, 0, 0, 1, middle 0, deviation sqrt(3) / 4. Of 2: all 7.
    assert found.flatness == pytest.approx((3 + 5 / (np.sqrt(3) / 4)) / 2)


def test_one_answer_to_everything():
    values = np.ones((3, 6))
    found = diagnose(Scores(values, np.arange(3), np.tile(np.arange(3), 2)), values, values + 0.5)
    assert (found.values, found.flatness, found.tied) == (1, 0, 1)
    assert found.randomness == 0.5  # nothing to compare it with


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (Diagnosis(randomness=1e-3, tied=0.5, values=3, flatness=30.0), ()),
        (Diagnosis(randomness=2e-3, tied=0.5, values=3, flatness=30.0), ("randomised",)),
        (Diagnosis(randomness=0, tied=0.51, values=3, flatness=30.0), ("saturated",)),
        (Diagnosis(randomness=0, tied=0.5, values=3, flatness=31.0), ("flat",)),
        (Diagnosis(randomness=0, tied=1.0, values=2, flatness=99.0), ("two-valued",)),
        (Diagnosis(randomness=0, tied=1.0, values=1, flatness=99.0), ()),
    ],
)
def test_where_a_name_begins(found, names):
    assert found.names == names
