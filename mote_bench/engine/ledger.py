"""The records of a run in progress: each is written once its controls are there; progress is reported."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mote_bench.contracts import Cell, Record, Status
from mote_bench.engine import scoring
from mote_bench.engine.time_left import TimeLeft, Took, Work
from mote_bench.execution.outcome import Outcome
from mote_bench.execution.progress import Progress
from mote_bench.execution.redaction import redacted
from mote_bench.planning.threats import controls_of
from mote_bench.records import store


@dataclass(eq=False)
class Ledger:
    """The records of a run.

    Attributes
    ----------
    origins : mapping of Cell -> provenance
        The provenance of each cell's record.
    records : dict of Cell -> Record
        The finished records, including those kept from earlier runs.
    """

    folder: Path
    cells: Sequence[Cell]
    origins: Mapping[Cell, Mapping[str, str]]
    progress: Progress
    records: dict[Cell, Record]
    _waiting: dict[Cell, Record] = field(default_factory=dict)
    _done: int = 0
    _expected: int = 0
    _start: float = 0.0
    _cpu: float = 0.0
    _peak: int = 0
    _left: TimeLeft = field(default_factory=lambda: TimeLeft.of((), ()))

    def pending(self) -> list[Cell]:
        """The cells without a record, in plan order."""
        return [cell for cell in self.cells if cell not in self.records and cell not in self._waiting]

    def found(self, cell: Cell) -> Record:
        """The record of a cell, whether those on the controls are there yet or not."""
        return self._waiting.get(cell) or self.records[cell]

    def expect(self, tasks: Sequence[Work], controls: Collection[str]) -> None:
        """Set the number of tasks ahead."""
        self._expected, self._start, self._left = len(tasks), time.monotonic(), TimeLeft.of(tasks, controls)
        self.progress(0, len(tasks), "starting")

    def tick(self, work: Work, seconds: float, what: str) -> None:
        """Count one finished task."""
        self._done += 1
        self._left.add(work, seconds)
        left = self._left.left(time.monotonic() - self._start)
        self.progress(self._done, self._expected, f"{left or 'estimating the time left'}; {what}")

    def expected(self, attack: Work) -> float:
        """What an attack should take in seconds, by the attacks so far."""
        return self._left.expected(attack)

    def spent(self, outcome: Outcome) -> None:
        """Count what a task used of the processor and of memory."""
        self._cpu += outcome.cpu_seconds
        self._peak = max(self._peak, outcome.peak_bytes)

    @property
    def cost(self) -> dict[str, Any]:
        """Processor seconds of all tasks so far, the largest worker's peak memory, and seconds by stage."""
        stages = {stage: round(seconds, 3) for stage, seconds in self._left.took(0.0, 1).stages.items()}
        return {"cpu_seconds": self._cpu, "peak_gigabytes": self._peak / 1e9, "stage_seconds": stages}

    def took(self, workers: int) -> Took:
        """What the tasks so far took, by so many workers."""
        return self._left.took(time.monotonic() - self._start, workers)

    def drop(self, scheme: str) -> None:
        """The tasks that a scheme has left won't be run."""
        self._left.drop(scheme)

    def add(self, record: Record) -> None:
        """Add a record; it is written once the records of the same cell on both controls are there."""
        self._waiting[record.cell] = replace(record, provenance=self.origins[record.cell])
        ready = [cell for cell in self._waiting if all(map(self._settled, controls_of(cell)))]
        finished = {cell: self._with_controls(cell) for cell in ready}
        for cell, record in finished.items():
            store.write(self.folder, record)
            self.records[cell] = record
            del self._waiting[cell]

    def fail(self, cell: Cell, error: str, *, seconds: float = 0.0, status: Status = Status.FAILED) -> None:
        """Add the record of a cell that failed or timed out."""
        self.add(Record(cell, status, cost={"seconds": seconds}, error=redacted(error)))

    def _settled(self, cell: Cell) -> bool:
        return cell in self.records or cell in self._waiting or cell not in self.origins

    def _with_controls(self, cell: Cell) -> Record:
        floor, ceiling = (self._waiting.get(one) or self.records.get(one) for one in controls_of(cell))
        return scoring.with_controls(self._waiting[cell], floor, ceiling)
