"""Whether schemes rank the same by another recogniser: boards of the same target subjects, beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mote_bench.contracts import Measurement, flat
from mote_bench.records.provenance import RECOGNISER, SUBJECTS
from mote_bench.records.published import PUBLISHED

from .agreement import FEWEST, Agreement, Pair, agreements
from .orders import Agreeing
from .standings import NOT_RUN, Board, Row, printed

RECOGNITION = "recognition"


@dataclass(frozen=True)
class Place:
    """One scheme's figure by one recogniser, or the word that stands for it."""

    measurement: Measurement | None
    word: str = ""


@dataclass(frozen=True, eq=False)
class ComparedProperty:
    """One property, by every recogniser.

    Attributes
    ----------
    question : str
        A question's id, or :data:`RECOGNITION`.
    metric : str
    rows : mapping of row name -> places
        A place for each recogniser, in the order of :attr:`Across.recognisers`.
    orders : mapping of (recogniser, recogniser) -> Agreement
        For questions, of every two recognisers with enough common rows.
    """

    question: str
    metric: str
    rows: Mapping[str, tuple[Place, ...]]
    orders: Mapping[tuple[str, str], Agreement]

    @property
    def verdict(self) -> str:
        """Whether the order holds: ``yes`` by every two recognisers, ``no`` by some two, otherwise ``inconclusive``."""
        found = {one.verdict for one in self.orders.values()}
        if not found:
            return f"fewer than {FEWEST} rows"
        return "no" if "no" in found else "inconclusive" if "inconclusive" in found else "yes"


@dataclass(frozen=True, eq=False)
class Across:
    """The boards of one protocol and seed that attack the same target subjects, each by another recogniser."""

    protocol: str
    seed: int
    data: tuple[str, ...]
    recognisers: tuple[str, ...]
    properties: tuple[ComparedProperty, ...]


def across(boards: Sequence[Pair], *, agreeing: Agreeing = agreements) -> list[Across]:
    """All that can be compared; empty where no two boards have the same target subjects and other recognisers.

    What made the embeddings, and who the target subjects are, is in the provenance of the records. Of two boards of
    one recogniser, such as with and without an attacker from elsewhere, the first counts.

    Parameters
    ----------
    agreeing : callable
        Computes the agreements of two boards; a caller that needs them elsewhere too gives one that keeps them.
    """
    return [_across(group, agreeing) for group in groups(boards)]


def groups(boards: Sequence[Pair]) -> list[dict[str, Pair]]:
    """The boards that are compared with each other, by recogniser."""
    found: dict[tuple[str, int, str], dict[str, Pair]] = {}
    for pair in boards:
        stated = _stated(pair)
        if stated is not None:
            recogniser, subjects = stated
            found.setdefault((pair[0].protocol, pair[0].seed, subjects), {}).setdefault(recogniser, pair)
    return [group for group in found.values() if len(group) > 1]


def _stated(pair: Pair) -> tuple[str, str] | None:
    """Recogniser and subjects of a board, where all records of its own say the same."""
    own = [one.provenance for one in pair[1] if PUBLISHED not in one.provenance]
    told = {(one.get(RECOGNISER, ""), one.get(SUBJECTS, "")) for one in own}
    return told.pop() if len(told) == 1 and all(next(iter(told))) else None


def _across(group: Mapping[str, Pair], agreeing: Agreeing) -> Across:
    pairs = list(group.values())
    boards = [board for board, _ in pairs]
    found = {
        (one, other): {each.question: each for each in agreeing(group[one], group[other])}
        for one, other in combinations(group, 2)
    }
    properties = list(_recognition(boards))
    for reading in boards[0].readings:
        orders = {both: held[reading.question] for both, held in found.items() if reading.question in held}
        leaks = [{row.name: _leak(row, reading.question) for row in board.rows} for board in boards]
        properties.append(ComparedProperty(reading.question, reading.headline, _beside(leaks), orders))
    data = tuple(board.data for board in boards)
    return Across(boards[0].protocol, boards[0].seed, data, tuple(group), tuple(properties))


def _recognition(boards: Sequence[Board]) -> Iterator[ComparedProperty]:
    """The equal error rate, and FNMR at the FMR of all boards."""
    rates = {board.fmr for board in boards}
    for metric in ("eer", *(flat("fnmr", rate) for rate in rates if rate and len(rates) == 1)):
        figures = [{row.name: _figure(row, metric) for row in board.rows} for board in boards]
        yield ComparedProperty(RECOGNITION, metric, _beside(figures), {})


def _beside(columns: Sequence[Mapping[str, Place]]) -> dict[str, tuple[Place, ...]]:
    """A row for each name of any board, in the order of the first that has it."""
    names = dict.fromkeys(name for column in columns for name in column)
    absent = Place(None, printed(NOT_RUN))
    return {name: tuple(column.get(name, absent) for column in columns) for name in names}


def _figure(row: Row, metric: str) -> Place:
    found = row.verified(metric)
    return Place(found.measurement, "" if found.measurement else found.word)


def _leak(row: Row, question: str) -> Place:
    for one in row.questions:
        if one.question == question:
            return Place(one.headline, "" if one.headline else one.word)
    return Place(None, printed(NOT_RUN))
