"""The sets of people are shown in the field's words, whatever their streams are named after."""

from __future__ import annotations

import pytest

from mote_bench.engine import enrolment


@pytest.mark.parametrize(
    ("people", "words"),
    [
        ("target", "target subjects"),
        ("rehearsal", "selection subjects"),
        ("rehearsal-second", "selection subjects a second time"),
        ("calibration", "calibration subjects"),
        ("renewed-2", "target subjects for renewal"),
    ],
)
def test_sets_in_words(people: str, words: str) -> None:
    assert enrolment.in_words(people) == words
