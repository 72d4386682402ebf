"""How an attack's success rises with the online queries that it makes of each subject."""

from __future__ import annotations

from mote_bench.analysis.selection import Reading, better, find
from mote_bench.contracts import BY_QUERIES, Record

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
    whole = find(record, reading.headline)
    if whole is None or whole.ceiling is None:
        return None
    least = whole.chance if whole.chance is not None else whole.floor
    if least is None:
        return None
    half, sign = (least + whole.ceiling) / 2, 1 if better(reading) == "lower" else -1
    return next((n for n, (value, _, _) in reached_by_queries(record, reading) if sign * value >= sign * half), None)
