"""The standings in a terminal: columns that do not fit are shown in further tables below."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from mote_bench.analysis.standings import BROKEN, NOT_RUN, UNKNOWN, UNSHOWN, Board, Cost, Fairness, Figure, Row, Worst
from mote_bench.analysis.threat_matrix import NO_KEYS, NO_SECRETS, ThreatCell, ThreatMatrix
from mote_bench.contracts import Measurement
from mote_bench.formatting import bits, is_bound, milliseconds, percent, plural, shortened, times
from mote_bench.questions import Property
from mote_bench.questions.installed import described, rules_of

from .columns import ATTACK, BITS, BYTES, ENROLMENT, RATE, TERMINAL, UNFAIR, Column, shown
from .matrix_columns import (
    ALONE,
    FNMR,
    NOISE_ORDER_SAYS,
    THREAT,
    MatrixColumn,
    marked,
    matrix_shown,
    why_marked,
    worse_than_noise,
)

_C = TypeVar("_C", Column, MatrixColumn)
_NAME_WIDTH = 17
_QUESTION_WIDTH = 10
_WIDTHS = {
    RATE: 9,
    ATTACK: _QUESTION_WIDTH,
    UNFAIR: 9,
    BITS: 10,
    ENROLMENT: 9,
    BYTES: 7,
    FNMR: 6,
    THREAT: 6,
    ALONE: 6,
}
_VERDICTS = {BROKEN: "  no recognition", UNSHOWN: "  not shown", UNKNOWN: "  unverified"}
_END_WIDTH = 4
_LEGEND = (
    "Strongest attack per question, with its 95 % confidence interval. cosine: unprotected embedding (ceiling); "
    "noise: random vectors (floor). #3: rank 3, 2 rows leak less (95 % intervals do not overlap); =: shared rank. "
    "↑ higher leaks less, ↓ lower leaks less."
)


_LETTERS = {Property.IRREVERSIBILITY: "i", Property.UNLINKABILITY: "u", Property.ATTRIBUTES: "a"}
_MATRIX = (
    "What each attacker gets, in % of what it gets from the unprotected embedding: the worst of i irreversibility, "
    "u unlinkability, a attribute privacy. –: not run. ?: failed, or not measured. =: no keys, or no system secrets, "
    "to steal."
)


def table(matrices: Sequence[ThreatMatrix]) -> RenderableType:
    """A rich renderable of all boards; it fits the width of the console it is printed on."""
    return _Boards(tuple(matrices))


@dataclass(frozen=True)
class _Boards:
    matrices: tuple[ThreatMatrix, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for matrix in self.matrices:
            board = matrix.board
            yield Text(f"{board.data}, protocol {board.protocol}, seed {board.seed}", style="bold")
            yield from (Text(f"data: {note}") for note in board.data_notes)
            yield from _threats(matrix, options.max_width)
            yield from (Text(f"{marked(row)}: {why_marked(row)}") for row in matrix.rows if why_marked(row))
            yield from (Text(f"{marked(row)}: {worse_than_noise(row)}") for row in matrix.rows if worse_than_noise(row))
            if board.matched:
                yield Text(NOISE_ORDER_SAYS, style="dim")
            yield Text(_MATRIX + "\n", style="dim")
            yield from _tables(board, options.max_width)
            yield from (Text(f"{row.name}: {'; '.join(row.notes)}") for row in board.rows if row.notes)
            counts = f"{plural(board.records, 'record')}, {board.failed} failed, {board.unmeasured} not measured. "
            yield Text(counts + _LEGEND, style="dim")
        if not self.matrices:
            yield Text("No records yet.")


def _threats(matrix: ThreatMatrix, width: int) -> Iterator[Table]:
    """The threat matrix, a line per scheme, in tables that fit the width."""
    for run in _runs(matrix_shown(matrix, TERMINAL), width - _NAME_WIDTH):
        part = _empty([(column.short, _WIDTHS[column.form]) for column in run])
        for row in matrix.rows:
            name = Text(shortened(marked(row), _NAME_WIDTH))
            part.add_row(name, *(_THREATS[column.form](column.value(row)) for column in run))
        yield part


def _tables(board: Board, width: int) -> Iterator[Table]:
    """The columns in tables that fit the width, each with the schemes' names."""
    for run in _runs(shown(board, TERMINAL), width - _NAME_WIDTH):
        part = _empty([(_title(column), _WIDTHS[column.form]) for column in run])
        for row in board.rows:
            part.add_row(_name(row), *(_CELLS[column.form](column.value(row)) for column in run))
        yield part


def _empty(headings: Sequence[tuple[str, int]]) -> Table:
    """A table without rows, of a column of names and of columns with these headings and widths."""
    part = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0))
    part.add_column("scheme", width=_NAME_WIDTH, overflow="ellipsis", no_wrap=True)
    for heading, wide in headings:
        part.add_column(Text(heading), width=wide, justify="right", overflow="ellipsis", no_wrap=True)
    return part


