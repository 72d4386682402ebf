"""All boards of a set of records, as text for the caller to write."""

from __future__ import annotations

from collections.abc import Sequence

from mote_bench.contracts import Record

from .agreement import agreement_md
from .html import leaderboard_html
from .latex import leaderboard_tex
from .markdown import leaderboard_md
from .naive_adaptive import naive_adaptive_md
from .readings import ordered
from .results import results_csv
from .standings import standings
from .tables import leaderboard_csv, leaderboard_json
from .utility import utility_md


def render(records: Sequence[Record]) -> dict[str, str]:
    """File name -> text of every board.

    The same records give the same bytes, in whatever order they come; nothing is read or written.

    Raises
    ------
    InputError
        When two different records claim the same cell.
    """
    tidy = ordered(records)
    with_records = standings(tidy)
    boards = [board for board, _ in with_records]
    alike = agreement_md(with_records)
    return {
        "results.csv": results_csv(tidy),
        "leaderboard.csv": leaderboard_csv(boards),
        "leaderboard.json": leaderboard_json(boards),
        "leaderboard.md": leaderboard_md(boards),
        "naive_adaptive.md": naive_adaptive_md(boards),
        "utility.md": utility_md(with_records),
        "leaderboard.tex": leaderboard_tex(boards),
        "leaderboard.html": leaderboard_html(with_records),
        **({"agreement.md": alike} if alike else {}),
    }
