"""Kernels that compare templates as symbols."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_attacks.inversion.kernel_decoders import _equal


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 6), st.integers(1, 6), st.integers(0, 90), st.integers(0, 2**32 - 1))
def test_shares_of_equal_symbols_are_means_of_comparisons(one, other, columns, seed):
    rng = np.random.default_rng(seed)
    left, right = (rng.integers(0, 3, (rows, columns), dtype=np.uint8) for rows in (one, other))
    shares = _equal(left, right)
    assert shares.shape == (one, other)
    if columns:
        np.testing.assert_array_equal(shares, (left[:, None] == right).mean(axis=2))
    else:
        assert not shares.any()
