"""agreement.md: whether two populations rank schemes alike, question by question, under the strongest attack.

    python -m mote_bench board --out FOLDER
    python -m mote_bench.report.agreement FOLDER [FOLDER]

The first writes agreement.md where a folder holds boards of two data sets, such as the built-in population and
photographs of real people; the second prints it, of one folder or of two with a board each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from tabulate import tabulate

from mote_bench import store
from mote_bench.analysis.agreement import ENOUGH, FEWEST, Agreement, Pair, agreements
from mote_bench.analysis.standings import Board, standings
from mote_bench.contracts import InputError
from mote_bench.formatting import number, span


def agreement_md(boards: Sequence[Pair]) -> str:
    """The agreements of every two boards of one protocol and seed as Markdown; empty where there are none."""
    parts = []
    for first, second in combinations(boards, 2):
        if (first[0].protocol, first[0].seed) == (second[0].protocol, second[0].seed):
            made = agreements(first, second)
            if made:
                parts.append(render(first[0], second[0], made))
    return "\n".join(parts)


def render(first: Board, second: Board, made: Sequence[Agreement]) -> str:
    """The agreements as Markdown: the rank correlations, then every row's values."""
    head = tabulate(
        [
            (
                one.question,
                one.metric,
                len(one.rows),
                f"{one.spearman:.3f} [{one.low:.3f}, {one.high:.3f}]",
                one.verdict,
                *(f"{value:.3f}" for value in one.itself),
                "none told apart" if math.isnan(one.told) else f"{one.told:.3f}",
                f"{one.alike} of {one.apart}",
            )
            for one in made
        ],
        headers=(
            "question",
            "metric",
            "rows",
            "Spearman's rank correlation",
            f"at least {ENOUGH}",
            *(f"{board.data} with itself" for board in (first, second)),
            "of what is told apart",
            "pairs told apart on both that come in one order",
        ),
        tablefmt="pipe",
        disable_numparse=True,
    )
    names = list(dict.fromkeys(name for one in made for name in one.rows))
    body = [(name, *(cell for one in made for cell in _cells(one, name))) for name in names]
    titles = ["row", *(f"{one.question}, {board.data}" for one in made for board in (first, second))]
    return (
        f"# Do {first.data} and {second.data} rank schemes alike?\n\nProtocol {first.protocol}; the strongest attack "
        "on each row, chosen on rehearsal people; rows that recognise their owners, without the controls; 95 % "
        "intervals over people, those of rank correlations rather wide. Of rows that leak alike the order is "
        "chance, and so is their rank correlation: *with itself* is the mean correlation of one population with "
        "other people drawn from it, above which two populations can't be asked to agree; *of what is told apart* "
        "is the correlation where a row's rank counts the rows surely below it; the last column counts only pairs "
        "of rows that both tell apart.\n\n"
        f"{head}\n\n{tabulate(body, headers=titles, tablefmt='pipe', disable_numparse=True)}\n"
    )


def _cells(one: Agreement, name: str) -> list[str]:
    return [f"{number(m.value)} {span(m)}" for m in one.rows[name]] if name in one.rows else ["", ""]


def board(folder: Path) -> Pair:
    """The one board of a folder, with its records.

    Raises
    ------
    InputError
        When the folder holds the records of no run, or of several.
    """
    found = standings(store.read(folder))
    if len(found) != 1:
        raise InputError(f"'{folder}' holds {len(found)} boards ({_told(found)}); expected one")
    return found[0]


def _told(found: Iterable[Pair]) -> str:
    return "; ".join(f"{one.protocol} on {one.data}" for one, _ in found) or "none"


def _printed(folders: Sequence[Path]) -> str:
    if len(folders) == 2:
        first, second = map(board, folders)
        return render(first[0], second[0], agreements(first, second))
    found = standings(store.read(folders[0]))
    text = agreement_md(found)
    if not text:
        raise InputError(
            f"'{folders[0]}' holds {len(found)} boards ({_told(found)}); expected two of one protocol and seed, with "
            f"{FEWEST} schemes or more in common that recognise their owners"
        )
    return text


def main() -> None:
    """Compare the boards of a folder, or of two, and print."""
    if len(sys.argv) not in (2, 3):
        sys.exit("expected one or two folders: python -m mote_bench.report.agreement FOLDER [FOLDER]")
    try:
        print(_printed([Path(folder) for folder in sys.argv[1:]]), end="")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
