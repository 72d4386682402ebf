"""How an attack's success rises with its online queries of each subject, and falls with limits of the system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mote_bench.analysis.selection import (
    Reading,
    attacks_on,
    better,
    find,
    is_valid,
    leak,
    of_one_record,
    record_link,
    strongest,
    threat,
)
from mote_bench.analysis.standings import Board, Row
from mote_bench.analysis.strength import verdict_of
from mote_bench.contracts import BY_LIMITS, BY_QUERIES, Access, Limits, Measurement, Record
from mote_bench.metrics.differences import difference
from mote_bench.metrics.intervals import Z

Interval = tuple[float, float, float]
"""Value, lower and upper end."""


def reached_by_queries(record: Record, reading: Reading) -> list[tuple[int, Interval]]:
    """The headline at each number of queries per subject, the attack's own last; empty where the record holds none."""
    found = []
    for one in record.details.get(BY_QUERIES) or ():
        figures = one["measurements"].get(reading.headline)
        if figures is not None:
            found.append((int(one["queries"]), (float(figures[0]), float(figures[1]), float(figures[2]))))
    whole, spent = find(record, reading.headline), find(record, "queries_per_person")
    if found and whole is not None and spent is not None:
        found.append((round(spent.value), (whole.value, whole.low, whole.high)))
    return found


def queries_to_half(record: Record, reading: Reading) -> int | None:
    """The fewest queries per subject that reach half of the way from chance to the ceiling; ``None`` if none do.

    Chance is the metric's own, or the floor where it has none; the ceiling is the same attack on ``cosine`` with all
    queries.
    """
    return _to_half(record, reading, reached_by_queries(record, reading))


def gain_of_queries(reached: Sequence[tuple[int, Interval]], reading: Reading) -> Interval | None:
    """How much more leaks with all queries than with the number before, in the headline's unit; None below two numbers.

    Records hold no influences with fewer queries, so the 95 % interval can't be paired. It is that of the difference
    of two independent figures, from their own intervals (MOVER; Zou & Donner, Stat. Med. 27, 2008). The two are of the
    same subjects and move together, so that it is wider than a paired one.

    Examples
    --------
    >>> reached = [(8, (0.2, 0.17, 0.24)), (16, (0.5, 0.46, 0.53))]
    >>> [round(one, 3) for one in gain_of_queries(reached, Reading("reconstruct", "success_gain_at_fmr_1e-3"))]
    [0.3, 0.243, 0.342]
    """
    ends = [value for queries, value in reached if queries < reached[-1][0]][-1:] + [value for _, value in reached[-1:]]
    if len(ends) < 2:
        return None
    before, last = (Measurement(reading.headline, *value, n=0) for value in ends)
    found = difference(before, last, together=0.0, worse=leak(reading, 1.0), z=Z)
    return found.value, found.low, found.high


@dataclass(frozen=True)
class Queried:
    """A row's strongest online attack that was tried with fewer queries, on one question.

    Attributes
    ----------
    row : str
        The row's name on the board.
    access : str
        ``scores`` or ``decisions``: how the system answers.
    reached : tuple of (int, (value, low, high))
        The headline at each number of queries per subject, the attack's own last.
    gain : (value, low, high), optional
        As :func:`gain_of_queries`.
    record : str
        Address of the attack's record.
    stronger : str
        The online attack that is stronger with all queries, and wasn't tried with fewer; empty if there is none.
    """

    row: str
    question: str
    metric: str
    access: str
    attack: str
    reached: tuple[tuple[int, Interval], ...]
    gain: Interval | None
    record: str
    stronger: str

    @property
    def verdict(self) -> str:
        """``still rising``, ``flat``, ``falling`` or ``unchanged``."""
        return verdict_of([value for _, (value, _, _) in self.reached], self.gain)


def queried(board: Board, records: Sequence[Record]) -> list[Queried]:
    """Each row's strongest online attack with fewer queries, by question and by what the system answers.

    Rows of the floor control are left out.
    """
    return [one for row in board.rows if row.role != "floor" for one in _of_row(row, board, records)]


def _of_row(row: Row, board: Board, records: Sequence[Record]) -> Iterator[Queried]:
    for reading in board.readings:
        attacks = of_one_record(attacks_on(records, row.scheme, reading.question, key=row.key))
        valid = [one for one in attacks if is_valid(one, reading)]
        for access in (Access.SCORES, Access.DECISIONS):
            online = [one for one in valid if threat(one).access is access]
            tried = strongest([one for one in online if len(reached_by_queries(one, reading)) > 1], reading)
            best = strongest(online, reading)
            if tried is None or best is None:
                continue
            reached = tuple(reached_by_queries(tried, reading))
            yield Queried(
                row.name,
                reading.question,
                reading.headline,
                str(access),
                tried.cell.attack,
                reached,
                gain_of_queries(reached, reading),
                record_link(tried),
                "" if best.cell == tried.cell else best.cell.attack,
            )


@dataclass(frozen=True)
class Limited:
    """What an attack reaches under one limit of the running system.

    Attributes
    ----------
    limits : Limits
        The limit, without a number of queries.
    whole : (value, low, high), optional
        The headline with all queries that the protocol allows.
    fewer : tuple of (int, (value, low, high))
        The headline at each smaller number of queries per subject.
    half : int, optional
        The fewest of these queries that reach half of the way from chance to the ceiling, as :func:`queries_to_half`.
    """

    limits: Limits
    whole: Interval | None
    fewer: tuple[tuple[int, Interval], ...]
    half: int | None

    @property
    def said(self) -> str:
        """The limit in words."""
        one = self.limits
        words = [] if one.digits is None else [f"{one.digits} {'digit' if one.digits == 1 else 'digits'}"]
        words += [f"noise {one.noise:g}"] if one.noise else []
        words += [] if one.rejections is None else [f"{one.rejections} rejections"]
        return ", ".join(words) or "no limit"


def reached_under_limits(record: Record, reading: Reading) -> list[Limited]:
    """The headline under each limit that the attack was tried under; empty where the record holds none."""
    found: dict[Limits, list[tuple[int | None, Interval]]] = {}
    for one in record.details.get(BY_LIMITS) or ():
        figures, limits = one["measurements"].get(reading.headline), Limits(**one["limits"])
        if figures is not None:
            value = (float(figures[0]), float(figures[1]), float(figures[2]))
            found.setdefault(replace(limits, queries=None), []).append((limits.queries, value))
    limited = []
    for limits, values in found.items():
        fewer = [(queries, value) for queries, value in values if queries is not None]
        whole = next((value for queries, value in values if queries is None), None)
        limited.append(Limited(limits, whole, tuple(fewer), _to_half(record, reading, fewer)))
    return limited


def _to_half(record: Record, reading: Reading, reached: list[tuple[int, Interval]]) -> int | None:
    whole = find(record, reading.headline)
    if whole is None or whole.ceiling is None:
        return None
    least = whole.chance if whole.chance is not None else whole.floor
    if least is None:
        return None
    half, sign = (least + whole.ceiling) / 2, 1 if better(reading) == "lower" else -1
    return next((n for n, (value, _, _) in reached if sign * value >= sign * half), None)
