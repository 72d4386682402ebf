"""results.csv: every measurement of every record, one per row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from mote_bench.contracts import Measurement, Record, Status
from mote_bench.formatting import exact, inert

COLUMNS = (
    "protocol",
    "data",
    "scheme",
    "attack",
    "question",
    "knowledge",
    "metric",
    "value",
    "low",
    "high",
    "n",
    "floor",
    "ceiling",
    "status",
    "seed",
)


def results_csv(records: Sequence[Record]) -> str:
    """The tidy table, sorted; numbers are printed so that they parse to the same float.

    A failed record is one row without a metric, so that every cell of a run is in its results.
    """
    return written(COLUMNS, sorted(row for record in records for row in _rows(record)))


def written(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """CSV text with a header line and Unix line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _rows(record: Record) -> Iterator[list[str]]:
    measurements: Sequence[Measurement | None] = record.measurements
    if record.status in (Status.FAILED, Status.TIMED_OUT) or not measurements:
        measurements = [None]
    for one in measurements:
        yield _row(record, one)


def _row(record: Record, one: Measurement | None) -> list[str]:
    cell = record.cell
    names = [
        inert(name) for name in (cell.protocol, cell.data, cell.scheme, cell.attack, cell.question, cell.knowledge)
    ]
    figures = [""] * 7 if one is None else _figures(one)
    return [*names, *figures, str(record.status), str(cell.seed)]


def _figures(one: Measurement) -> list[str]:
    numbers = [exact(one.value), exact(one.low), exact(one.high), str(one.n), exact(one.floor), exact(one.ceiling)]
    return [inert(one.name), *numbers]
