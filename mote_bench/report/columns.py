"""The columns of a board, listed once: all renderers iterate this list, so a new column is one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mote_bench.analysis.resolution import Resolution
from mote_bench.analysis.selection import Reading, better
from mote_bench.analysis.standings import NONE_REFUSED, NOT_KNOWN, Board, Figure, Row, Worst
from mote_bench.contracts import OWN, Measurement, flat
from mote_bench.formatting import label, number
from mote_bench.metrics import security
from mote_bench.metrics.catalogue import FTA, FTE, GENERALISED, SCHEME_FTE, describe
from mote_bench.questions.harness import FAIRNESS, VERIFY

MARKDOWN, LATEX, TERMINAL, HTML, CSV, JSON = "markdown", "latex", "terminal", "html", "csv", "json"
EVERYWHERE = frozenset({MARKDOWN, LATEX, TERMINAL, HTML, CSV, JSON})

RATE, ATTACK, INDEX = "rate", "attack", "index"
"""A figure of recognition (Figure), of the strongest attack (Worst), of fairness (Figure)."""
BITS = "bits"
"""False-accept security (Figure); a lower bound where no face was accepted."""
POINT = "point"
"""A figure at an operating point that few records hold (Figure): below the lowest FMR, in a gallery, of the worst."""
UNFAIR = "unfair"
"""All fairness of a row (tuple of Fairness)."""
ENROLMENT, SECONDS, RATIO, BYTES, KEY = "enrolment", "seconds", "ratio", "bytes", "key"
"""Parts of a row's Cost."""

RESOLVES = (
    "Resolves: the smallest difference that the ranking distinguishes. It is the median half width of the paired 95 % "
    "intervals between neighbours in the order; smaller differences need more subjects."
)

LEAKS = (RATE, ATTACK)
COSTS = (INDEX, UNFAIR, BITS, ENROLMENT, SECONDS, RATIO, BYTES, KEY)
"""The forms of each of the two tables of a board."""


@dataclass(frozen=True)
class Column:
    """One column of a board.

    Attributes
    ----------
    key : str
        Its name in leaderboard.csv and leaderboard.json.
    title : str
        Its heading.
    form : str
        The type that ``value`` returns, which decides how it is printed: ``RATE``, ``ATTACK``, ...
    value : callable
        Row -> Figure, Worst, Cost or tuple of Fairness, as ``form`` says.
    shown : set of str
        The renderers that show it.
    better : str
        ``lower``, ``higher``, or empty where rows are not compared by it.
    metric, question : str
        The metric, as catalogued for that question; empty for costs.
    at : str, optional
        The FMR at which it is shown: empty where none could be set, None where the metric needs none.
    group : str
        The attribute whose groups are compared.
    note : str
        Small print below the heading.
    name : str
        Its name in the comparison of two rows; default: the title.
    titles : mapping
        Other headings, by renderer.
    """

    key: str
    title: str
    form: str
    value: Callable[[Row], Any]
    shown: frozenset[str] = EVERYWHERE
    better: str = ""
    metric: str = ""
    question: str = ""
    at: str | None = None
    group: str = ""
    note: str = ""
    name: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    resolves: str = ""
    """The smallest difference that the ranking resolves, in words; empty where rows aren't ranked by the column."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.title)

    def title_in(self, renderer: str) -> str:
        """The heading of this renderer."""
        return self.titles.get(renderer, self.title)

    def measurement(self, row: Row) -> Measurement | None:
        """The row's measurement, for a rate, an index or an attack."""
        value: Figure | Worst = self.value(row)
        return value.headline if isinstance(value, Worst) else value.measurement


def columns(board: Board) -> tuple[Column, ...]:
    """Every column of a board, in the order of the boards."""
    return (
        _rate("eer", "EER"),
        _rate("fnmr", "FNMR", at=board.fmr),
        _rate("rank_1", "Rank-1"),
        *(_attack(place, reading, board) for place, reading in enumerate(board.readings)),
        *(index for place, name in enumerate(board.attributes) for index in _indexes(place, name)),
        *(_unfair() if board.attributes else ()),
        *_points(board),
        *_bits(board),
        *_costs(),
    )


def shown(board: Board, renderer: str, *forms: str) -> tuple[Column, ...]:
    """The columns that a renderer shows, of these forms or of all."""
    return tuple(one for one in columns(board) if renderer in one.shown and (not forms or one.form in forms))


