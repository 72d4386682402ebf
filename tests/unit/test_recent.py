"""What is kept of what was worked out: never more than was allowed, and always the value of its key."""

from __future__ import annotations

import copy
import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from mote_bench.toolkit import Recent


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20)), max_size=60), st.integers(0, 80))
def test_values_are_those_of_their_keys_and_stay_within_the_bytes(asked: list[tuple[int, int]], most: int) -> None:
    recent, made = Recent[bytes](most, len), 0

    def make(name: int, size: int) -> bytes:
        nonlocal made
        made += 1
        return bytes([name]) * size

    for key in asked:
        before, there = made, recent.find(key) is not None
        assert recent.get(key, lambda key=key: make(*key)) == bytes([key[0]]) * key[1]
        assert (made == before) == there
        assert (recent.find(key) is not None) == (key[1] <= most)  # a larger one drives nothing out
        assert recent.bytes == sum(map(len, recent._kept.values())) <= most
        assert sorted(recent._keys) == sorted(recent._kept)


def test_what_fits_is_made_once() -> None:
    recent, made = Recent[bytes](4, len), []
    for key in "abcabdad":
        recent.get(key, lambda key=key: (made.append(key), key.encode())[1])
    assert made == list("abcd")


def test_all_in_turn_are_found_in_part_where_not_all_fit() -> None:
    """Half of 40 keys fit: in turn, the least recently used one would never be found."""
    recent, made = Recent[bytes](20, len), []
    for _ in range(30):
        for key in range(40):
            recent.get(key, lambda key=key: (made.append(key), b"x")[1])
    assert len(made) < 0.85 * 30 * 40


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
