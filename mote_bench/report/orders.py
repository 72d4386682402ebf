"""orders.md: whether schemes rank the same by other recognisers, on other populations and with other seeds.

    python -m mote_bench board --out FOLDER [--also FOLDER]

writes it where the folders hold two boards or more that can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment

from mote_bench.analysis.agreement import ENOUGH, Agreement
from mote_bench.analysis.orders import OrderPair, OrderVerdict, verdicts
from mote_bench.analysis.standings import Board
from mote_bench.formatting import label, number, plural, printable

from .markdown import pipe_table, safe

TITLE = "Does the order of schemes hold?"
ABOUT = (
    "Two boards are compared where they differ in one way: the recogniser, the population, the seed or the attacker's "
    "data. Boards that differ in several ways are compared only where no chain of such pairs joins them. Each row of a "
    "board counts with its strongest attack, chosen on the selection subjects. Controls, and schemes that do not "
    "recognise their subjects, are left out. The order holds where the rank correlation (Spearman) is "
    f"{ENOUGH} or higher by the whole of its 95 % confidence interval over subjects, which is conservative. Pairs of "
    "schemes count as distinguished where each board orders them one way in 97.5 % of the resamples."
)
COLUMNS = (
    "property",
    "differs",
    "boards",
    "rows",
    "rank correlation",
    "order holds",
    "distinguished pairs in the same order",
    "pairs in another order (the first leaks less on the first board)",
)
_MOST = 6
"""Pairs that are named in a cell; the JSON file names all."""


def orders_md(pairs: Sequence[OrderPair]) -> str:
    """The verdicts, then a line for each question and two boards; empty where nothing can be compared."""
    if not pairs:
        return ""
    titles, body = summary(pairs)
    tables = (
        pipe_table(list(map(safe, titles)), [list(map(safe, row)) for row in body]),
        pipe_table(COLUMNS, [list(map(safe, line)) for line in lines(pairs)]),
    )
    return "\n\n".join((f"# {TITLE}", ABOUT, *tables)) + "\n"


def orders_html(pairs: Sequence[OrderPair], environment: Environment) -> str:
    """The section of the page; empty where nothing can be compared."""
    if not pairs:
        return ""
    page = environment.get_template("orders.html.j2")
    return page.render(heading=TITLE, about=ABOUT, summary=summary(pairs), columns=COLUMNS, lines=lines(pairs))


def orders_json(pairs: Sequence[OrderPair]) -> list[dict[str, Any]]:
    """An entry for each question and two boards."""
    return [_entry(pair, one) for pair in pairs for one in pair.found]


def summary(pairs: Sequence[OrderPair]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: per question, whether its order holds for each difference between boards."""
    found = verdicts(pairs)
    ways = list(dict.fromkeys(one.differs for one in found))
    questions = list(dict.fromkeys((one.question, one.metric) for one in found))
    held = {(one.question, one.metric, one.differs): one for one in found}
    rows = []
    for name in questions:
        cells = (held.get((*name, way)) for way in ways)
        rows.append([property_name(*name), *("" if cell is None else _summed(cell) for cell in cells)])
    return ["property", *(f"other {way}" if " " not in way else way for way in ways)], rows


def _summed(one: OrderVerdict) -> str:
    """``no (3 pairs of boards); 97 of 99 distinguished pairs in the same order``."""
    of = f" ({one.boards} pairs of boards)" if one.boards > 1 else ""
    return f"{one.verdict}{of}; {one.alike} of {plural(one.apart, 'distinguished pair')} in the same order"


def lines(pairs: Sequence[OrderPair]) -> list[tuple[str, ...]]:
    """A line of :data:`COLUMNS` for each question and two boards, question by question."""
    of_pair = [(pair, one) for pair in pairs for one in pair.found]
    questions = list(dict.fromkeys(one.question for _, one in of_pair))
    return [
        (property_name(one.question, one.metric), pair.what, _boards(pair), *_agreed(one))
        for pair, one in sorted(of_pair, key=lambda found: questions.index(found[1].question))
    ]


def property_name(question: str, metric: str) -> str:
    """``Gender: balanced accuracy``."""
    return f"{question.replace('_', ' ').capitalize()}: {label(metric)}"


def _boards(pair: OrderPair) -> str:
    seeds = pair.first.seed != pair.second.seed
    return ", ".join(board.data + (f" (seed {board.seed})" if seeds else "") for board in (pair.first, pair.second))


def _agreed(one: Agreement) -> Iterator[str]:
    yield str(len(one.rows))
    yield "undefined" if math.isnan(one.spearman) else _with_interval(one)
    yield one.verdict
    yield f"{one.alike} of {one.apart}"
    named = [f"{first} and {second}" for first, second in one.turned[:_MOST]]
    more = len(one.turned) - len(named)
    yield "; ".join(named + [f"{more} more"] * (more > 0)) or "none"


def _with_interval(one: Agreement) -> str:
    return f"{number(one.spearman)} [{number(one.low)}, {number(one.high)}]"


def _entry(pair: OrderPair, one: Agreement) -> dict[str, Any]:
    return {
        "protocol": pair.first.protocol,
        "differs": list(pair.differs),
        "boards": [_named(pair.first), _named(pair.second)],
        "question": one.question,
        "metric": one.metric,
        "rows": list(one.rows),
        "spearman": one.spearman,
        "low": one.low,
        "high": one.high,
        "verdict": one.verdict,
        "distinguished": one.apart,
        "same_order": one.alike,
        "other_order": [list(names) for names in one.turned],
    }


def _named(board: Board) -> Mapping[str, Any]:
    return {"data": printable(board.data), "seed": board.seed}