def _rate(key: str, title: str, *, at: str | None = None) -> Column:
    """A figure of recognition; the column has the metric's name."""
    metric = flat(key, at or None)
    way = describe(flat(key, None if at is None else "{fmr}"), VERIFY).better
    return Column(
        key,
        title,
        RATE,
        lambda row: row.verified(metric),
        better=way,
        metric=metric,
        question=VERIFY,
        at=at,
        note=f"{way} recognises better",
        name=title if at is None else f"{title} at FMR {at}",
    )


def _answered(question: str, metric: str, title: str) -> Column:
    """A figure of a question's strongest attack, beside the headline, as ``_answered("link", "d_sys", "D_sys")``."""
    way = describe(metric, question).better
    return Column(
        f"{question}_{metric}",
        title,
        RATE,
        lambda row: row.attacked(question, metric),
        better=way,
        metric=metric,
        question=question,
        note=f"{way} leaks less",
        name=f"{question.capitalize()}: {label(metric)}",
    )


def _attack(place: int, reading: Reading, board: Board) -> Column:
    """The strongest attack on a question."""
    measure, way = label(reading.headline), better(reading)
    return Column(
        reading.question,
        reading.question,
        ATTACK,
        lambda row: row.questions[place],
        better=way,
        metric=reading.headline,
        question=reading.question,
        note=f"{measure}; {way} leaks less",
        name=f"{reading.question.capitalize()}: {measure}",
        resolves=resolves(board.resolved(reading.question)),
    )


def resolves(one: Resolution | None) -> str:
    """``resolves 0.031``; empty without a ranking. Short, as it stands in the head of a column."""
    return "" if one is None else f"resolves {number(one.value)}"


def _indexes(place: int, attribute: str) -> Iterator[Column]:
    """The two fairness indices of an attribute."""
    for index, better_when, fair in (("garbe", "lower", 0), ("fdr", "higher", 1)):
        yield Column(
            f"{index}_{attribute}",
            index.upper(),
            INDEX,
            partial(_index, place=place, name=index),
            frozenset({MARKDOWN, HTML, CSV}),
            better=better_when,
            group=attribute,
            note=f"{fair} = fair",
            name=f"Fairness of {attribute}: {index.upper()}",
        )


def _index(row: Row, *, place: int, name: str) -> Figure:
    fairness = row.fairness[place]
    return fairness.garbe if name == "garbe" else fairness.fdr


def _unfair() -> Iterator[Column]:
    """The fairness index of the attribute whose groups differ most, for narrow boards."""
    yield Column("unfair", "fairness:\nGARBE", UNFAIR, lambda row: row.fairness, frozenset({TERMINAL}))


def _bits(board: Board) -> Iterator[Column]:
    """False-accept security of each kind of faces, where any record has it: at the board's FMR or, of a scheme with a
    built-in threshold that exceeds this FMR, at its own."""
    for group, whose in (
        (security.PRIOR, "faces of a prior"),
        (security.PUBLIC, "public faces, set by the FMR"),
        (security.UNIFORM, "random directions"),
    ):
        names = [flat(name, at, (group,)) for at in (board.fmr, OWN) for name in (security.BITS, security.LEAST_BITS)]
        column = Column(
            flat(security.BITS, group=(group,)),
            f"bits: {whose}",
            BITS,
            partial(_first_of, names=names),
            EVERYWHERE - {LATEX},
            better="higher",
            metric=names[0],
            question=VERIFY,
            at=board.fmr,
            note="key known",
            name=f"False-accept security, {whose}: bits at FMR {board.fmr}",
            titles={TERMINAL: f"bits:\n{group}"},
        )
        if any(column.measurement(row) for row in board.rows):
            yield column


