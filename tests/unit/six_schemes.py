"""Boards of six schemes and the controls, attacked once each: the least that orders are compared on."""

from __future__ import annotations

from collections.abc import Mapping

from mote_bench.contracts import CEILING, FLOOR, Cell, Measurement, Record, Status

SCHEMES = ("biohash", "mote", "nfr", "csn", "ive", "leace")
UP = {name: 0.5 + 0.06 * place for place, name in enumerate(SCHEMES)} | {CEILING: 0.97, FLOOR: 0.5}


def board_of(data: str, values: Mapping[str, float] = UP, seed: int = 0, **provenance: str) -> list[Record]:
    """The records of one board: verification, and the balanced accuracy of gender by scheme."""
    found = []
    for scheme, value in values.items():
        for question, metric, held, attack in (
            ("verify", "eer", 0.02, "zero-effort"),
            ("gender", "balanced_accuracy", value, "vote-answers"),
        ):
            knowledge = "none" if attack == "zero-effort" else "algorithm"
            one = Measurement(metric, held, held - 0.01, held + 0.01, 100, 0.5, 0.5, 0.99)
            cell = Cell("people-2", data, scheme, attack, question, knowledge, seed)
            found.append(Record(cell, Status.OK, (one,), rehearsal=(one,), provenance=provenance))
    return found
