"""recognisers.md: whether schemes rank the same by another recogniser, on the same target subjects.

    python -m mote_bench run --data dlib.npz --out FOLDER
    python -m mote_bench run --data another.npz --out FOLDER

The second writes it, where both files hold the same people by different recognisers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from jinja2 import Environment

from mote_bench.analysis.agreement import ENOUGH, Agreement
from mote_bench.analysis.recognisers import RECOGNITION, Across, ComparedProperty, Place
from mote_bench.formatting import label, number, printable, with_interval

from .markdown import pipe_table

TITLE = "The same subjects by other recognisers"
ABOUT = (
    "Each row shows the strongest attack, chosen on the selection subjects; brackets hold 95 % confidence intervals "
    "over subjects. Orders leave out the controls, and schemes that do not recognise their subjects. Pairs of rows are "
    "distinguishable where both recognisers tell them apart."
)
ORDER = (
    "property",
    "order holds",
    "by",
    "rows",
    f"rank correlation, {ENOUGH} or higher",
    "distinguishable rows only",
    "distinguishable pairs in the same order",
    "pairs in another order",
)
_MOST = 6
"""Pairs that are named."""


def recognisers_md(made: Sequence[Across]) -> str:
    """All comparisons as Markdown; empty where there are none."""
    return "\n".join(map(_markdown, made))


def _markdown(one: Across) -> str:
    parts = [
        f"# {TITLE}\n\nProtocol {one.protocol}, seed {one.seed}. {ABOUT}",
        pipe_table(ORDER, orders(one)),
    ]
    for each in one.properties:
        body = [(name, *map(told, places)) for name, places in each.rows.items()]
        table = pipe_table(("row", *headings(one)), body)
        parts.append(f"## {title(each)}\n\n{table}")
    return "\n\n".join(parts) + "\n"


def section(made: Sequence[Across], environment: Environment) -> str:
    """The section of the page: the figures by each recogniser. Their orders have a section of their own.

    Empty where nothing can be compared.
    """
    return environment.get_template("recognisers.html.j2").render(
        made=made, heading=TITLE, about=ABOUT, headings=headings, told=told, title=title
    )


def title(one: ComparedProperty) -> str:
    """``gender: balanced accuracy``."""
    return f"{one.question.replace('_', ' ').capitalize()}: {label(one.metric)}"


def headings(one: Across) -> list[str]:
    """The recognisers, each with the label of its data."""
    return [f"{printable(name)} ({data})" for name, data in zip(one.recognisers, one.data, strict=True)]


def told(one: Place) -> str:
    """``0.971 [0.960, 0.980]``, or why there is no figure."""
    return one.word if one.measurement is None else with_interval(one.measurement)


def orders(one: Across) -> list[tuple[str, ...]]:
    """A line of :data:`ORDER` for each question and every two recognisers."""
    lines = []
    for each in one.properties:
        for (first, second), found in each.orders.items():
            lines.append((title(each), each.verdict, f"{printable(first)}, {printable(second)}", *_order(found)))
        if not each.orders and each.question != RECOGNITION:
            lines.append((title(each), each.verdict, *("",) * (len(ORDER) - 2)))
    return lines


def _order(one: Agreement) -> tuple[str, ...]:
    named = [f"{first} and {second}" for first, second in one.turned[:_MOST]]
    more = len(one.turned) - len(named)
    return (
        str(len(one.rows)),
        f"{number(one.spearman)} [{number(one.low)}, {number(one.high)}]: {one.verdict}",
        "none" if math.isnan(one.told) else number(one.told),
        f"{one.alike} of {one.apart}",
        "; ".join(named + [f"{more} more"] * (more > 0)) or "none",
    )