def _points(board: Board) -> Iterator[Column]:
    """Operating points where any record has them; of identification, the largest gallery."""
    verified = {one.name: one for row in board.rows if row.verify for one in row.verify.measurements}
    tails = {one.at: one.name for one in verified.values() if one.metric == "tail_fnmr" and one.at}
    for at in sorted(tails)[-1:]:  # 1e-4 before 1e-5
        yield _point("tail_fnmr", f"FNMR at FMR {at}, by a Pareto tail", tails[at])
    for rate in ("1e-1", "1e-2"):
        metric = f"fnir_at_fpir_{rate}_of"
        sizes = [int(one.group[0]) for one in verified.values() if one.metric == metric and one.group[0].isdecimal()]
        if sizes:
            title = f"FNIR at FPIR {rate}, gallery of {max(sizes)}"
            yield _point(f"fnir_at_fpir_{rate}", title, flat(metric, None, (str(max(sizes)),)))
    worst = flat("worst_tenth_fnmr", board.fmr or None)
    if worst in verified:
        yield _point("worst_tenth_fnmr", f"FNMR at FMR {board.fmr} of the worst tenth", worst)
    fair = {one.name for row in board.rows if row.fair for one in row.fair.measurements}
    for attribute in board.attributes:
        for rate in ("fnmr", "fmr"):
            metric = flat(f"max_ratio_{rate}", board.fairness_fmr or None, (attribute,))
            if metric in fair:
                title = f"{attribute}: {rate.upper()}, maximum ÷ geometric mean"
                yield _point(f"max_ratio_{rate}_{attribute}", title, metric, question=FAIRNESS)
    yield from _failures(board, set(verified), fair)


def _failures(board: Board, verified: set[str], fair: set[str]) -> Iterator[Column]:
    """Failure to acquire and to enrol, FNMR with both, and the ratios between groups, where any record has them."""
    generalised = flat(GENERALISED, board.fmr or None)
    for metric, title, absent in (
        (FTA, "Failure to acquire, of all pictures", NOT_KNOWN),
        (FTE, "Failure to enrol for want of a usable picture, of all subjects", NOT_KNOWN),
        (SCHEME_FTE, "Failure to enrol by the scheme, of enrolments", NONE_REFUSED),
        (generalised, f"FNMR at FMR {board.fmr}, failures counted as rejections", NOT_KNOWN),
    ):
        if metric in verified:
            key = GENERALISED if metric == generalised else metric
            yield _point(key, title, metric, absent=absent)
    for attribute in board.attributes:
        for rate, what in (
            (FTA, "failure to acquire"),
            (FTE, "failure to enrol"),
            (SCHEME_FTE, "failure to enrol by the scheme"),
        ):
            metric = flat(f"max_ratio_{rate}", None, (attribute,))
            if metric in fair:
                title = f"{attribute}: {what}, maximum ÷ geometric mean"
                absent = NONE_REFUSED if rate == SCHEME_FTE else NOT_KNOWN
                yield _point(f"max_ratio_{rate}_{attribute}", title, metric, question=FAIRNESS, absent=absent)


def _point(key: str, title: str, metric: str, *, question: str = VERIFY, absent: str = "") -> Column:
    """A figure at an operating point; ``absent`` is its status in a record that doesn't hold it."""
    return Column(
        key,
        title,
        POINT,
        lambda row: row.at_point(metric, question, absent=absent),
        frozenset({MARKDOWN, HTML, CSV, JSON}),
        better="lower",
        metric=metric,
        question=question,
        note="lower is better",
    )


def _first_of(row: Row, *, names: list[str]) -> Figure:
    """The first of these figures that the row's record has."""
    figures = [row.verified(name) for name in names]
    return next((one for one in figures if one.measurement), figures[0])


def _costs() -> Iterator[Column]:
    def cost(row: Row) -> Any:
        return row.cost

    programs = frozenset({MARKDOWN, CSV})
    yield Column(
        "enrolment",
        "enrol\n× cosine",
        ENROLMENT,
        cost,
        frozenset({TERMINAL, HTML}),
        better="lower",
        note="time relative to cosine",
        name="Enrolment: seconds",
        titles={HTML: "Enrolment"},
    )
    yield Column("seconds_per_enrolment", "enrolment", SECONDS, cost, programs)
    yield Column("enrolment_to_cosine", "enrolment ÷ cosine", RATIO, cost, programs)
    yield Column(
        "bytes_per_template",
        "bytes",
        BYTES,
        cost,
        EVERYWHERE - {JSON},
        better="lower",
        note="bytes",
        name="Template: bytes",
        titles={HTML: "Template"},
    )
    yield Column(
        "key_bytes_per_person",
        "key",
        KEY,
        cost,
        frozenset({HTML, CSV}),
        note="bytes per subject",
        titles={HTML: "Key"},
    )
