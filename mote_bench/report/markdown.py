"""leaderboard.md: the standings in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from tabulate import tabulate

from mote_bench.analysis.matched_utility import AgainstNoise
from mote_bench.analysis.standings import Board, Cost, Figure, Worst
from mote_bench.analysis.threat_matrix import MatrixRow, ThreatCell, ThreatMatrix
from mote_bench.contracts import Measurement
from mote_bench.formatting import bits, bits_span, label, milliseconds, number, plural, span, times

from .columns import (
    ATTACK,
    BITS,
    BYTES,
    COSTS,
    INDEX,
    LEAKS,
    MARKDOWN,
    POINT,
    RATE,
    RATIO,
    RESOLVES,
    SECONDS,
    Column,
    shown,
)
from .exposure import HEADS, OF_SUBJECTS, POINTS_SAY, exposed_cells
from .matrix_columns import (
    ALONE,
    COLUMNS_SAY,
    FNMR,
    MATRIX,
    NOISE,
    NOISE_ORDER_SAYS,
    ORDER_SAYS,
    MatrixColumn,
    marked,
    matrix_shown,
    noise_words,
    seen,
    share_span,
    why_marked,
    word,
    worst_of,
)

HOW_TO_READ = (
    "Each number is the result of the strongest attack on the scheme, with its 95 % confidence interval over subjects. "
    "`cosine` is the unprotected embedding (ceiling control); `noise` is random vectors (floor control). "
    "A figure links to its record."
)
_RANKS = (
    f"{RESOLVES} "
    "Rank 3: 2 rows leak less (95 % intervals do not overlap); `=` marks a shared rank. Controls, and schemes that do "
    "not recognise their subjects, have no rank. *Not measured*: the attacks fail on the ceiling control, so their "
    "failure is no evidence of privacy."
)


def pipe_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in GitHub's Markdown; numbers stay as they are written."""
    return str(tabulate(rows, headers=list(titles), tablefmt="pipe", disable_numparse=True))


def leaderboard_md(matrices: Sequence[ThreatMatrix]) -> str:
    """Per board the threat matrix, a table of recognition and attacks, notes on its rows, and fairness and cost."""
    sections = [part for matrix in matrices for part in _section(matrix)] or ["No records yet."]
    return "\n\n".join(filter(None, ["# mote-bench leaderboard", HOW_TO_READ, *sections, _addresses(matrices)])) + "\n"


