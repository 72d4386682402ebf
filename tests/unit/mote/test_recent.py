"""What is kept of what was worked out: never more than was allowed, and always the value of its key."""

from __future__ import annotations

import copy
import pickle

from hypothesis import given
from hypothesis import strategies as st

from mote_bench.mote.recent import Recent


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(0, 40))
def test_values_are_those_of_their_keys_and_stay_within_the_bytes(keys: list[int], most: int) -> None:
    recent, made = Recent[bytes](most, len), 0

    def make(key: int) -> bytes:
        nonlocal made
        made += 1
        return bytes([key]) * key

    lately: list[int] = []
    for key in keys:
        before, there = made, recent.find(key) is not None
        assert recent.get(key, lambda key=key: make(key)) == bytes([key]) * key
        assert (made == before) == there
        if key <= most:  # a larger one drives nothing out
            lately = [*(one for one in lately if one != key), key]
        kept = [one for one in lately if recent._kept.get(one) is not None]
        assert sum(kept) <= most
        # The longest unused goes first.
        assert kept == lately[len(lately) - len(kept) :]


def test_a_value_that_is_too_large_is_given_but_not_kept() -> None:
    recent = Recent[bytes](3, len)
    assert recent.get("a", lambda: b"1234") == b"1234"
    assert len(recent) == 0


def test_copies_begin_empty() -> None:
    recent = Recent[bytes](10, len)
    recent.keep("a", b"1")
    for other in (copy.deepcopy(recent), pickle.loads(pickle.dumps(recent))):
        assert len(other) == 0
        assert other.get("a", lambda: b"2") == b"2"
    assert recent.find("a") == b"1"
