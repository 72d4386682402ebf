"""Renewal under new keys, and dictionaries in galleries, worked out by hand."""

import numpy as np
import pytest

from mote_bench.metrics.dictionary import measure_dictionary
from mote_bench.metrics.intervals import clustered_wilson
from mote_bench.metrics.renewal import measure_renewal


def test_two_of_eight_under_other_keys():
    """Person 0 is accepted in 1 of 4 trials, person 1 in 1 of 4: a share of 1/4, so four keys to use."""
    accepted = np.array([1, 0, 0, 0, 0, 0, 1, 0], dtype=bool)
    found = measure_renewal({"1e-2": accepted}, np.repeat([0, 1], 4))
    assert found["other_key_accepted_at_fmr_1e-2"].value == 0.25
    keys = found["usable_keys_at_fmr_1e-2"]
    assert keys.value == 4
    assert 1 <= keys.low <= 4 <= keys.high <= 8
    assert keys.n == found["other_key_accepted_at_fmr_1e-2"].n == 2
    share = found["other_key_accepted_at_fmr_1e-2"]
    assert (share.low, share.high) == clustered_wilson(np.array([1.0, 1.0]), np.array([4.0, 4.0]))
    assert (keys.low, keys.high) == pytest.approx((1 / share.high, min(8, 1 / share.low)))
    assert found.details == {"other_key_trials": 8}


def test_people_with_unequal_trials_in_any_order():
    """Person 7 has one trial, accepted; person 3 has three, one of them accepted."""
    found = measure_renewal({"1e-2": np.array([0, 1, 1, 0], dtype=bool)}, np.array([3, 7, 3, 3]))
    share = found["other_key_accepted_at_fmr_1e-2"]
    assert share.value == 2 / 4
    assert (share.low, share.high) == clustered_wilson(np.array([1.0, 1.0]), np.array([3.0, 1.0]))


def test_none_accepted_is_at_least_the_number_of_trials():
    found = measure_renewal({"1e-2": np.zeros(12, dtype=bool)}, np.repeat([0, 1, 2], 4))
    keys = found["usable_keys_at_fmr_1e-2"]
    assert keys.value == keys.high == 12
    assert 1 <= keys.low < 12


def test_a_key_that_changes_nothing_leaves_one():
    found = measure_renewal({"1e-2": np.ones(6, dtype=bool)}, np.repeat([0, 1, 2], 2))
    assert found["usable_keys_at_fmr_1e-2"].value == 1


def test_no_trials_are_refused():
    with pytest.raises(ValueError, match="no trials under other keys"):
        measure_renewal({"1e-2": np.zeros(0, dtype=bool)}, np.zeros(0, dtype=int))


def test_a_dictionary_in_galleries():
    """The first face opens 1 of 5 people: in a gallery of 10 somebody with chance 1 - 0.8^10; impostors 1 - 0.99^10."""
    table = np.zeros((5, 2), dtype=bool)
    table[0, 0] = table[1, 1] = True
    found = measure_dictionary({"1e-2": table})["opens_one_of_10_at_fmr_1e-2"]
    assert found.value == pytest.approx(1 - 0.8**10)
    assert found.chance == pytest.approx(1 - 0.99**10)
    assert found.low <= found.value <= found.high
