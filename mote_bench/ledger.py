"""What a run under way has finished: records written as they are made, with floor and ceiling, and the progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mote_bench import judge, store
from mote_bench.contracts import Cell, Knowledge, Record, Status

Progress = Callable[[int, int, str], None]
"""Called with tasks done, tasks in all, and what was done last."""


@dataclass(eq=False)
class Ledger:
    """The records of a run.

    Attributes
    ----------
    origins : mapping of Cell -> provenance
        What each record says of its making.
    records : dict of Cell -> Record
        The finished ones, those of earlier runs included.
    """

    folder: Path
    cells: Sequence[Cell]
    origins: Mapping[Cell, Mapping[str, str]]
    progress: Progress
    records: dict[Cell, Record]
    _waiting: dict[Cell, Record] = field(default_factory=dict)
    _done: int = 0
    _expected: int = 0

    def pending(self) -> list[Cell]:
        """The cells without a record, in plan order."""
        return [cell for cell in self.cells if cell not in self.records and cell not in self._waiting]

    def expect(self, tasks: int) -> None:
        """So many tasks lie ahead."""
        self._expected = tasks
        self.progress(0, tasks, "starting")

    def tick(self, what: str) -> None:
        """One task is done."""
        self._done += 1
        self.progress(self._done, self._expected, what)

    def add(self, record: Record) -> None:
        """Write a record; one of a control scheme waits until the other control's same cell is there too."""
        self._waiting[record.cell] = replace(record, provenance=self.origins[record.cell])
        ready = [record.cell]
        if record.cell.scheme in judge.CONTROLS:
            pair = [replace(record.cell, scheme=control) for control in judge.CONTROLS]
            ready = pair if all(self._known(cell) or cell not in self.origins for cell in pair) else []
        finished = {cell: self._judged(cell) for cell in ready if cell in self._waiting}
        for cell, judged in finished.items():
            store.write(self.folder, judged)
            self.records[cell] = judged
            del self._waiting[cell]

    def fail(self, cell: Cell, error: str, seconds: float = 0.0) -> None:
        """Write the record of a cell that failed."""
        self.add(Record(cell, Status.FAILED, cost={"seconds": seconds}, error=error))

    def _known(self, cell: Cell) -> bool:
        return cell in self.records or cell in self._waiting

    def _judged(self, cell: Cell) -> Record:
        floor, ceiling = (self._control(cell, scheme) for scheme in judge.CONTROLS)
        return judge.with_controls(self._waiting[cell], floor, ceiling)

    def _control(self, cell: Cell, scheme: str) -> Record | None:
        """The same cell of a control. Controls have no keys to steal: the next weaker knowledge stands in."""
        knowledge = cell.knowledge
        if knowledge == Knowledge.STOLEN_KEY:
            knowledge = "none" if cell.attack == judge.ZERO_EFFORT else str(Knowledge.ALGORITHM)
        control = replace(cell, scheme=scheme, knowledge=knowledge)
        return self._waiting.get(control) or self.records.get(control)
