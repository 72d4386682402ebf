"""Whether two populations rank schemes alike, question by question, under the strongest attack.

    python -m mote_bench.report.agreement FOLDER FOLDER > agreement.md

Each folder holds the records of one run, such as one on the built-in population and one on photographs of real people.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import spearmanr
from tabulate import tabulate

from mote_bench import store
from mote_bench.contracts import InputError, Measurement
from mote_bench.report.standings import Board, standings
from mote_bench.report.text import number, span

_FEWEST = 5


@dataclass(frozen=True, eq=False)
class Agreement:
    """One question: what the strongest attack took from each row, on both populations.

    Attributes
    ----------
    rows : mapping of row name -> (Measurement, Measurement)
        Rows that recognise their owners and were measured on both; controls are left out: that ``cosine`` and
        ``noise`` stand at the ends would be no finding.
    spearman : float
        Rank correlation of the values.
    """

    question: str
    metric: str
    rows: Mapping[str, tuple[Measurement, Measurement]]
    spearman: float


def agreements(first: Board, second: Board) -> list[Agreement]:
    """An agreement for each question that both boards measure on five rows or more."""
    made = []
    theirs = {row.name: row for row in second.rows if row.ranked}
    for reading in first.readings:
        rows = {}
        for row in first.rows:
            other = theirs.get(row.name)
            if not row.ranked or other is None:
                continue
            pair = [
                worst.headline for one in (row, other) for worst in one.questions if worst.question == reading.question
            ]
            if len(pair) == 2 and pair[0] is not None and pair[1] is not None:
                rows[row.name] = (pair[0], pair[1])
        if len(rows) >= _FEWEST:
            values = [[one.value for one in pair] for pair in rows.values()]
            metric = next(iter(rows.values()))[0].metric
            made.append(Agreement(reading.question, metric, rows, float(spearmanr(values).statistic)))
    return made


def render(first: Board, second: Board, made: Sequence[Agreement]) -> str:
    """The agreements as Markdown: the rank correlations, then every row's values."""
    head = tabulate(
        [(one.question, one.metric, len(one.rows), f"{one.spearman:.3f}") for one in made],
        headers=("question", "metric", "rows", "Spearman's rank correlation"),
        tablefmt="pipe",
        disable_numparse=True,
    )
    names = list(dict.fromkeys(name for one in made for name in one.rows))
    body = [(name, *(cell for one in made for cell in _cells(one, name))) for name in names]
    titles = ["row", *(f"{one.question}, {board.data}" for one in made for board in (first, second))]
    return (
        f"# Do {first.data} and {second.data} rank schemes alike?\n\nProtocol {first.protocol}; the strongest attack "
        "on each row, chosen on rehearsal people; 95 % intervals over people.\n\n"
        f"{head}\n\n{tabulate(body, headers=titles, tablefmt='pipe', disable_numparse=True)}\n"
    )


def _cells(one: Agreement, name: str) -> list[str]:
    return [f"{number(m.value)} {span(m)}" for m in one.rows[name]] if name in one.rows else ["", ""]


def board(folder: Path) -> Board:
    """The one board of a folder.

    Raises
    ------
    InputError
        When the folder holds the records of no run, or of several.
    """
    found = standings(store.read(folder))
    if len(found) != 1:
        told = "; ".join(f"{one.protocol} on {one.data}" for one, _ in found) or "none"
        raise InputError(f"'{folder}' holds {len(found)} boards ({told}); expected one")
    return found[0][0]


def main() -> None:
    """Compare two folders and print."""
    if len(sys.argv) != 3:
        sys.exit("expected two folders: python -m mote_bench.report.agreement FOLDER FOLDER")
    try:
        first, second = (board(Path(folder)) for folder in sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
    print(render(first, second, agreements(first, second)), end="")


if __name__ == "__main__":
    main()
