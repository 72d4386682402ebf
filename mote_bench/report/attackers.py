"""The board of attackers of a challenge: what each attacker's answers found, as Markdown, JSON and a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape

from mote_bench.analysis.share import Share
from mote_bench.contracts import Measurement
from mote_bench.formatting import label, number, plural, printable, with_interval
from mote_bench.metrics.differences import Change

from .markdown import pipe_table, safe

_READING = (
    "Each figure has its 95 % confidence interval over subjects. The floor is a random answer, the ceiling that of "
    "somebody who knows the truth. Differences to the best answer are paired: the same subjects are behind both. "
    "Rank 3: two answers are significantly better, by the paired test, adjusted for all pairs of the task. "
    "A task that an attacker left out counts as 0 in the mean share."
)
_STYLE = """:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #8886; white-space: nowrap; }
h2 { margin-top: 2.5rem; font-size: 1.1rem; }"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
{body}
</body>
</html>
"""


@dataclass(frozen=True)
class Scored:
    """One attacker's answer to one task.

    Attributes
    ----------
    attack : str
        What made the answer, as the attacker says.
    headline : Measurement, optional
        With floor and ceiling; ``None`` where the answer can't be scored, for the reason in ``why``.
    rank : int, optional
    to_best : Change, optional
        How far the best answer is ahead, with its paired interval; ``None`` for the best answer itself.
    share : Share, optional
        The headline between floor and ceiling.
    beside : tuple of Measurement
    """

    attacker: str
    attack: str
    headline: Measurement | None
    why: str = ""
    rank: int | None = None
    to_best: Change | None = None
    share: Share | None = None
    beside: tuple[Measurement, ...] = ()


@dataclass(frozen=True)
class Pair:
    """How much better one attacker's answer is than another's, and whether that is significant after adjustment."""

    better: str
    than: str
    change: Change
    significant: bool


@dataclass(frozen=True)
class TaskBoard:
    """All answers to one task, best first.

    Attributes
    ----------
    headline : str
        The published name of the metric.
    leaks_less : str
        Which values of it leak less: ``lower`` or ``higher``.
    floor, ceiling : float, optional
    """

    task: str
    scheme: str
    threat: str
    question: str
    headline: str
    leaks_less: str
    subjects: int
    floor: float | None
    ceiling: float | None
    rows: tuple[Scored, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Attacker:
    """One attacker over all tasks.

    Attributes
    ----------
    sent : int
        Different folders of answers; only the latest counts.
    made : str
        When that was made, in UTC, as the attacker says.
    answered : int
        Tasks with an answer that was scored.
    first : int
        Tasks in which no answer is significantly better and this one is above the floor, adjusted for all tasks.
    share : float
        Mean share of the ceiling over all tasks that have floor and ceiling; a task without an answer counts as 0.
    """

    name: str
    sent: int
    made: str
    answered: int
    first: int
    share: float


@dataclass(frozen=True)
class ChallengeBoard:
    """The board of a challenge.

    Attributes
    ----------
    checksum : str
        The challenge's.
    attackers : tuple of Attacker
        By share, highest first.
    """

    data: str
    protocol: str
    checksum: str
    made_with: str
    attackers: tuple[Attacker, ...]
    tasks: tuple[TaskBoard, ...]


def attackers_json(board: ChallengeBoard) -> str:
    """Every figure of the board."""
    return json.dumps(asdict(board), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def attackers_md(board: ChallengeBoard) -> str:
    """A table of attackers, and a table of answers per task, in GitHub's Markdown."""
    parts = []
    for depth, section in enumerate(_sections(board)):
        parts += [f"{'##' if depth else '#'} {_markdown(section.title)}", *map(_markdown, section.lines)]
        if section.rows:
            rows = [list(map(_markdown, row)) for row in section.rows]
            parts.append(pipe_table(section.heads, rows))
    return "\n\n".join(parts) + "\n"


def attackers_html(board: ChallengeBoard) -> str:
    """The same as one page without anything from elsewhere."""
    parts = []
    for depth, section in enumerate(_sections(board)):
        heading = "h2" if depth else "h1"
        parts += [f"<{heading}>{_escaped(section.title)}</{heading}>"]
        parts += [f"<p>{_escaped(line)}</p>" for line in section.lines]
        if section.rows:
            heads = "".join(f'<th scope="col">{_escaped(head)}</th>' for head in section.heads)
            rows = ("".join(f"<td>{_escaped(cell)}</td>" for cell in row) for row in section.rows)
            body = "".join(f"<tr>{row}</tr>\n" for row in rows)
            table = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
            parts.append(f'<div class="wide" tabindex="0">{table}</div>')
    title = _escaped(_sections(board)[0].title)
    return _PAGE.format(title=title, style=_STYLE, body="\n".join(parts))


class _Given(str):
    """Text that somebody else wrote, such as an attacker's name."""


@dataclass(frozen=True)
class _Section:
    """A heading, paragraphs and a table, as plain text."""

    title: str
    lines: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _sections(board: ChallengeBoard) -> list[_Section]:
    title = _Given(f"Challenge on {board.data}, protocol {board.protocol}: board of attackers")
    about = f"Challenge {board.checksum[:16]}, scored with mote-bench {board.made_with}."
    repeated = (
        _Given(f"{one.name} sent {plural(one.sent, 'folder')} of answers; only the latest counts, of {one.made}.")
        for one in board.attackers
        if one.sent > 1
    )
    heads = ("attacker", "mean share of the ceiling", f"answered, of {len(board.tasks)}", "rank 1 above the floor")
    rows = tuple((_Given(one.name), _percent(one.share), str(one.answered), str(one.first)) for one in board.attackers)
    return [_Section(title, (about, _READING, *repeated), heads, rows), *map(_of_task, board.tasks)]


def _of_task(board: TaskBoard) -> _Section:
    best = "higher" if board.leaks_less == "lower" else "lower"
    about = (
        f"{label(board.headline)}, {best} is better for the attacker; {board.subjects} subjects. "
        f"Floor {number(board.floor)}, ceiling {number(board.ceiling)}."
    )
    beside = list(dict.fromkeys(one.name for row in board.rows for one in row.beside))
    heads = ("rank", "attacker", "by", label(board.headline), "share of the ceiling", "behind the best")
    return _Section(
        _Given(f"{board.task}: {board.question}, {board.scheme}, {board.threat}"),
        (_Given(about), *(() if board.rows else ("No answers.",))),
        (*heads, *map(label, beside)),
        tuple(_row(row, beside) for row in board.rows),
    )


def _row(row: Scored, beside: Sequence[str]) -> tuple[str, ...]:
    who = (_Given(row.attacker), _Given(row.attack))
    if row.headline is None:
        return ("–", *who, _Given(f"not scored: {row.why}"), *[""] * (2 + len(beside)))
    named = {one.name: with_interval(one) for one in row.beside}
    share = "" if row.share is None else f"{_percent(row.share.value)}, {row.share.word}"
    behind = "" if row.to_best is None else f"{number(row.to_best.value)} {_bounds(row.to_best)}"
    figure = with_interval(row.headline)
    return (str(row.rank), *who, figure, share, behind, *(named.get(name, "") for name in beside))


def _bounds(change: Change) -> str:
    return f"[{number(change.low)}, {number(change.high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _markdown(text: str) -> str:
    return safe(printable(text)) if isinstance(text, _Given) else text


def _escaped(text: str) -> str:
    return escape(printable(text))
