"""The board of attackers of a challenge: attacker by attacker what each task's answers found, as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tabulate import tabulate

from mote_bench.analysis.share import Share
from mote_bench.contracts import Measurement
from mote_bench.formatting import label, number, plural, printable, span
from mote_bench.metrics.differences import Change

from .markdown import safe

_READING = (
    "Each figure has its 95 % confidence interval over subjects. The floor is a random answer, the ceiling that of "
    "somebody who knows the truth. Differences to the best answer are paired: the same subjects are behind both. "
    "Rank 3: two answers are significantly better, by the paired test, adjusted for all pairs of the task. "
    "A task that an attacker left out counts as 0 in the mean share."
)


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
        Tasks in which the answer is above the floor and no other is significantly better.
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
    """A table of attackers, and a table of answers per task."""
    title = f"# Challenge on {_text(board.data)}, protocol {_text(board.protocol)}: board of attackers"
    about = f"Challenge `{board.checksum[:16]}`, scored with mote-bench {board.made_with}."
    sections = [title, about, _READING, _overall(board), *_repeated(board.attackers)]
    return "\n\n".join([*sections, *map(_task, board.tasks)]) + "\n"


def _overall(board: ChallengeBoard) -> str:
    titles = ["attacker", "mean share of the ceiling", f"answered, of {len(board.tasks)}", "rank 1 above the floor"]
    rows = [[_text(one.name), _percent(one.share), str(one.answered), str(one.first)] for one in board.attackers]
    return _table(titles, rows)


def _repeated(attackers: Sequence[Attacker]) -> list[str]:
    lines = [
        f"- {_text(one.name)} sent {plural(one.sent, 'folder')} of answers; only the latest counts, of {one.made}."
        for one in attackers
        if one.sent > 1
    ]
    return ["\n".join(lines)] if lines else []


def _task(board: TaskBoard) -> str:
    what = f"## {board.task}: {_text(board.question)}, {_text(board.scheme)}, {_text(board.threat)}"
    best = "higher" if board.leaks_less == "lower" else "lower"
    about = (
        f"{label(board.headline)}, {best} is better for the attacker; {board.subjects} subjects. "
        f"Floor {number(board.floor)}, ceiling {number(board.ceiling)}."
    )
    beside = list(dict.fromkeys(one.name for row in board.rows for one in row.beside))
    titles = ["rank", "attacker", "by", label(board.headline), "share of the ceiling", "behind the best"]
    rows = [_row(row, beside) for row in board.rows]
    return "\n\n".join([what, safe(about), _table([*titles, *map(label, beside)], rows) if rows else "No answers."])


def _row(row: Scored, beside: Sequence[str]) -> list[str]:
    named = {one.name: one for one in row.beside}
    if row.headline is None:
        return [
            "–",
            _text(row.attacker),
            _text(row.attack),
            f"*not scored: {_text(row.why)}*",
            *[""] * (2 + len(beside)),
        ]
    share = "" if row.share is None else f"{_percent(row.share.value)}, {row.share.word}"
    behind = "" if row.to_best is None else f"{number(row.to_best.value)} {_bounds(row.to_best)}"
    return [
        str(row.rank),
        _text(row.attacker),
        _text(row.attack),
        f"{number(row.headline.value)} {span(row.headline)}",
        share,
        behind,
        *(f"{number(named[name].value)} {span(named[name])}" if name in named else "" for name in beside),
    ]


def _bounds(change: Change) -> str:
    return f"[{number(change.low)}, {number(change.high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _text(text: str) -> str:
    return safe(printable(text))


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text: str = tabulate(rows, headers=list(titles), tablefmt="pipe", disable_numparse=True)
    return text
