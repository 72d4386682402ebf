"""Every board file of a set of records, as text; the caller writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

from mote_bench.analysis.agreement import kept_agreements
from mote_bench.analysis.orders import orders
from mote_bench.analysis.queries import queried
from mote_bench.analysis.recognisers import across
from mote_bench.analysis.strength import Weaker, strengths
from mote_bench.analysis.threat_matrix import ThreatMatrix, threat_matrices
from mote_bench.contracts import Record
from mote_bench.records.published import PUBLISHED

from .agreement import agreement_md
from .csv_json import leaderboard_csv, leaderboard_json
from .html import leaderboard_html
from .latex import leaderboard_tex
from .lost import attempted
from .markdown import leaderboard_md
from .matched import matched_md
from .naive_adaptive import naive_adaptive_md
from .orders import orders_md
from .recognisers import recognisers_md
from .results import results_csv
from .strength import Studied, strength_md
from .utility import utility_md

_MOST_OF_STRIP = 150_000


def render(records: Sequence[Record], *, strip: bytes = b"") -> dict[str, str]:
    """File name -> text of every board.

    ``strip`` is a JPEG file of reconstructed pictures, for the page to show.

    Published records are marked on the boards. They are not in results.csv, which holds only this run's measurements.

    The same records give the same bytes in any order; nothing is read or written.

    Raises
    ------
    InputError
        When two different records claim the same cell.
    """
    return rendered(threat_matrices(records), strip=strip)


def rendered(
    made: Sequence[tuple[ThreatMatrix, list[Record]]], *, strip: bytes = b"", weaker: Weaker = MappingProxyType({})
) -> dict[str, str]:
    """File name -> text of every board, from finished matrices and their records; see :func:`render`.

    ``weaker`` holds the records of attacks with fewer shadow subjects, by their number.

    A table beside the board that can't be made is left out, with a warning :class:`~mote_bench.report.lost.Lost`.
    """
    matrices = [matrix for matrix, _ in made]
    with_records = [(matrix.board, records) for matrix, records in made]
    boards = [matrix.board for matrix in matrices]
    agreeing = kept_agreements()
    compared = attempted("'recognisers.md'", lambda: across(with_records, agreeing=agreeing)) or []
    ordered = attempted("'orders.md'", lambda: orders(with_records, agreeing=agreeing)) or []
    studied = [Studied(strengths(board, weaker), queried(board, records)) for board, records in with_records]
    own = [one for _, records in with_records for one in records if PUBLISHED not in one.provenance]
    texts: dict[str, str | None] = {
        "results.csv": results_csv(own),
        "leaderboard.csv": leaderboard_csv(boards),
        "leaderboard.json": leaderboard_json(matrices, ordered, studied),
        "leaderboard.md": leaderboard_md(matrices),
        "naive_adaptive.md": _beside("naive_adaptive.md", lambda: naive_adaptive_md(boards)),
        "utility.md": _beside("utility.md", lambda: utility_md(with_records)),
        "matched.md": _beside("matched.md", lambda: matched_md(boards)),
        "leaderboard.tex": _beside("leaderboard.tex", lambda: leaderboard_tex(matrices)),
        "leaderboard.html": leaderboard_html(made, strip=strip, compared=compared, ordered=ordered, studied=studied),
        "orders.md": orders_md(ordered),
        "strength.md": strength_md(list(zip(boards, studied, strict=True))),
        "agreement.md": _beside("agreement.md", lambda: agreement_md(with_records, agreeing=agreeing)),
        "recognisers.md": recognisers_md(compared),
    }
    return {name: text for name, text in texts.items() if text}


def _beside(name: str, make: Callable[[], str]) -> str | None:
    return attempted(f"'{name}'", make)


def strip(out: Path) -> bytes:
    """The JPEG file of reconstructed pictures beside the boards; empty if it is missing or too large for a page."""
    path = out / "pixels" / "strip.jpg"

    def read() -> bytes:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= _MOST_OF_STRIP else b""

    return attempted(f"'{path}'", read) or b""
