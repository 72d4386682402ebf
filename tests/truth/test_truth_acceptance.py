"""What a system lets in at its own thresholds, and what finding it took, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.metrics.acceptance import measure_acceptance, measure_queries

SCORES = {
    "same": np.array([0.9, 0.6, 0.5, 0.1]),
    "renewed": np.array([0.7, 0.2, 0.5, 0.4]),
    "another": np.array([0.1, 0.2, 0.55, 0.0]),
}


def test_shares_that_reach_each_threshold():
    """A score on the threshold is accepted: 3, 2 and 1 of four at 0.5; 2, 1 and none at 0.6."""
    found = {one.name: one for one in measure_acceptance(SCORES, {"1e-2": 0.5, "1e-3": 0.6})}
    assert {name: one.value for name, one in found.items()} == {
        "accepted_at_fmr_1e-2": 3 / 4,
        "accepted_after_renewal_at_fmr_1e-2": 2 / 4,
        "accepted_by_another_at_fmr_1e-2": 1 / 4,
        "accepted_at_fmr_1e-3": 2 / 4,
        "accepted_after_renewal_at_fmr_1e-3": 1 / 4,
        "accepted_by_another_at_fmr_1e-3": 0,
    }
    assert {one.n for one in found.values()} == {4}
    # Wilson's interval of 2 of 4, and of 0 of 4: 3.8415 / (4 + 3.8415) at the upper end.
    half = found["accepted_at_fmr_1e-3"]
    assert (half.low, half.high) == pytest.approx((0.150039, 0.849961), abs=1e-6)
    none = found["accepted_by_another_at_fmr_1e-3"]
    assert (none.low, none.high) == pytest.approx((0, 0.489893), abs=1e-5)


def test_queries_say_the_fewest_and_the_most():
    (one,) = measure_queries(np.array([10, 40, 100]))
    assert (one.name, one.value, one.low, one.high, one.n) == ("queries_per_person", 50, 10, 100, 3)