def safe(text: str) -> str:
    """The text with Markdown, HTML and table delimiters escaped."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#!|~@^$])", r"\\\1", plain)


def _section(matrix: ThreatMatrix) -> list[str]:
    board = matrix.board
    counts = f"{plural(board.records, 'record')}, {board.failed} failed, {board.unmeasured} not measured."
    notes = "\n".join(f"- **{safe(row.name)}**: {safe('; '.join(row.notes))}" for row in board.rows if row.notes)
    title = f"## {safe(board.data)}, protocol {safe(board.protocol)}, seed {board.seed}"
    data = "\n".join(f"- data: {safe(note)}" for note in board.data_notes)
    leaks, costs = (_table(board, shown(board, MARKDOWN, *forms)) for forms in (LEAKS, COSTS))
    threats = (
        "### What each attacker gets",
        _matrix(matrix),
        f"{MATRIX} {COLUMNS_SAY}",
        NOISE_ORDER_SAYS if board.matched else "",
        _useless(matrix),
    )
    leaking = ("### By question", leaks, notes, f"{counts} {_RANKS}")
    return [title, *filter(None, [data, *threats, *leaking]), costs, *_points(board), *_subjects(board)]


def _matrix(matrix: ThreatMatrix) -> str:
    columns = matrix_shown(matrix, MARKDOWN)
    titles = ["scheme", *(safe(one.title) + (f" ({one.note})" if one.note else "") for one in columns)]
    rows = [[safe(marked(row)), *(_threat_cell(one, row) for one in columns)] for row in matrix.rows]
    return pipe_table(titles, rows)


def _points(board: Board) -> tuple[str, ...]:
    """Operating points that are demanded, where the records hold any."""
    columns = shown(board, MARKDOWN, POINT)
    return ("### Operating points", _table(board, columns), POINTS_SAY) if columns else ()


def _subjects(board: Board) -> tuple[str, ...]:
    """How unequally subjects are exposed, where the records say."""
    rows = [[safe(row.name), *map(safe, exposed_cells(one))] for row in board.rows for one in row.exposed]
    return ("### The subjects who lose most", pipe_table(("scheme", *HEADS), rows), OF_SUBJECTS) if rows else ()


def _useless(matrix: ThreatMatrix) -> str:
    """Which schemes stand after the useful ones for their FNMR."""
    found = [f"{safe(row.scheme)} {why_marked(row)}" for row in matrix.rows if why_marked(row)]
    return f"{ORDER_SAYS} {'; '.join(found)}." if found else ""


def _threat_cell(column: MatrixColumn, row: MatrixRow) -> str:
    value = column.value(row)
    if value is None and column.form == NOISE:
        return "–"
    if not isinstance(value, ThreatCell):
        return _THREATS[column.form](value)
    return _threat(value, column.note)


def _threat(cell: ThreatCell, common: str) -> str:
    one = cell.worst
    if one is None or one.share is None:
        return f"*{word(cell)}*"
    figure = f"{_linked(f'{one.share.percent} %', one.worst.record)} {share_span(one.share)}"
    own = seen(cell) if seen(cell) != common else ""
    return "<br>".join(filter(None, (figure, safe(worst_of(cell)), safe(one.worst.attack), own)))


def _noise(one: AgainstNoise) -> str:
    return "<br>".join((f"{one.mean_rank:.1f}", *(f"{words}: {safe(named)}" for words, named in noise_words(one))))


def _fnmr(figure: Figure | None) -> str:
    return "*no keys*" if figure is None else _figure(figure)


def _title(board: Board, column: Column) -> str:
    if column.form == INDEX:
        return f"{safe(column.group)}: {column.title} ({column.note})"
    if column.form == BITS:
        return f"{column.title} ({column.note}, FMR {column.at})"
    if column.form not in LEAKS:
        return column.title
    people = "" if column.at is not None else _people(column.measurement(row) for row in board.rows)
    if column.form == ATTACK:
        resolved = f"; {column.resolves}" if column.resolves else ""
        return f"{safe(column.title)}: {safe(label(column.metric))}, {column.better} leaks less{people}{resolved}"
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


def _addresses(matrices: Sequence[ThreatMatrix]) -> str:
    return "\n".join(f"[{_short(record)}]: {record}" for record in sorted(set(_records(matrices))))


def _records(matrices: Sequence[ThreatMatrix]) -> Iterator[str]:
    for matrix in matrices:
        yield from (address for row in matrix.rows for address in _behind(row))
        board = matrix.board
        linked = shown(board, MARKDOWN, RATE, ATTACK, INDEX, POINT, BITS)
        for row in board.rows:
            yield from (column.value(row).record for column in linked if column.measurement(row))
            yield from (one.record for one in (row.cost.seconds, row.cost.size) if one.measurement)


def _behind(row: MatrixRow) -> Iterator[str]:
    """The addresses that a row of the matrix links to."""
    figures = (figure for one in row.utility for figure in (one.kept, one.stolen) if figure is not None)
    yield from (figure.record for figure in figures if figure.measurement)
    yield from (cell.worst.worst.record for cell in row.cells if cell.worst)
    yield from (worst.record for worst in row.alone if worst.headline)


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
    POINT: _figure,
    BITS: _bits,
    SECONDS: _seconds,
    RATIO: _ratio,
    BYTES: _bytes,
}

_THREATS: Mapping[str, Callable[[Any], str]] = {FNMR: _fnmr, ALONE: _worst, NOISE: _noise}


def _table(board: Board, columns: Sequence[Column]) -> str:
    titles = ["scheme", *(_title(board, column) for column in columns)]
    rows = [[safe(row.name), *(_CELLS[column.form](column.value(row)) for column in columns)] for row in board.rows]
    return pipe_table(titles, rows)


def _people(shown: Iterable[Measurement | None]) -> str:
    counts = sorted({one.n for one in shown if one})
    return f", n={'–'.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))}" if counts else ""
