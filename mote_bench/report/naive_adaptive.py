"""naive_adaptive.md: what classifiers of stored bytes read of an attribute, beside attacks that do more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

from mote_bench.analysis.standings import Board, Row, Worst
from mote_bench.contracts import Measurement
from mote_bench.formatting import number, span

from .markdown import safe

CLASSES = "balanced_accuracy"
"""The headline of the questions that the table is about."""

_HOW_TO_READ = (
    "What three attackers with the same records read of an attribute, as balanced accuracy with its 95 % interval over "
    "people: a logistic regression on the stored bytes, as papers usually evaluate; the strongest classifier of the "
    "stored bytes; and the strongest attack that queries the template, inverts it or knows how it is made. *Apart*: "
    "the last lies above the first and their intervals don't overlap, so that the scheme hides the attribute only "
    "from those who don't ask. `cosine` hides nothing."
)
_TITLES = ("scheme", "attribute", "n", "as usually evaluated", "best reader of bytes", "adaptive", "intervals")


def naive_adaptive_md(boards: Sequence[Board]) -> str:
    """A table per board on which both kinds of attack were tried."""
    tables = [part for board in boards for part in _section(board)] or ["No records yet."]
    return "\n\n".join(["# Naive against adaptive attackers", _HOW_TO_READ, *tables]) + "\n"


def _section(board: Board) -> list[str]:
    lines = [_line(one) for one in readers(board)]
    title = f"## {safe(board.data)}, protocol {safe(board.protocol)}, seed {board.seed}"
    return [title, tabulate(lines, headers=_TITLES, tablefmt="pipe", disable_numparse=True)] if lines else []


def _line(one: Readers) -> list[str]:
    def cell(measured: Measurement, attack: str) -> str:
        return f"{number(measured.value)} {span(measured)}<br>{safe(attack)}"

    return [
        safe(one.row.name),
        safe(one.worst.question),
        str(one.adaptive.n),
        f"{number(one.usual.value)} {span(one.usual)}",
        cell(one.naive, one.worst.naive_attack),
        cell(one.adaptive, one.worst.adaptive_attack),
        "apart" if one.apart else "overlap",
    ]


@dataclass(frozen=True)
class Readers:
    """One attribute of one scheme, as three attackers with the same records read it.

    Attributes
    ----------
    apart : bool
        Whether the adaptive attacker reads more than the usual evaluation, and the intervals don't overlap.
    """

    row: Row
    worst: Worst
    usual: Measurement
    naive: Measurement
    adaptive: Measurement

    @property
    def apart(self) -> bool:
        return self.adaptive.low > self.usual.high


def readers(board: Board) -> list[Readers]:
    """Every scheme but the floor, for every attribute that all three were tried on; the widest gap first."""
    found = [
        Readers(row, worst, worst.usual, worst.naive, worst.adaptive)
        for row in board.rows
        if row.role != "floor"
        for reading, worst in zip(board.readings, row.questions, strict=True)
        if reading.headline == CLASSES and worst.usual and worst.naive and worst.adaptive
    ]
    return sorted(found, key=lambda one: (one.worst.question, one.usual.value - one.adaptive.value, one.row.name))
