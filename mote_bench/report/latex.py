"""leaderboard.tex: the standings as booktabs tables, for a paper."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from mote_bench.contracts import Measurement

from .readings import better
from .standings import Board, Figure, Row, Worst
from .text import label, number

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_WIDTH = 14  # letters of a heading's line, about as wide as an interval below its value
_HEAD = """% Made by: python -m mote_bench board. Needs \\usepackage{booktabs}.
% Each number is what the strongest attack got out of stolen templates, with its 95 % interval over people.
"""


def leaderboard_tex(boards: Sequence[Board]) -> str:
    """A table per board; the caption names data, protocol, seed and people."""
    return "\n".join([_HEAD, *map(_board, boards)])


def escaped(text: str) -> str:
    """Text that LaTeX sets as itself."""
    return re.sub(r"[\\~^&%$#_{}]", lambda sign: _ESCAPES[sign.group()], text)


def _board(board: Board) -> str:
    rows = [_row(row) for row in board.rows]
    # Escaped here, as tabulate would escape the line breaks within a cell as well.
    table = tabulate(rows, headers=_titles(board), tablefmt="latex_raw", disable_numparse=True)
    ruled = _booktabs(str(table))
    people = sorted({one.n for row in board.rows for worst in row.questions if (one := worst.headline)})
    many = f", $n = {people[0]}$" + (f"--{people[-1]}" if len(people) > 1 else "") if people else ""
    caption = f"{board.data}, protocol {board.protocol}, seed {board.seed}"
    small = r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"
    return "\n".join([r"\begin{table}", small, rf"\caption{{{escaped(caption)}{many}.}}", ruled,
                      r"\end{table}", ""])  # fmt: skip


def _booktabs(table: str) -> str:
    first, *middle, last = table.split(r"\hline")
    return r"\toprule".join([first, r"\midrule".join(middle)]) + r"\bottomrule" + last


def _titles(board: Board) -> list[str]:
    fnmr = f"FNMR@{board.fmr}" if board.fmr else "FNMR"
    asked = (f"{reading.question}: {label(reading.headline)}" for reading in board.readings)
    arrows = (r" $\downarrow$" if better(reading) == "lower" else r" $\uparrow$" for reading in board.readings)
    questions = [_stacked(title, arrow) for title, arrow in zip(asked, arrows, strict=True)]
    return ["scheme", r"EER $\downarrow$", _stacked(fnmr, r" $\downarrow$"), *questions, "bytes"]


def _stacked(title: str, arrow: str) -> str:
    """A heading in short lines: a table of ten questions must fit a page."""
    lines = map(escaped, textwrap.wrap(title, _WIDTH))
    return r"\shortstack[l]{" + r"\\".join(lines) + arrow + "}"


def _row(row: Row) -> list[str]:
    size = row.cost.size.measurement
    bytes_ = f"{size.value:,.0f}" if size else escaped(row.cost.size.status)
    # The rule keeps rows of two lines apart.
    return [
        rf"\rule{{0pt}}{{5.6ex}}{escaped(row.name)}",
        _figure(row.eer),
        _figure(row.fnmr),
        *map(_worst, row.questions),
        bytes_,
    ]


def _figure(figure: Figure) -> str:
    return _interval(figure.measurement) if figure.measurement else rf"\emph{{{escaped(figure.status)}}}"


def _worst(worst: Worst) -> str:
    return _interval(worst.headline) if worst.headline else rf"\emph{{{escaped(worst.word)}}}"


def _interval(one: Measurement) -> str:
    low, high = (number(end).replace("-", "$-$") for end in (one.low, one.high))
    value = number(one.value).replace("-", "$-$")
    return rf"\shortstack[l]{{{value}\\{{\scriptsize[{low}, {high}]}}}}"
