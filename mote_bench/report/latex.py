"""leaderboard.tex: the standings as booktabs tables, for a paper."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from mote_bench.analysis.standings import Board, Cost, Figure, Row, Worst
from mote_bench.analysis.threat_matrix import ThreatCell, ThreatMatrix
from mote_bench.contracts import Measurement
from mote_bench.formatting import label, number

from .columns import ATTACK, BYTES, LATEX, RATE, Column, shown
from .matrix_columns import ALONE, FNMR, MARKED, THREAT, MatrixColumn, marked, matrix_shown, share_span, word, worst_of

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_WIDTH = 14  # letters of a heading's line, about as wide as an interval below its value
_HEAD = """% Made by: python -m mote_bench board. Needs \\usepackage{booktabs}.
% Each number is the result of the strongest attack, with its 95 % confidence interval over subjects.
"""


def leaderboard_tex(matrices: Sequence[ThreatMatrix]) -> str:
    """The threat matrix and a table by question per board; captions name data, protocol and seed."""
    return "\n".join([_HEAD, *(text for one in matrices for text in (_matrix(one), _board(one.board)))])


def escaped(text: str) -> str:
    """The text with LaTeX's special characters escaped."""
    return re.sub(r"[\\~^&%$#_{}]", lambda sign: _ESCAPES[sign.group()], text)


def _matrix(matrix: ThreatMatrix) -> str:
    columns = matrix_shown(matrix, LATEX)
    rows = [
        [_strutted(marked(row)).replace(MARKED, r"$\dagger$"), *(_THREATS[one.form](one.value(row)) for one in columns)]
        for row in matrix.rows
    ]
    titles = ["scheme", *map(_heading, columns)]
    table = tabulate(rows, headers=titles, tablefmt="latex_raw", disable_numparse=True)
    board = matrix.board
    caption = f"What each attacker gets, as a share of the ceiling. {_named(board)}"
    return _table(escaped(caption), str(table))


def _board(board: Board) -> str:
    columns = shown(board, LATEX, RATE, ATTACK, BYTES)
    rows = [_row(row, columns) for row in board.rows]
    # Escaped here, as tabulate would escape the line breaks within a cell as well.
    table = tabulate(rows, headers=["scheme", *map(_title, columns)], tablefmt="latex_raw", disable_numparse=True)
    people = sorted({one.n for row in board.rows for worst in row.questions if (one := worst.headline)})
    many = f", $n = {people[0]}$" + (f"--{people[-1]}" if len(people) > 1 else "") if people else ""
    return _table(f"{escaped(_named(board))}{many}", str(table))


def _named(board: Board) -> str:
    return f"{board.data}, protocol {board.protocol}, seed {board.seed}"


def _table(caption: str, table: str) -> str:
    small = r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"
    return "\n".join([r"\begin{table}", small, rf"\caption{{{caption}.}}", _booktabs(table), r"\end{table}", ""])


def _booktabs(table: str) -> str:
    first, *middle, last = table.split(r"\hline")
    return r"\toprule".join([first, r"\midrule".join(middle)]) + r"\bottomrule" + last


def _title(column: Column) -> str:
    if column.form == BYTES:
        return escaped(column.title)
    arrow = r" $\downarrow$" if column.better == "lower" else r" $\uparrow$"
    if column.form == ATTACK:
        return _stacked(f"{column.title}: {label(column.metric)}", arrow)
    if column.at is None:
        return escaped(column.title) + arrow
    return _stacked(f"{column.title}@{column.at}" if column.at else column.title, arrow)


def _stacked(title: str, arrow: str) -> str:
    """A heading in short lines, so that a table of ten questions fits a page."""
    lines = map(escaped, textwrap.wrap(title, _WIDTH))
    return r"\shortstack[l]{" + r"\\".join(lines) + arrow + "}"


def _row(row: Row, columns: Sequence[Column]) -> list[str]:
    return [_strutted(row.name), *(_CELLS[column.form](column.value(row)) for column in columns)]


def _strutted(name: str) -> str:
    """The name with a rule that keeps rows of two lines apart."""
    return rf"\rule{{0pt}}{{5.6ex}}{escaped(name)}"


def _heading(column: MatrixColumn) -> str:
    return _stacked(column.title, "")


def _threat(cell: ThreatCell) -> str:
    one = cell.worst
    if one is None or one.share is None:
        return rf"\emph{{{escaped(word(cell))}}}"
    ends = share_span(one.share).replace("-", "$-$")
    figure = rf"{one.share.percent}\,\% {{\scriptsize {ends}}}"
    return rf"\shortstack[l]{{{figure}\\{{\scriptsize {escaped(worst_of(cell))}}}}}"


def _fnmr(figure: Figure | None) -> str:
    return r"\emph{no keys}" if figure is None else _figure(figure)


def _bytes(cost: Cost) -> str:
    size = cost.size.measurement
    return f"{size.value:,.0f}" if size else escaped(cost.size.word)


def _figure(figure: Figure) -> str:
    return _interval(figure.measurement) if figure.measurement else rf"\emph{{{escaped(figure.word)}}}"


def _worst(worst: Worst) -> str:
    return _interval(worst.headline) if worst.headline else rf"\emph{{{escaped(worst.word)}}}"


def _interval(one: Measurement) -> str:
    low, high = (number(end).replace("-", "$-$") for end in (one.low, one.high))
    value = number(one.value).replace("-", "$-$")
    return rf"\shortstack[l]{{{value}\\{{\scriptsize[{low}, {high}]}}}}"


_THREATS: Mapping[str, Callable[[Any], str]] = {FNMR: _fnmr, THREAT: _threat, ALONE: _worst}
_CELLS: Mapping[str, Callable[[Any], str]] = {RATE: _figure, ATTACK: _worst, BYTES: _bytes}
