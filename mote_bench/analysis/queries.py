"""How an attack's success rises with its online queries of each subject, and falls with limits of the system."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mote_bench.analysis.selection import Reading, better, find
from mote_bench.contracts import BY_LIMITS, BY_QUERIES, Limits, Record

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
