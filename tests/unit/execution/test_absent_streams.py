"""A program without standard streams, such as under pythonw, can start workers and stays without them afterwards."""

from __future__ import annotations

import sys

import pytest

from mote_bench.execution import absent_streams


def test_streams_are_there_for_as_long_as_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    theirs = sys.stderr
    with absent_streams.present():
        print("nowhere", flush=True)
        sys.stdout.flush()
        assert sys.stderr is theirs
    assert sys.stdout is None
    assert sys.stderr is theirs


def test_they_are_taken_away_after_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(ZeroDivisionError), absent_streams.present():
        sys.stderr.write("0" * (1 // 0))
    assert sys.stderr is None


def test_streams_that_are_there_stay() -> None:
    before = sys.stdout, sys.stderr
    with absent_streams.present():
        assert (sys.stdout, sys.stderr) == before
