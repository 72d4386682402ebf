"""leaderboard.md: the standings, short, as GitHub renders them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from tabulate import tabulate

from mote_bench.contracts import Measurement

from .readings import Reading, better
from .standings import Board, Cost, Figure, Row, Worst
from .text import label, milliseconds, number, plural, span, times

HOW_TO_READ = (
    "Each number is what the strongest attack of all got out of stolen templates, with its 95 % interval over people; "
    "`cosine` hides nothing (the ceiling) and `noise` holds nothing (the floor). A figure links to its record."
)
_RANKS = (
    "`#` is the rank, one more than the rows that surely leak less, their intervals lying apart; `=`: others have as "
    "many. Controls and schemes that recognise nobody have none. *Unmeasured* means that no attack broke even "
    "`cosine`: that says nothing of privacy."
)


def leaderboard_md(boards: Sequence[Board]) -> str:
    """Per board a table of leaks, what to know before believing a row, and a table of fairness and cost."""
    sections = [part for board in boards for part in _section(board)] or ["No records yet."]
    return "\n\n".join(filter(None, ["# mote-bench leaderboard", HOW_TO_READ, *sections, _addresses(boards)])) + "\n"


def safe(text: str) -> str:
    """Text that renders as itself: no markup, no HTML, no end of a table cell."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#!|~@^$])", r"\\\1", plain)


def _section(board: Board) -> list[str]:
    counts = f"{plural(board.records, 'record')}, {board.failed} failed, {board.unmeasured} unmeasured."
    notes = "\n".join(f"- **{safe(row.name)}**: {safe('; '.join(row.notes))}" for row in board.rows if row.notes)
    title = f"## {safe(board.data)}, protocol {safe(board.protocol)}, seed {board.seed}"
    tables = [_table(_leak_titles(board), map(_leaks, board.rows)), notes, f"{counts} {_RANKS}"]
    return [title, *filter(None, tables), _table(_cost_titles(board), map(_costs, board.rows))]


def _leak_titles(board: Board) -> list[str]:
    titles = [_question_title(board, place, reading) for place, reading in enumerate(board.readings)]
    eer = f"EER{_people(row.eer.measurement for row in board.rows)}"
    return ["scheme", eer, f"FNMR at FMR {board.fmr}".removesuffix(" at FMR "), *titles]


def _question_title(board: Board, place: int, reading: Reading) -> str:
    people = _people(row.questions[place].headline for row in board.rows)
    return f"{safe(reading.question)}: {safe(label(reading.headline))}, {better(reading)} leaks less{people}"


def _leaks(row: Row) -> list[str]:
    return [safe(row.name), _figure(row.eer), _figure(row.fnmr), *map(_worst, row.questions)]


def _cost_titles(board: Board) -> list[str]:
    indexes = [
        f"{safe(name)}: {index}" for name in board.attributes for index in ("GARBE (0 = fair)", "FDR (1 = fair)")
    ]
    return ["scheme", *indexes, "enrolment", "to cosine", "bytes"]


def _costs(row: Row) -> list[str]:
    indexes = [_figure(figure) for fairness in row.fairness for figure in (fairness.garbe, fairness.fdr)]
    return [safe(row.name), *indexes, *_cost(row.cost)]


def _cost(cost: Cost) -> list[str]:
    seconds, size, key = cost.seconds.measurement, cost.size.measurement, cost.key_size.measurement
    ratio = "–" if cost.ratio is None else times(cost.ratio)
    with_key = f" + {key.value:,.0f} key" if key else ""
    return [
        _linked(milliseconds(seconds.value), cost.seconds.record) if seconds else cost.seconds.status,
        ratio,
        f"{_linked(f'{size.value:,.0f}', cost.size.record)}{with_key}" if size else cost.size.status,
    ]


def _figure(figure: Figure) -> str:
    one = figure.measurement
    return f"{_linked(number(one.value), figure.record)} {span(one)}" if one else f"*{figure.status}*"


def _linked(text: str, record: str) -> str:
    """A link whose address stands at the end of the page: a table stays readable as text."""
    return f"[{text}][{_short(record)}]" if record else text


def _short(record: str) -> str:
    return sha256(record.encode()).hexdigest()[:6]


def _addresses(boards: Sequence[Board]) -> str:
    return "\n".join(f"[{_short(record)}]: {record}" for record in sorted(set(_records(boards))))


def _records(boards: Sequence[Board]) -> Iterator[str]:
    for row in (row for board in boards for row in board.rows):
        figures = [row.eer, row.fnmr, row.cost.seconds, row.cost.size]
        figures += [figure for fairness in row.fairness for figure in (fairness.garbe, fairness.fdr)]
        yield from (one.record for one in figures if one.measurement)
        yield from (worst.record for worst in row.questions if worst.headline)


def _worst(worst: Worst) -> str:
    one = worst.headline
    if one is None:
        return f"*{worst.word}*"
    rank = f" #{worst.place}" if worst.place else ""
    by = f", found by {safe(worst.found_by)}" if worst.found_by else ""
    return f"{_linked(number(one.value), worst.record)} {span(one)}{rank}<br>{safe(worst.attack)}{by}"


def _table(titles: list[str], rows: Iterable[list[str]]) -> str:
    text: str = tabulate(list(rows), headers=titles, tablefmt="pipe", disable_numparse=True)
    return text


def _people(shown: Iterable[Measurement | None]) -> str:
    counts = sorted({one.n for one in shown if one})
    return f", n={'–'.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))}" if counts else ""
