"""The published boards say what the published records say, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from mote_bench import bundle, store
from mote_bench.report.boards import render

BOARDS = Path(__file__).resolve().parents[2] / "leaderboards"


@pytest.mark.slow
def test_the_boards_are_those_of_the_records() -> None:
    own = store.read(BOARDS)
    made = render(own + bundle.submitted(BOARDS, own), strip=store.strip(BOARDS))
    changed = [name for name, text in made.items() if (BOARDS / name).read_text(encoding="utf-8") != text]
    assert changed == [], "run: python -m mote_bench board"
    assert len(made["leaderboard.html"].encode()) < 1_000_000
