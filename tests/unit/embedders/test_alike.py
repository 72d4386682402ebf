"""The mean cosine of different people, and from where on it tells that a recogniser recognises nobody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mote_bench.embedders import alike


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10**6), st.lists(st.integers(0, 4), min_size=2, max_size=30).filter(lambda who: len(set(who)) > 1)
)
def test_the_mean_over_all_pairs_of_different_people(seed, who):
    rows = np.random.default_rng(seed).normal(1, 2, (len(who), 5))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    people = np.array(who).astype(str)
    expected = (unit @ unit.T)[people[:, None] != people].mean()
    assert alike.mean_cosine(rows, people) == pytest.approx(expected)


def nearly(count, spread):
    return list(1 + spread * np.random.default_rng(0).normal(size=(count, 64)))


def test_who_is_too_alike():
    people = np.repeat(["a", "b", "c"], 4)
    assert alike.too_alike(nearly(12, 0.01), people, named=True) == pytest.approx(1, abs=0.001)
    assert alike.too_alike(nearly(12, 0.5), people, named=True) is None


def test_too_few_say_nothing():
    alone = np.array(list("abcdefgh"))
    assert alike.too_alike(nearly(8, 0.01), alone, named=False) is not None
    assert alike.too_alike(nearly(7, 0.01), alone[:7], named=False) is None
    assert alike.too_alike(nearly(8, 0.01), np.repeat(["a", "b"], 4), named=True) is None
    assert alike.too_alike([np.ones(3), np.ones(3), np.ones(4)], alone[:3], named=True) is None