def _runs(columns: Sequence[_C], width: int) -> Iterator[Sequence[_C]]:
    while columns:
        taken, used = 1, _WIDTHS[columns[0].form] + 1
        while taken < len(columns) and used + _WIDTHS[columns[taken].form] + 1 <= width:
            used += _WIDTHS[columns[taken].form] + 1
            taken += 1
        yield columns[:taken]
        columns = columns[taken:]


def _title(column: Column) -> str:
    """A heading of two lines."""
    if column.form == RATE:
        return f"{column.title}\n{f'@{column.at}' if column.at else ''}"
    if column.form != ATTACK:
        title = column.title_in(TERMINAL)
        return title if "\n" in title else f"{title}\n"
    arrow = "↑" if column.better == "higher" else "↓"
    metric = described(column.metric, column.question).short or column.metric.replace("_", " ")
    name = rules_of(column.question).short(column.question)
    return f"{shortened(name, _QUESTION_WIDTH - 2)} {arrow}\n{shortened(metric, _QUESTION_WIDTH)}"


def _threat(cell: ThreatCell) -> Text:
    """``94 a``: the share and the property; or a sign that the legend explains."""
    if cell.worst is None or cell.worst.share is None:
        return Text({NO_KEYS: "=", NO_SECRETS: "=", NOT_RUN: "–"}.get(cell.status, "?"))
    return Text(f"{cell.worst.share.percent} {_LETTERS[cell.worst.threatens]}")


def _fnmr(figure: Figure | None) -> Text:
    if figure is None:
        return Text("=")
    one = figure.measurement
    return Text("?" if one is None else percent(100 * one.value))


def _alone(worst: Worst) -> Text:
    one = worst.headline
    return Text(_short(one.value) if one else {NOT_RUN: "–"}.get(worst.status, "?"))


def _name(row: Row) -> Text:
    under = "  key stolen" if row.key == "stolen" else {"ceiling": "  ceiling", "floor": "  floor"}.get(row.role, "")
    if not row.role and not row.ranked:
        under = _VERDICTS[row.recognition]
    return _lines(shortened(row.scheme, _NAME_WIDTH), shortened(under, _NAME_WIDTH))


def _worst(worst: Worst) -> Text:
    if worst.headline is None:
        return _words(worst.word)
    rank = f"#{worst.place}" if worst.place else ""
    value = _short(worst.headline.value)
    gap = " " if rank and len(value) + len(rank) < _QUESTION_WIDTH else ""
    return _lines(value + gap + rank, _span(worst.headline))


def _figure(figure: Figure) -> Text:
    one = figure.measurement
    return _lines(_short(one.value), _span(one)) if one else _words(figure.word)


def _bits(figure: Figure) -> Text:
    one = figure.measurement
    if one is None:
        return _words(figure.word)
    return _lines(bits(one), "" if is_bound(one) else f"{one.low:.1f}–{one.high:.1f}")


def _unfair(fairness: Sequence[Fairness]) -> Text:
    """The attribute whose groups differ most."""
    known = [(one.garbe.measurement.value, one) for one in fairness if one.garbe.measurement]
    if not known:
        return _words(fairness[0].garbe.word)
    value, most = max(known, key=lambda pair: pair[0])
    return _lines(_short(value), shortened(most.attribute, 9))


def _time(cost: Cost) -> Text:
    seconds = cost.seconds.measurement
    if seconds is None:
        return _words(cost.seconds.word)
    ratio = "–" if cost.ratio is None else times(cost.ratio)
    return _lines(ratio, milliseconds(seconds.value))


def _bytes(cost: Cost) -> Text:
    size, key = cost.size.measurement, cost.key_size.measurement
    if size is None:
        return _words(cost.size.word)
    stored = f"{size.value:,.0f}" if size.value < 1e6 else f"{size.value / 1e6:.1f} MB"
    return _lines(stored, f"+{key.value:,.0f} key" if key else "")


_CELLS: Mapping[str, Callable[[Any], Text]] = {
    RATE: _figure,
    ATTACK: _worst,
    UNFAIR: _unfair,
    BITS: _bits,
    ENROLMENT: _time,
    BYTES: _bytes,
}
_THREATS: Mapping[str, Callable[[Any], Text]] = {FNMR: _fnmr, THREAT: _threat, ALONE: _alone}


def _words(text: str) -> Text:
    """The text in place of a number, in lines that fit a column: ``2 failed, 1 not measured``."""
    lines = [line for part in text.split(", ") for line in textwrap.wrap(part, _QUESTION_WIDTH - 1)]
    return Text("\n".join(lines), style="italic")


def _lines(first: str, second: str) -> Text:
    return Text(f"{first}\n").append(second, style="dim")


def _short(value: float) -> str:
    return f"{value:.3f}"


def _span(one: Measurement) -> str:
    """Nine characters at most: ``.986–.997``, ``-.01–.004``, ``.971–1.00``, ``-1.3–-1.1``."""
    return f"{_end(one.low)}–{_end(one.high)}"


def _end(value: float) -> str:
    """As many decimals as four characters hold, three at most; large numbers as a power of ten: ``2e5``."""
    for decimals in (3, 2, 1, 0):
        text = f"{value:.{decimals}f}"
        text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
        if len(text) <= _END_WIDTH:
            return text
    return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
