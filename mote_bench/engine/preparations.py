"""What several attacks compute first from the same stolen templates: run once, and handed to each of them.

The templates are stolen before a question is asked, so nothing that is prepared can depend on one. Each stolen database
is shuffled by itself; an attack gets the rows of what was prepared in the order of its own evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Cell, Preparation, Threat
from mote_bench.engine import staging, tasks
from mote_bench.engine.evidence import NO_DATABASE, databases, handed, steal_database
from mote_bench.engine.time_left import ATTACK, PREPARE, Work
from mote_bench.execution.outcome import Outcome
from mote_bench.execution.workers import Task
from mote_bench.planning.plan import Plan
from mote_bench.planning.settings import Setting
from mote_bench.questions.staging import EnrolledScheme, Index, Staged, VerificationTargets
from mote_bench.toolkit import stream, stream_seed


@dataclass(frozen=True)
class Job:
    """One preparation on one stolen database, or on the running system.

    Attributes
    ----------
    protocol, data, scheme : str
        As in a cell.
    threat : str
        The threat with one template per subject.
    database : str
        ``first``, ``second``, ``renewed 1`` and so on; empty for a preparation that is run once, not per database.
    name : str
        The preparation's name.
    code : str
        Where it is defined: two plug-ins may use one name for different preparations.
    """

    protocol: str
    data: str
    scheme: str
    threat: str
    database: str
    name: str
    code: str

    @property
    def work(self) -> Work:
        """The task's kind, for what it should take."""
        return Work(ATTACK, self.scheme, Threat.parse(self.threat).knowledge, f"{PREPARE} {self.name}")


def jobs_of(cell: Cell, plan: Plan) -> dict[Job, Preparation]:
    """The preparations that a cell's attack starts from, on each database that its question gives it."""
    attack, question = plan.attacks[cell.attack], plan.questions[cell.question]
    threat = Threat.parse(cell.knowledge)
    where = (cell.protocol, cell.data, cell.scheme, replace(threat, records=1).name)
    held = databases(question, threat)
    return {
        Job(*where, database, one.name, f"{type(one).__module__}.{type(one).__qualname__}"): one
        for one in getattr(attack, "prepares", ())
        for database in (held if one.per_database else (NO_DATABASE,))
    }


@dataclass(frozen=True, eq=False)
class _Made:
    """A finished preparation, with the subject of each row and the queries that it made of each."""

    people: Index
    outcome: Outcome


@dataclass(eq=False)
class Preparations:
    """The preparations of a run's attacks: which each needs, which are done, and what they gave.

    Parameters
    ----------
    enrolled : mapping of str -> EnrolledScheme
        By the scheme's name.
    cells : iterable of Cell
        The attacks ahead. What was prepared is forgotten once the last of them that needs it has been handed it.
    """

    setting: Setting
    enrolled: Mapping[str, EnrolledScheme]
    cells: Iterable[Cell]
    _needed: dict[Cell, dict[Job, Preparation]] = field(init=False)
    _preparations: dict[Job, Preparation] = field(default_factory=dict)
    _waiting: dict[Job, int] = field(default_factory=dict)
    _people: dict[Job, Index] = field(default_factory=dict)
    _made: dict[Job, _Made] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._needed = {cell: jobs_of(cell, self.setting.plan) for cell in self.cells}
        for jobs in self._needed.values():
            self._preparations |= jobs
            for job in jobs:
                self._waiting[job] = self._waiting.get(job, 0) + 1

    def needed(self, cell: Cell) -> tuple[Job, ...]:
        """The preparations that a cell needs."""
        return tuple(self._needed[cell])

    def ready(self, cell: Cell) -> bool:
        """Whether all that a cell needs is done, well or not."""
        return all(job in self._made for job in self._needed[cell])

    def task(self, job: Job) -> Task:
        """The task of a preparation.

        Raises
        ------
        ValueError
            When the evidence can't be built, such as access to decisions without a threshold.
        """
        setting, seed = self.setting, self.setting.seed
        threat = Threat.parse(job.threat)
        where = (job.protocol, job.data, job.scheme, job.threat)
        enrolled = self.enrolled[job.scheme]
        evidence, self._people[job] = steal_database(
            enrolled.leaked or enrolled,
            job.database,
            threat,
            scene=staging.scene(setting, threat),
            rng=stream(seed, "theft", *where, job.database),
        )
        # One stream for all databases and preparations: so two of them can present the same probes.
        own = stream_seed(seed, "prepare", *where)
        arguments = (self._preparations[job], evidence, own, setting.protocol.seconds_per_attack)
        return Task(job, tasks.prepare, arguments)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Keep what a preparation gave."""
        self._made[job] = _Made(self._people.pop(job, np.empty(0, dtype=np.intp)), outcome)

    def failed(self, cell: Cell) -> Outcome | None:
        """The first of the cell's preparations that failed, if one did."""
        return next((self._made[job].outcome for job in self._needed[cell] if self._made[job].outcome.error), None)

    def seconds(self, cell: Cell) -> float:
        """What the cell's preparations took."""
        return sum(self._made[job].outcome.seconds for job in self._needed[cell])

    def hand(self, cell: Cell, seed: int) -> tuple[Staged, VerificationTargets | None]:
        """A cell's staged evidence with what was prepared for it, and the templates for its reconstructions.

        Raises
        ------
        ValueError
            When the evidence can't be built.
        """
        jobs = self._needed[cell]
        staged, targets = staging.stage(
            self.setting, cell, self.enrolled[cell.scheme], seed, used=self._used(jobs, self.enrolled[cell.scheme])
        )
        made = [(job, self._made[job]) for job in jobs]
        return handed(
            staged, ((job.database, job.name, one.outcome.value.prepared, one.people) for job, one in made)
        ), targets

    def release(self, cell: Cell) -> None:
        """Forget what no other cell needs."""
        for job in self._needed[cell]:
            self._waiting[job] -= 1
            if not self._waiting[job]:
                self._made.pop(job, None)

    def _used(self, jobs: Iterable[Job], enrolled: EnrolledScheme) -> npt.NDArray[np.int64] | None:
        """(subjects,) queries that the preparations made of each attacked subject; ``None`` without online access."""
        used = None
        for job in jobs:
            made = self._made[job]
            if made.outcome.value.used is not None:
                used = np.zeros(len(enrolled.first.templates), dtype=np.int64) if used is None else used
                used[made.people] += made.outcome.value.used
        return used
