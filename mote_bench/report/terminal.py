"""The standings in a terminal: columns that do not fit are shown in further tables below."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from mote_bench.analysis.standings import BROKEN, UNKNOWN, UNSHOWN, Board, Cost, Fairness, Figure, Row, Worst
from mote_bench.contracts import Measurement
from mote_bench.formatting import bits, is_bound, milliseconds, plural, shortened, times
from mote_bench.questions.installed import described, rules_of

from .columns import ATTACK, BITS, BYTES, ENROLMENT, RATE, TERMINAL, UNFAIR, Column, shown

_NAME_WIDTH = 17
_QUESTION_WIDTH = 10
_WIDTHS = {RATE: 9, ATTACK: _QUESTION_WIDTH, UNFAIR: 9, BITS: 9, ENROLMENT: 9, BYTES: 7}
_VERDICTS = {BROKEN: "  no recognition", UNSHOWN: "  not shown", UNKNOWN: "  unverified"}
_END_WIDTH = 4
_LEGEND = (
    "Strongest attack per question, with its 95 % confidence interval. cosine: unprotected embedding (ceiling); "
    "noise: random vectors (floor). #3: rank 3, 2 rows leak less (95 % intervals do not overlap); =: shared rank. "
    "↑ higher leaks less, ↓ lower leaks less."
)


def table(boards: Sequence[Board]) -> RenderableType:
    """A rich renderable of all boards; it fits the width of the console it is printed on."""
    return _Boards(tuple(boards))


@dataclass(frozen=True)
class _Boards:
    boards: tuple[Board, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for board in self.boards:
            yield Text(f"{board.data}, protocol {board.protocol}, seed {board.seed}", style="bold")
            yield from (Text(f"data: {note}") for note in board.data_notes)
            yield from _tables(board, options.max_width)
            yield from (Text(f"{row.name}: {'; '.join(row.notes)}") for row in board.rows if row.notes)
            counts = f"{plural(board.records, 'record')}, {board.failed} failed, {board.unmeasured} not measured. "
            yield Text(counts + _LEGEND, style="dim")
        if not self.boards:
            yield Text("No records yet.")


def _tables(board: Board, width: int) -> Iterator[Table]:
    """The columns in tables that fit the width, each with the schemes' names."""
    for run in _runs(shown(board, TERMINAL), width - _NAME_WIDTH):
        part = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0))
        part.add_column("scheme", width=_NAME_WIDTH, overflow="ellipsis", no_wrap=True)
        for column in run:
            wide = _WIDTHS[column.form]
            part.add_column(Text(_title(column)), width=wide, justify="right", overflow="ellipsis", no_wrap=True)
        for row in board.rows:
            part.add_row(_name(row), *(_CELLS[column.form](column.value(row)) for column in run))
        yield part


def _runs(columns: Sequence[Column], width: int) -> Iterator[Sequence[Column]]:
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
