"""The published boards say what the published records say, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.records import bundle, store
from mote_bench.records.fewer_shadow import read_with_fewer
from mote_bench.report.boards import rendered, strip

BOARDS = Path(__file__).resolve().parents[2] / "leaderboards"


def test_every_link_of_a_board_leads_to_a_record() -> None:
    """The file is there, and a line in it begins with the id after ``#``."""
    (_, *addresses) = (BOARDS / "leaderboard.md").read_text(encoding="utf-8").split("]: records/")
    links = {line.split("\n")[0] for line in addresses}
    files = {link.partition("#")[0] for link in links}
    found = {
        f"{file}#{line[8:16]}"
        for file in files
        for line in (BOARDS / "records" / file).read_text(encoding="utf-8").split("\n")
    }
    assert len(links) > 400
    assert links <= found


def test_there_are_few_files() -> None:
    assert sum(path.is_file() for path in BOARDS.rglob("*")) < 200


@pytest.mark.slow(minutes=1)
def test_the_boards_are_those_of_the_records() -> None:
    own = store.read(BOARDS)
    matrices = threat_matrices(own + bundle.submitted(BOARDS, own))
    made = rendered(matrices, strip=strip(BOARDS), weaker=read_with_fewer(BOARDS))
    changed = [name for name, text in made.items() if (BOARDS / name).read_text(encoding="utf-8") != text]
    assert changed == [], "run: python -m mote_bench board --out leaderboards"
    assert len(made["leaderboard.html"].encode()) < 2_000_000  # room for forty schemes by three recognisers
