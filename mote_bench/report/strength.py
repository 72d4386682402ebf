"""strength.md: the strongest attacks with fewer shadow subjects, and whether they would still gain with more.

    python -m mote_bench study strength FOLDER

runs them and writes it; `python -m mote_bench board --out FOLDER` makes it anew from their records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from jinja2 import Environment
from markupsafe import Markup

from mote_bench.analysis.selection import Reading, leak
from mote_bench.analysis.standings import Board
from mote_bench.analysis.strength import FALLING, FLAT, RISING, UNCHANGED, UNKNOWN, Strength
from mote_bench.formatting import label, number, shortened, with_interval

from . import plots
from .charts import Picture
from .lost import attempted
from .markdown import pipe_table, safe

TITLE = "Is the attacker strong enough?"
ABOUT = (
    "The strongest attack of each row, as chosen on the selection subjects with all shadow subjects, run again with "
    "fewer of them. Shadow subjects are the attacker's own labelled people. Thresholds and templates are the same. "
    "The gain is what leaks more at the last number than at the one before, with its paired 95 % confidence interval "
    "over subjects. Still rising: the interval lies above 0, so that more shadow subjects may give more than the "
    "board shows. Flat: the interval holds 0; a gain up to its upper end isn't excluded. Falling: it lies below 0. "
    "Unchanged: all figures are equal, as the attack uses no shadow subjects or is at its limit. The same attack is "
    "kept at all numbers: with few subjects another one may be the strongest."
)
_VERDICTS = (RISING, FLAT, FALLING, UNCHANGED, UNKNOWN)
_MOST_LINES = 8
"""Rows that a chart shows; the table holds all."""

Strengths = Sequence[tuple[Board, Sequence[Strength]]]


def strength_md(found: Strengths) -> str:
    """Per board and question a table; empty without records of such attacks."""
    parts = []
    for board, held in found:
        for question, mine in _by_question(held).items():
            counts = _counts(mine)
            titles = ["scheme", "attack", *(f"{count} shadow subjects" for count in counts), "gain", "verdict"]
            rows = [list(map(safe, _line(one, counts))) for one in mine]
            heading = f"{board.data}, protocol {board.protocol}, seed {board.seed}: {question}, {label(mine[0].metric)}"
            parts += [f"## {safe(heading)}", f"{safe(summary(mine))}.", pipe_table(titles, rows)]
    return "\n\n".join([f"# {TITLE}", ABOUT, *parts]) + "\n" if parts else ""


def strength_html(held: Sequence[Strength], environment: Environment, *, name: str) -> str:
    """The section of one board; empty without records of such attacks."""
    if not held:
        return ""
    questions = [
        (question, label(mine[0].metric), _counts(mine), [_line(one, _counts(mine)) for one in mine], summary(mine))
        for question, mine in _by_question(held).items()
    ]
    pictures = strength_charts(held, name=f"{name}w")
    page = environment.get_template("strength.html.j2")
    return page.render(heading=TITLE, about=ABOUT, name=name, questions=questions, pictures=pictures)


def strength_charts(held: Sequence[Strength], *, name: str) -> list[Picture]:
    """A small chart per question: the headline against the number of shadow subjects."""
    drawn = (
        attempted(f"the chart of {question} by shadow subjects", partial(_chart, mine, f"{name}{k}"))
        for k, (question, mine) in enumerate(_by_question(held).items())
    )
    return [one for one in drawn if one is not None]


def strength_word(held: Sequence[Strength], row: str, question: str) -> str:
    """``still rising`` or another verdict for one cell of a board; empty where it was not studied."""
    return next((one.verdict for one in held if (one.row, one.question) == (row, question)), "")


def summary(held: Sequence[Strength]) -> str:
    """``1 of 5 rows still rising, 4 flat``."""
    counts = Counter(one.verdict for one in held)
    told = [f"{counts[word]} {word}" for word in _VERDICTS if counts[word]]
    return f"Of {len(held)} rows: {', '.join(told)}"


def _by_question(held: Sequence[Strength]) -> Mapping[str, list[Strength]]:
    found: dict[str, list[Strength]] = {}
    for one in held:
        found.setdefault(one.question, []).append(one)
    return found


def _counts(held: Sequence[Strength]) -> list[int]:
    return sorted({count for one in held for count, _ in one.points})


def _line(one: Strength, counts: Sequence[int]) -> list[str]:
    points = dict(one.points)
    values = [with_interval(points[count]) if count in points else UNKNOWN for count in counts]
    gain = "–" if one.gain is None else "{:+.3f} [{:+.3f}, {:+.3f}]".format(*one.gain)
    return [one.row, one.attack, *values, gain, one.verdict]


def _chart(held: Sequence[Strength], name: str) -> Picture | None:
    """The rows that gain most at the end."""
    drawn = sorted(
        (one for one in held if len(one.points) > 1 and one.verdict != UNCHANGED),
        key=lambda one: -one.gain[0] if one.gain else 0.0,
    )[:_MOST_LINES]
    if not drawn:
        return None
    first = drawn[0]
    reverse = leak(Reading(first.question, first.metric), 1.0) < 0
    traces = [
        plots.Trace(
            shortened(one.row, 22),
            [(float(count), point.value) for count, point in one.points],
            [(point.low, point.high) for _, point in one.points],
        )
        for one in drawn
    ]
    said = "; ".join(
        f"{one.row} " + ", ".join(f"{count}: {number(point.value)}" for count, point in one.points) for one in drawn
    )
    title = f"{first.question} by shadow subjects"
    axis = f"{label(first.metric)}{', lower leaks more' if reverse else ''}"
    alt = f"{label(first.metric)} against the number of shadow subjects. {said}."
    svg = plots.panels([plots.Panel("", traces)], ("shadow subjects", axis), name=name, alt=alt, legend_columns=2)
    rising = ", ".join(one.row for one in drawn if one.verdict == RISING) or "none"
    more = f" Shown are the {len(drawn)} of {len(held)} rows that gain most." if len(drawn) < len(held) else ""
    return Picture(title, Markup(svg), f"Still rising: {rising}.{more}")
