"""One measurement of a run, looked up by its coordinates."""

from __future__ import annotations

from collections.abc import Iterable

from mote_bench.contracts import Measurement, Record


def value(records: Iterable[Record], metric: str, **wanted: str) -> Measurement:
    """The one measurement of this metric whose cell has these coordinates (scheme, attack, question, ...)."""
    [found] = [
        one
        for record in records
        for one in record.measurements
        if one.name == metric and all(getattr(record.cell, name) == is_ for name, is_ in wanted.items())
    ]
    return found
