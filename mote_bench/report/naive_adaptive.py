"""naive_adaptive.md: attribute inference by classifiers of the stored bytes, beside adaptive attacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mote_bench.analysis.standings import Board, Row, Worst
from mote_bench.contracts import Measurement
from mote_bench.formatting import with_interval

from .markdown import pipe_table, safe

CLASSES = "balanced_accuracy"
"""The headline metric of the questions in the table."""

_HOW_TO_READ = (
    "Balanced accuracy of attribute inference from the same templates, with its 95 % confidence interval over "
    "subjects. Three attackers are compared: a logistic regression on the stored bytes (the usual evaluation in "
    "papers), the strongest classifier of the stored bytes, and the strongest adaptive attack. An adaptive attack "
    "queries the template, inverts it or uses how it is made. *Adaptive leaks more*: the adaptive result is above that "
    "of the usual evaluation, and their 95 % intervals do not overlap. Such a scheme hides the attribute only from a "
    "naive attacker. `cosine` is the unprotected embedding."
)
_TITLES = ("scheme", "attribute", "n", "usual evaluation", "strongest naive", "strongest adaptive", "comparison")


def naive_adaptive_md(boards: Sequence[Board]) -> str:
    """A table per board that holds both kinds of attack."""
    tables = [part for board in boards for part in _section(board)] or ["No records yet."]
    return "\n\n".join(["# Naive against adaptive attackers", _HOW_TO_READ, *tables]) + "\n"


def _section(board: Board) -> list[str]:
    lines = [_line(one) for one in readers(board)]
    title = f"## {safe(board.data)}, protocol {safe(board.protocol)}, seed {board.seed}"
    return [title, pipe_table(_TITLES, lines)] if lines else []


def _line(one: Readers) -> list[str]:
    def cell(measured: Measurement, attack: str) -> str:
        return f"{with_interval(measured)}<br>{safe(attack)}"

    return [
        safe(one.row.name),
        safe(one.worst.question),
        str(one.adaptive.n),
        with_interval(one.usual),
        cell(one.naive, one.worst.naive_attack),
        cell(one.adaptive, one.worst.adaptive_attack),
        "adaptive leaks more" if one.apart else "intervals overlap",
    ]


@dataclass(frozen=True)
class Readers:
    """Inference of one attribute from one scheme's templates by three attackers.

    Attributes
    ----------
    apart : bool
        Whether the adaptive result is above that of the usual evaluation, and the intervals do not overlap.
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
    """Every scheme but the floor, for every attribute that all three attacked; the largest difference first."""
    found = [
        Readers(row, worst, worst.usual, worst.naive, worst.adaptive)
        for row in board.rows
        if row.role != "floor"
        for reading, worst in zip(board.readings, row.questions, strict=True)
        if reading.headline == CLASSES and worst.usual and worst.naive and worst.adaptive
    ]
    return sorted(found, key=lambda one: (one.worst.question, one.usual.value - one.adaptive.value, one.row.name))
