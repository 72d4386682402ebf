"""agreement.md: whether two populations rank schemes the same, per question, under the strongest attack.

    python -m mote_bench board --out FOLDER
    python -m mote_bench study agreement FOLDER [FOLDER]

The first writes agreement.md where a folder holds boards of two data sets, such as the built-in population and
photographs of real people; the second prints it, of one folder or of two with a board each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

from tabulate import tabulate

from mote_bench.analysis.agreement import ENOUGH, Agreement, Pair, agreements
from mote_bench.analysis.orders import Agreeing
from mote_bench.analysis.recognisers import groups
from mote_bench.analysis.standings import Board
from mote_bench.formatting import with_interval


def agreement_md(boards: Sequence[Pair], *, agreeing: Agreeing = agreements) -> str:
    """The agreements of every two boards of one protocol and seed as Markdown; empty where there are none."""
    parts = []
    same = [{id(board) for board, _ in group.values()} for group in groups(boards)]
    for first, second in combinations(boards, 2):
        if any({id(first[0]), id(second[0])} <= group for group in same):
            continue  # the same people by two recognisers: recognisers.md
        if (first[0].protocol, first[0].seed) == (second[0].protocol, second[0].seed):
            made = agreeing(first, second)
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
                "none" if math.isnan(one.told) else f"{one.told:.3f}",
                f"{one.alike} of {one.apart}",
            )
            for one in made
        ],
        headers=(
            "question",
            "metric",
            "rows",
            "Spearman's rank correlation",
            f"{ENOUGH} or higher",
            *(f"{board.data} resampled" for board in (first, second)),
            "distinguishable rows only",
            "distinguishable pairs in the same order",
        ),
        tablefmt="pipe",
        disable_numparse=True,
    )
    names = list(dict.fromkeys(name for one in made for name in one.rows))
    body = [(name, *(cell for one in made for cell in _cells(one, name))) for name in names]
    titles = ["row", *(f"{one.question}, {board.data}" for one in made for board in (first, second))]
    return (
        f"# Do {first.data} and {second.data} rank schemes the same?\n\nProtocol {first.protocol}. Each row shows its "
        "strongest attack, chosen on the selection subjects. Controls, and schemes that do not recognise their "
        "subjects, are left out. Brackets hold 95 % confidence intervals over subjects; those of rank correlations "
        "are conservative. Rows that leak equally are ordered by chance, which lowers a rank correlation. "
        "*Resampled* is the mean rank correlation of two resamples of one population. It is about the highest value "
        "that two populations can reach. *Distinguishable rows only*: a row's rank counts only the rows that leak "
        "significantly less. The last column counts the pairs of rows that both populations distinguish.\n\n"
        f"{head}\n\n{tabulate(body, headers=titles, tablefmt='pipe', disable_numparse=True)}\n"
    )


def _cells(one: Agreement, name: str) -> list[str]:
    return [with_interval(m) for m in one.rows[name]] if name in one.rows else ["", ""]
