"""Inputs that fuzzing kept, read again: what broke a parser once can't break it twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing import parsers

SOUND = parsers.sound()


@pytest.mark.parametrize("number", range(len(SOUND)))
def test_what_is_sound_is_read_or_refused(number):
    parsers.read(SOUND[number])


def test_the_corpus():
    kept = sorted(parsers.CORPUS.iterdir())
    assert len(kept) >= len(SOUND)
    for path in kept:
        parsers.read(path.read_bytes())


@given(number=st.integers(0, len(SOUND) - 1), at=st.integers(0, 2000), put=st.binary(max_size=8), cut=st.integers(0, 8))
@settings(max_examples=150, deadline=None)
def test_a_change_anywhere(number, at, put, cut):
    whole = SOUND[number]
    at = 1 + at % (len(whole) - 1)
    parsers.read(whole[:at] + put + whole[at + cut :])
