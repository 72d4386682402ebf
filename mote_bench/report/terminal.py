"""The standings in a terminal: as many columns as fit, the rest in further tables below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from mote_bench.contracts import Measurement, Record
from mote_bench.questions.installed import rules_of

from .readings import better
from .standings import BROKEN, UNKNOWN, UNSHOWN, Board, Figure, Row, Worst, standings
from .text import milliseconds, plural, shortened, times

_NAME_WIDTH = 17
_QUESTION_WIDTH = 10
_VERDICTS = {BROKEN: "  broken", UNSHOWN: "  unproven", UNKNOWN: "  unverified"}
_LEGEND = (
    "Strongest attack per question, 95 % interval below it. cosine hides nothing, noise holds nothing. "
    "#3: two rows surely leak less, their intervals lie apart; =: others have as many. "
    "↑ higher leaks less, ↓ lower leaks less."
)


def table(records: Sequence[Record]) -> RenderableType:
    """A rich renderable of all boards; it fits the width of the console it is printed on.

    Raises
    ------
    InputError
        When two different records claim the same cell.
    """
    return _Boards(tuple(board for board, _ in standings(records)))


@dataclass(frozen=True)
class _Boards:
    boards: tuple[Board, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for board in self.boards:
            yield Text(f"{board.data}, protocol {board.protocol}, seed {board.seed}", style="bold")
            yield from _tables(board, options.max_width)
            yield from (Text(f"{row.name}: {'; '.join(row.notes)}") for row in board.rows if row.notes)
            counts = f"{plural(board.records, 'record')}, {board.failed} failed, {board.unmeasured} unmeasured. "
            yield Text(counts + _LEGEND, style="dim")
        if not self.boards:
            yield Text("No records yet.")


@dataclass(frozen=True)
class _Column:
    title: str
    width: int
    cells: list[Text]


def _tables(board: Board, width: int) -> Iterator[Table]:
    """The columns in runs that fit, each run behind the schemes' names."""
    for run in _runs(list(_columns(board)), width - _NAME_WIDTH):
        part = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0))
        part.add_column("scheme", width=_NAME_WIDTH, overflow="ellipsis", no_wrap=True)
        for column in run:
            title = Text(column.title)
            part.add_column(title, width=column.width, justify="right", overflow="ellipsis", no_wrap=True)
        for place, row in enumerate(board.rows):
            part.add_row(_name(row), *(column.cells[place] for column in run))
        yield part


def _runs(columns: list[_Column], width: int) -> Iterator[list[_Column]]:
    while columns:
        taken, used = 1, columns[0].width + 1
        while taken < len(columns) and used + columns[taken].width + 1 <= width:
            used += columns[taken].width + 1
            taken += 1
        yield columns[:taken]
        columns = columns[taken:]


def _columns(board: Board) -> Iterator[_Column]:
    rows = board.rows
    yield _Column("EER\n", 9, [_figure(row.eer) for row in rows])
    yield _Column(f"FNMR\n@{board.fmr}".removesuffix("@"), 9, [_figure(row.fnmr) for row in rows])
    for place, reading in enumerate(board.readings):
        arrow = "↑" if better(reading) == "higher" else "↓"
        metric = {"balanced_accuracy": "bal. acc.", "eer": "EER"}.get(reading.headline, "gain")
        name = rules_of(reading.question).short(reading.question)
        title = f"{shortened(name, _QUESTION_WIDTH - 2)} {arrow}\n{metric}"
        yield _Column(title, _QUESTION_WIDTH, [_worst(row.questions[place]) for row in rows])
    if board.attributes:
        yield _Column("unfair:\nGARBE", 9, [_unfair(row) for row in rows])
    yield _Column("enrol\nto cosine", 9, [_time(row) for row in rows])
    yield _Column("bytes\n", 7, [_bytes(row) for row in rows])


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
    return _lines(_short(one.value), _span(one)) if one else _words(figure.status)


def _unfair(row: Row) -> Text:
    """The attribute whose groups differ most."""
    known = [(one.garbe.measurement.value, one) for one in row.fairness if one.garbe.measurement]
    if not known:
        return _words(row.fairness[0].garbe.status)
    value, most = max(known, key=lambda pair: pair[0])
    return _lines(_short(value), shortened(most.attribute, 9))


def _time(row: Row) -> Text:
    seconds = row.cost.seconds.measurement
    if seconds is None:
        return _words(row.cost.seconds.status)
    ratio = "–" if row.cost.ratio is None else times(row.cost.ratio)
    return _lines(ratio, milliseconds(seconds.value))


def _bytes(row: Row) -> Text:
    size, key = row.cost.size.measurement, row.cost.key_size.measurement
    if size is None:
        return _words(row.cost.size.status)
    stored = f"{size.value:,.0f}" if size.value < 1e6 else f"{size.value / 1e6:.1f} MB"
    return _lines(stored, f"+{key.value:,.0f} key" if key else "")


def _words(text: str) -> Text:
    """What stands in place of a number, on two lines where it must: ``2 failed``, ``unmeasured``, ``not measured``."""
    parts = text.split(", ") if "," in text else text.split(" ") if len(text) > 9 else [text]
    return Text("\n".join(part for part in parts if not part.isdigit()), style="italic")


def _lines(first: str, second: str) -> Text:
    return Text(f"{first}\n").append(second, style="dim")


def _short(value: float) -> str:
    return f"{value:.3f}"


def _span(one: Measurement) -> str:
    """Nine characters at most: ``.986–.997``, ``-.01–.004``, ``.971–1.00``."""
    return f"{_end(one.low)}–{_end(one.high)}"


def _end(value: float) -> str:
    decimals = 2 if value < 0 or value >= 0.9995 else 3
    text = f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text
