"""Is the attacker strong enough? The strongest attacks' figures against the number of shadow subjects.

An attack that still gains with more shadow subjects would get more from a scheme than the board shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mote_bench.contracts import Cell, Knowledge, Measurement, Record, Status
from mote_bench.planning.threats import controls_of
from mote_bench.records.provenance import SHADOW_SUBJECTS
from mote_bench.toolkit import stream

from .resampling import influenced, redrawn
from .selection import Reading, find, leak, record_link, threat
from .standings import Board, Row

RISING, FLAT, FALLING, UNCHANGED, UNKNOWN = "still rising", "flat", "falling", "unchanged", "not measured"
_ENDS = (0.025, 0.975)
Weaker = Mapping[int, Sequence[Record]]
"""Number of shadow subjects -> the records of the attacks that held so few."""


@dataclass(frozen=True)
class Strength:
    """One row's strongest attack on one question, with fewer shadow subjects.

    Attributes
    ----------
    row : str
        The row's name on the board.
    points : tuple of (int, Measurement)
        The headline at each number of shadow subjects, all of them last.
    gain : (value, low, high), optional
        How much more leaks at the last point than at the one before, in the headline's unit, with its paired 95 %
        interval over subjects. ``None`` where one of the two was not measured.
    record : str
        Address of the board's record, which holds the last point.
    """

    row: str
    question: str
    metric: str
    attack: str
    points: tuple[tuple[int, Measurement], ...]
    gain: tuple[float, float, float] | None
    record: str

    @property
    def verdict(self) -> str:
        """``still rising`` or ``falling`` where the gain's interval excludes 0; ``flat`` where it holds 0.

        ``unchanged`` where all figures are equal: the attack uses no shadow subjects, or is at its limit.
        """
        return verdict_of([one.value for _, one in self.points], self.gain)


def verdict_of(values: Iterable[float], gain: tuple[float, float, float] | None) -> str:
    """The word for a curve of figures and the gain at its end: value, lower and upper end of its interval."""
    if gain is None:
        return UNKNOWN
    if len(set(values)) == 1:
        return UNCHANGED
    _, low, high = gain
    return RISING if low > 0 else FALLING if high < 0 else FLAT


def cells_to_repeat(board: Board) -> list[Cell]:
    """The cells of the strongest attacks of all rows but the floor's, and the same cells on both controls.

    Attacks whose attacker knows the bytes alone hold no shadow subjects and are left out.
    """
    found: dict[Cell, None] = {}
    for _, _, chosen in _strongest(board):
        if threat(chosen).knowledge is not Knowledge.BYTES_ONLY:
            found |= dict.fromkeys((chosen.cell, *controls_of(chosen.cell)))
    return list(found)


def strengths(board: Board, weaker: Weaker) -> list[Strength]:
    """Each row's strongest attack on each question, for which there are records with fewer shadow subjects."""
    held = {count: {one.cell: one for one in found} for count, found in weaker.items()}
    made = []
    for row, reading, chosen in _strongest(board):
        fewer = {count: cells[chosen.cell] for count, cells in sorted(held.items()) if chosen.cell in cells}
        total = _total(fewer.values())
        if total is not None:
            made.append(_strength(row, reading, chosen, fewer | {total: chosen}))
    return made


def to_publish(boards: Iterable[Board], weaker: Weaker) -> dict[int, list[Record]]:
    """What :func:`strengths` reads of the records, by their number of shadow subjects, fewest first.

    A record keeps its headline alone. The influences of its subjects stay at the largest number of shadow subjects: the
    gain is paired with no other.
    """
    held = {count: {one.cell: one for one in found} for count, found in weaker.items()}
    kept: dict[int, dict[Cell, Record]] = {count: {} for count in sorted(held)}
    for board in boards:
        for _, reading, chosen in _strongest(board):
            counts = [count for count in kept if chosen.cell in held[count]]
            for count in counts:
                kept[count][chosen.cell] = _shortened(held[count][chosen.cell], reading, paired=count == counts[-1])
    return {count: list(found.values()) for count, found in kept.items() if found}


def _shortened(record: Record, reading: Reading, *, paired: bool) -> Record:
    one = find(record, reading.headline)
    influence = record.details.get("influence", {}) if paired and one is not None else {}
    names = [name for name in ("people", reading.headline) if name in influence]
    details = {"influence": {name: influence[name] for name in names}} if names else {}
    return replace(record, measurements=() if one is None else (one,), details=details, rehearsal=())


def _strongest(board: Board) -> Iterator[tuple[Row, Reading, Record]]:
    for row in board.rows:
        for reading, worst in zip(board.readings, row.questions, strict=True):
            if row.role != "floor" and worst.chosen is not None:
                yield row, reading, worst.chosen


def _total(records: Iterable[Record]) -> int | None:
    """The number of all shadow subjects, as the records with fewer of them state it."""
    stated = {str(one.provenance.get(SHADOW_SUBJECTS, "")) for one in records}
    counts = {text.rpartition(" of ")[2] for text in stated}
    only = counts.pop() if len(counts) == 1 else ""
    return int(only) if only.isdecimal() and len(only) < 8 else None


def _strength(row: Row, reading: Reading, chosen: Record, by_count: Mapping[int, Record]) -> Strength:
    measured = {
        count: one
        for count, record in by_count.items()
        if record.status in (Status.OK, Status.UNMEASURED) and (one := find(record, reading.headline)) is not None
    }
    last = sorted(by_count)[-2:]
    gain = None
    if len(last) == 2 and all(count in measured for count in last):
        gain = _gain(reading, [(by_count[count], measured[count]) for count in last])
    return Strength(
        row.name,
        reading.question,
        reading.headline,
        chosen.cell.attack,
        tuple(sorted(measured.items())),
        gain,
        record_link(chosen),
    )


def _gain(reading: Reading, ends: Sequence[tuple[Record, Measurement]]) -> tuple[float, float, float]:
    """How much more the second of two figures leaks, with its paired 95 % interval."""
    cell = ends[0][0].cell
    where = (cell.scheme, cell.attack, cell.question, cell.knowledge)
    figures = [influenced(record, one) for record, one in ends]
    drawn = redrawn(figures, stream(0, "strength", *where, cell.data))
    sign = leak(reading, 1.0)
    value = sign * (ends[1][1].value - ends[0][1].value)
    low, high = np.quantile(sign * (drawn[:, 1] - drawn[:, 0]), _ENDS)
    return value, float(min(low, value)), float(max(high, value))
