"""strength.md: the strongest attacks with fewer shadow subjects or queries, and whether they would gain with more.

    python -m mote_bench study strength FOLDER

runs those with fewer shadow subjects. The records of a run hold what online attacks reach with fewer queries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from jinja2 import Environment
from markupsafe import Markup

from mote_bench.analysis.queries import Queried, gain_of_queries, reached_by_queries
from mote_bench.analysis.selection import Reading, leak
from mote_bench.analysis.standings import Board, Worst
from mote_bench.analysis.strength import FALLING, FLAT, RISING, UNCHANGED, UNKNOWN, Strength, verdict_of
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
    "Unchanged: all figures are equal, as the attack uses no shadow subjects or is at its limit; it is then run with "
    "the fewest and with all. The same attack is kept at all numbers: with few subjects another one may be the "
    "strongest."
)
ABOUT_QUERIES = (
    "Online attacks hold no template and present probes to the running system. Of each row the strongest attack that "
    "was tried with fewer queries, by what the system answers: scores, or accept and reject. The gain is what leaks "
    "more at the last number of queries than at the one before. Its 95 % interval takes the two figures as "
    "independent, so that it is wider than a paired one. Still rising: the interval lies above 0, so that more queries "
    "may give more than the board shows. Flat: it holds 0."
)
QUERY_TITLES = ("Scheme", "System answers", "Attack", "Reached, by queries per subject", "Gain at the end", "Verdict")
_VERDICTS = (RISING, FLAT, FALLING, UNCHANGED, UNKNOWN)
_T = TypeVar("_T", Strength, Queried)
_MOST_LINES = 8
"""Rows that a chart shows; the table holds all."""


@dataclass(frozen=True)
class Studied:
    """What is known of one board's strongest attacks with less: shadow subjects, and online queries."""

    shadow: Sequence[Strength] = ()
    queries: Sequence[Queried] = ()

    def __bool__(self) -> bool:
        return bool(self.shadow or self.queries)


def strength_md(found: Sequence[tuple[Board, Studied]]) -> str:
    """Per board and question a table; empty without records of such attacks."""
    shadow, queries = [], []
    for board, held in found:
        place = f"{board.data}, protocol {board.protocol}, seed {board.seed}"
        for question, mine in _by_question(held.shadow).items():
            counts = _counts(mine)
            titles = ["scheme", "attack", *(f"{count} shadow subjects" for count in counts), "gain", "verdict"]
            shadow += _table_md(
                f"{place}: {question}, {label(mine[0].metric)}",
                summary(mine),
                titles,
                [_line(one, counts) for one in mine],
            )
        for question, tried in _by_question(held.queries).items():
            queries += _table_md(
                f"{place}: {question}, {label(tried[0].metric)}, by online queries",
                summary(tried),
                [one.lower() for one in QUERY_TITLES],
                list(map(_query_line, tried)),
            )
    parts = [*([ABOUT, *shadow] if shadow else []), *([ABOUT_QUERIES, *queries] if queries else [])]
    return "\n\n".join([f"# {TITLE}", *parts]) + "\n" if parts else ""


def _table_md(heading: str, said: str, titles: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return [f"## {safe(heading)}", f"{safe(said)}.", pipe_table(titles, [list(map(safe, line)) for line in lines])]


def strength_html(held: Studied, environment: Environment, *, name: str) -> str:
    """The section of one board; empty without records of such attacks."""
    if not held:
        return ""
    questions = [
        (question, label(mine[0].metric), _counts(mine), [_line(one, _counts(mine)) for one in mine], summary(mine))
        for question, mine in _by_question(held.shadow).items()
    ]
    queries = [
        (question, label(tried[0].metric), list(map(_query_line, tried)), summary(tried))
        for question, tried in _by_question(held.queries).items()
    ]
    return environment.get_template("strength.html.j2").render(
        heading=TITLE,
        about=ABOUT,
        about_queries=ABOUT_QUERIES,
        query_titles=QUERY_TITLES,
        name=name,
        questions=questions,
        pictures=strength_charts(held.shadow, name=f"{name}w"),
        queries=queries,
    )


def strength_charts(held: Sequence[Strength], *, name: str) -> list[Picture]:
    """A small chart per question: the headline against the number of shadow subjects."""
    drawn = (
        attempted(f"the chart of {question} by shadow subjects", partial(_chart, mine, f"{name}{k}"))
        for k, (question, mine) in enumerate(_by_question(held).items())
    )
    return [one for one in drawn if one is not None]


def queries_word(worst: Worst) -> str:
    """The verdict on an online attack with fewer queries; empty where it wasn't tried with fewer."""
    if worst.chosen is None or worst.headline is None:
        return ""
    reading = Reading(worst.question, worst.headline.name)
    reached = reached_by_queries(worst.chosen, reading)
    found = gain_of_queries(reached, reading)
    return "" if found is None else verdict_of([value for _, (value, _, _) in reached], found)


def strength_word(held: Sequence[Strength], row: str, question: str) -> str:
    """``still rising`` or another verdict for one cell of a board; empty where it was not studied."""
    return next((one.verdict for one in held if (one.row, one.question) == (row, question)), "")


def summary(held: Sequence[Strength] | Sequence[Queried]) -> str:
    """``1 of 5 rows still rising, 4 flat``."""
    counts = Counter(one.verdict for one in held)
    told = [f"{counts[word]} {word}" for word in _VERDICTS if counts[word]]
    return f"Of {len(held)} rows: {', '.join(told)}"


def _by_question(held: Sequence[_T]) -> Mapping[str, list[_T]]:
    found: dict[str, list[_T]] = {}
    for one in held:
        found.setdefault(one.question, []).append(one)
    return found


def _counts(held: Sequence[Strength]) -> list[int]:
    return sorted({count for one in held for count, _ in one.points})


def _line(one: Strength, counts: Sequence[int]) -> list[str]:
    points = dict(one.points)
    without = "–" if one.verdict == UNCHANGED else UNKNOWN
    values = [with_interval(points[count]) if count in points else without for count in counts]
    return [one.row, one.attack, *values, _gained(one), one.verdict]


def _query_line(one: Queried) -> list[str]:
    reached = ", ".join(f"{queries:,}: {number(value)}" for queries, (value, _, _) in one.reached)
    attack = f"{one.attack}; {one.stronger} leaks more, not tried with fewer" if one.stronger else one.attack
    return [one.row, one.access, attack, reached, _gained(one), one.verdict]


def _gained(one: Strength | Queried) -> str:
    if one.gain is None or one.verdict == UNCHANGED:
        return "–"
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*(round(end, 3) + 0.0 for end in one.gain))  # + 0.0: no "-0.000"


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
