"""leaderboard.md: the standings in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from tabulate import tabulate

from mote_bench.analysis.standings import Board, Cost, Figure, Worst
from mote_bench.contracts import Measurement
from mote_bench.formatting import bits, bits_span, label, milliseconds, number, plural, span, times

from .columns import ATTACK, BITS, BYTES, COSTS, INDEX, LEAKS, MARKDOWN, RATE, RATIO, SECONDS, Column, shown

HOW_TO_READ = (
    "Each number is the result of the strongest attack on the scheme, with its 95 % confidence interval over subjects. "
    "`cosine` is the unprotected embedding (ceiling control); `noise` is random vectors (floor control). "
    "A figure links to its record."
)
_RANKS = (
    "Rank 3: 2 rows leak less (95 % intervals do not overlap); `=` marks a shared rank. Controls, and schemes that do "
    "not recognise their subjects, have no rank. *Not measured*: the attacks fail on the ceiling control, so their "
    "failure is no evidence of privacy."
)


def leaderboard_md(boards: Sequence[Board]) -> str:
    """Per board a table of recognition and attacks, notes on its rows, and a table of fairness and cost."""
    sections = [part for board in boards for part in _section(board)] or ["No records yet."]
    return "\n\n".join(filter(None, ["# mote-bench leaderboard", HOW_TO_READ, *sections, _addresses(boards)])) + "\n"


def safe(text: str) -> str:
    """The text with Markdown, HTML and table delimiters escaped."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#!|~@^$])", r"\\\1", plain)


def _section(board: Board) -> list[str]:
    counts = f"{plural(board.records, 'record')}, {board.failed} failed, {board.unmeasured} not measured."
    notes = "\n".join(f"- **{safe(row.name)}**: {safe('; '.join(row.notes))}" for row in board.rows if row.notes)
    title = f"## {safe(board.data)}, protocol {safe(board.protocol)}, seed {board.seed}"
    data = "\n".join(f"- data: {safe(note)}" for note in board.data_notes)
    leaks, costs = (_table(board, shown(board, MARKDOWN, *forms)) for forms in (LEAKS, COSTS))
    return [title, *filter(None, [data, leaks, notes, f"{counts} {_RANKS}"]), costs]


def _title(board: Board, column: Column) -> str:
    if column.form == INDEX:
        return f"{safe(column.group)}: {column.title} ({column.note})"
    if column.form == BITS:
        return f"{column.title} ({column.note}, FMR {column.at})"
    if column.form not in LEAKS:
        return column.title
    people = "" if column.at is not None else _people(column.measurement(row) for row in board.rows)
    if column.form == ATTACK:
        return f"{safe(column.title)}: {safe(label(column.metric))}, {column.better} leaks less{people}"
    return f"{column.title}{f' at FMR {column.at}' if column.at else ''}{people}"


def _seconds(cost: Cost) -> str:
    one = cost.seconds.measurement
    return _linked(milliseconds(one.value), cost.seconds.record) if one else cost.seconds.word


def _ratio(cost: Cost) -> str:
    return "–" if cost.ratio is None else times(cost.ratio)


def _bytes(cost: Cost) -> str:
    size, key = cost.size.measurement, cost.key_size.measurement
    with_key = f" + {key.value:,.0f} key" if key else ""
    return f"{_linked(f'{size.value:,.0f}', cost.size.record)}{with_key}" if size else cost.size.word


def _figure(figure: Figure) -> str:
    one = figure.measurement
    return f"{_linked(number(one.value), figure.record)} {span(one)}" if one else f"*{figure.word}*"


def _bits(figure: Figure) -> str:
    one = figure.measurement
    return f"{_linked(bits(one), figure.record)} {bits_span(one)}".rstrip() if one else f"*{figure.word}*"


def _linked(text: str, record: str) -> str:
    """A reference link; the addresses are at the end of the page, so tables stay readable as text."""
    return f"[{text}][{_short(record)}]" if record else text


def _short(record: str) -> str:
    return sha256(record.encode()).hexdigest()[:6]


def _addresses(boards: Sequence[Board]) -> str:
    return "\n".join(f"[{_short(record)}]: {record}" for record in sorted(set(_records(boards))))


def _records(boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        linked = shown(board, MARKDOWN, RATE, ATTACK, INDEX, BITS)
        for row in board.rows:
            yield from (column.value(row).record for column in linked if column.measurement(row))
            yield from (one.record for one in (row.cost.seconds, row.cost.size) if one.measurement)


def _worst(worst: Worst) -> str:
    one = worst.headline
    if one is None:
        return f"*{worst.word}*"
    rank = f" (rank {worst.place})" if worst.place else ""
    by = f", found by {safe(worst.found_by)}" if worst.found_by else ""
    return f"{_linked(number(one.value), worst.record)} {span(one)}{rank}<br>{safe(worst.attack)}{by}"


_CELLS: Mapping[str, Callable[[Any], str]] = {
    RATE: _figure,
    ATTACK: _worst,
    INDEX: _figure,
    BITS: _bits,
    SECONDS: _seconds,
    RATIO: _ratio,
    BYTES: _bytes,
}


def _table(board: Board, columns: Sequence[Column]) -> str:
    titles = ["scheme", *(_title(board, column) for column in columns)]
    rows = [[safe(row.name), *(_CELLS[column.form](column.value(row)) for column in columns)] for row in board.rows]
    text: str = tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True)
    return text


def _people(shown: Iterable[Measurement | None]) -> str:
    counts = sorted({one.n for one in shown if one})
    return f", n={'–'.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))}" if counts else ""
