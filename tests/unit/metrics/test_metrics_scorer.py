"""Scorers that hamper attacks are named for what they do, and honest ones aren't."""

import numpy as np
import pytest

from mote_bench.metrics.scorer import diagnose
from mote_bench.metrics.verification import Scores

RNG = np.random.default_rng(0)
OWNER = np.arange(40)
SHOWN = np.tile(np.arange(40), 3)
GENUINE = OWNER[:, None] == SHOWN
HONEST = RNG.standard_normal((40, 120)) + 5 * GENUINE


def named(values, again=None):
    return diagnose(Scores(values, OWNER, SHOWN), values[:5], (values if again is None else again)[:5]).names


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
    """Two templates; strangers at 0 and 2 (deviation 1, middle 1), own probes at 4: three deviations above."""
    values = np.array([[4.0, 0, 0, 2, 2], [0, 4.0, 4, 2, 2]])
    found = diagnose(Scores(values, np.array([0, 1]), np.array([0, 1, 1, 2, 2])), values, values + 1)
    assert found.values == 3
    assert found.randomness == pytest.approx(1 / values.std())
