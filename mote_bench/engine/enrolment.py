"""A run's first stage: fits each scheme and enrols target, selection, shadow and calibration subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import NOT_ENROLLED, Faces, FloatArray, Key, Scheme, Shadow
from mote_bench.engine import tasks
from mote_bench.engine.key_regimes import KeyRegime, dealt
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome
from mote_bench.planning.protocol import Protocol
from mote_bench.planning.split import Split
from mote_bench.questions.staging import Database, EnrolledScheme
from mote_bench.toolkit import enrolled_rows, revocable, stream_seed

TARGET, SELECTION, SHADOW, CALIBRATION = "target", "rehearsal", "shadow", "calibration"
FURTHER = "further"
"""The shadow subjects, enrolled by the attacked system: its further subjects, whom an attacker may know."""
_SECOND = {TARGET: "second", SELECTION: "rehearsal-second", SHADOW: "shadow-second", FURTHER: "further-second"}
_SHOWN = {name: f"{name} subjects" for name in (TARGET, SHADOW, CALIBRATION, FURTHER)} | {
    SELECTION: "selection subjects"
}
_SHOWN |= {second: f"{_SHOWN[first]} a second time" for first, second in _SECOND.items()}
_RENEWED = "renewed"
_FEWEST = 2
"""Enrolled subjects of a set without whom nothing can be compared."""
_OF_ATTACKER = {SHADOW, _SECOND[SHADOW]}


@dataclass(frozen=True, eq=False)
class Held:
    """One enrolled scheme, the calibration subjects' templates, and (people, seconds) of each enrolment task.

    ``stated`` goes into the details of each attack's record, ready for JSON.
    ``further`` are the shadow subjects as the attacked system itself enrols them, where that is wanted.
    ``refuses`` says that the scheme could not enrol some subject of any set.
    """

    enrolled: EnrolledScheme
    calibration: Database
    timings: tuple[tuple[int, float], ...]
    stated: Mapping[str, Any] = field(default_factory=dict)
    further: Shadow | None = None
    refuses: bool = False

    def with_shadow(self, count: int) -> Held:
        """The same system, attacked with the first ``count`` shadow subjects only."""
        shadow = self.enrolled.shadow
        return self.against(shadow.rows(np.arange(min(count, len(shadow.references)))))

    def against(self, shadow: Shadow) -> Held:
        """The same system, attacked with these shadow subjects."""
        return replace(self, enrolled=replace(self.enrolled, shadow=shadow))


def in_words(people: str) -> str:
    """A set of people for progress messages; its own name stays, as random streams are derived from it."""
    return "target subjects for renewal" if people.startswith(_RENEWED) else _SHOWN[people]


@dataclass(frozen=True)
class Chunk:
    """The part of a people set that one task enrols, from person ``start`` on."""

    scheme: str
    people: str
    start: int


@dataclass(frozen=True, eq=False)
class Enrolment:
    """The people sets to enrol with each scheme, their keys, and the settings that enrolment tasks depend on."""

    schemes: Mapping[str, Scheme]
    sets: Mapping[str, FloatArray]
    keys: Mapping[tuple[str, str], tuple[Key, ...] | None]
    renewed_people: npt.NDArray[np.intp]
    people_per_task: int
    seed: int

    def chunks(self) -> list[Chunk]:
        """The parts that all tasks enrol, schemes in the order given."""
        return [
            Chunk(scheme, people, start)
            for scheme in self.schemes
            for people, references in self.sets.items()
            for start in range(0, len(references), self.people_per_task)
        ]

    def size(self, chunk: Chunk) -> int:
        """How many people a chunk holds."""
        return min(self.people_per_task, len(self.sets[chunk.people]) - chunk.start)

    def task(self, chunk: Chunk) -> workers.Task:
        """The task that enrols a chunk; each person has their own random stream."""
        rows = slice(chunk.start, chunk.start + self.people_per_task)
        references, keys = self.sets[chunk.people][rows], self.keys[chunk.scheme, chunk.people]
        people = range(chunk.start, chunk.start + len(references))
        seeds = [stream_seed(self.seed, "enroll", chunk.scheme, chunk.people, person) for person in people]
        arguments = (self.schemes[chunk.scheme], references, None if keys is None else keys[rows], seeds)
        return workers.Task(chunk, tasks.enroll, arguments)

    def held(self, scheme: str, made: Mapping[Chunk, Outcome], split: Split) -> Held:
        """One enrolled scheme, from the outcomes of all its chunks."""
        mine = {chunk: made[chunk] for chunk in self.chunks() if chunk.scheme == scheme}

        def database(people: str) -> Database:
            chunks = (outcome for chunk, outcome in mine.items() if chunk.people == people)
            keys = self.keys.get((scheme, people))
            return Database(tuple(one for outcome in chunks for one in outcome.value), keys)

        def shadow(people: str) -> Shadow:
            one, again = database(people), database(_SECOND[people])
            known = split.shadow
            made = Shadow(known.references, one.templates, one.keys, known.seconds, again.templates, again.keys)
            return _enrolled_twice(made)

        first = database(TARGET) + database(SELECTION)
        second = database(_SECOND[TARGET]) + database(_SECOND[SELECTION])
        renewed = tuple(database(name) for name in self.sets if name.startswith(_RENEWED))
        enrolled = EnrolledScheme(
            scheme=self.schemes[scheme],
            first=first,
            second=second,
            shadow=shadow(SHADOW),
            renewed=renewed,
            renewed_people=tuple(map(int, self.renewed_people)),
            refused=_refused([first, second], renewed, self.renewed_people),
        )
        calibration = database(CALIBRATION if CALIBRATION in self.sets else SHADOW)
        timings = tuple((len(outcome.value), outcome.seconds) for outcome in mine.values())
        further = shadow(FURTHER) if FURTHER in self.sets else None
        refuses = any(NOT_ENROLLED in outcome.value for outcome in mine.values())
        return Held(enrolled, calibration, timings, further=further, refuses=refuses)


def _enrolled_twice(shadow: Shadow) -> Shadow:
    """The shadow subjects of whom no template is missing."""
    rows = enrolled_rows(shadow.templates)
    if shadow.second_templates:
        rows = np.intersect1d(rows, enrolled_rows(shadow.second_templates))
    return shadow if len(rows) == len(shadow.templates) else shadow.rows(rows)


def _refused(
    databases: Sequence[Database], renewed: Sequence[Database], renewed_people: npt.NDArray[np.intp]
) -> tuple[int, ...]:
    """The attacked subjects of whom a template is missing in any database, rising."""
    missing = [*map(_missing, databases), *(renewed_people[_missing(one)] for one in renewed)]
    return tuple(map(int, np.unique(np.concatenate(missing))))


def _missing(database: Database) -> npt.NDArray[np.intp]:
    """The rows of a database without a template."""
    return np.setdiff1d(np.arange(len(database.templates)), enrolled_rows(database.templates))


def too_few(held: Held, targets: int) -> str:
    """Why a scheme that could not enrol some subjects can't be measured; empty where it can.

    Parameters
    ----------
    targets : int
        Number of target subjects.
    """
    attacked = np.setdiff1d(np.arange(targets), held.enrolled.refused)
    left = {TARGET: len(attacked), SHADOW: len(held.enrolled.shadow.templates)}
    left[CALIBRATION] = len(enrolled_rows(held.calibration.templates))
    told = [f"{count} of the {in_words(name)}" for name, count in left.items() if count < _FEWEST]
    if not told:
        return ""
    return (
        f"the scheme could enrol {' and '.join(told)} (of the others it gave an empty template); expected at least "
        f"{_FEWEST} of each set"
    )


def fit_tasks(schemes: Mapping[str, Scheme], names: Sequence[str], background: Faces, seed: int) -> list[workers.Task]:
    """One fitting task per scheme."""
    return [
        workers.Task(name, tasks.fit, (schemes[name], background, stream_seed(seed, "fit", name))) for name in names
    ]


def enrolment(
    fitted: Mapping[str, Scheme],
    split: Split,
    protocol: Protocol,
    *,
    wanted: Wanted,
    seed: int,
    regime: KeyRegime = KeyRegime.TEMPLATE,
) -> Enrolment:
    """The enrolment of a run's people with these schemes; by default each template has its own key."""
    sets, renewed = people_sets(split, protocol, wanted), _renewed_people(split, protocol)
    keys: dict[tuple[str, str], tuple[Key, ...] | None] = {}
    for name, scheme in fitted.items():
        # The attacker enrols the shadow subjects with a copy of the system, which has keys of its own.
        for system, people in (("attacked", set(sets) - _OF_ATTACKER), ("attacker's", set(sets) & _OF_ATTACKER)):
            of = {one: _subjects(one, len(sets[one]), split, renewed) for one in sets if one in people}
            made = dealt(regime, of, scheme=name, system=system, seed=seed) if revocable(scheme) else {}
            keys |= {(name, one): made.get(one) for one in of}
    return Enrolment(fitted, sets, keys, renewed, protocol.people_per_task, seed)


def _subjects(people: str, size: int, split: Split, renewed: npt.NDArray[np.intp]) -> list[tuple[str, int]]:
    """The subjects of a set: the same for each of their enrolments."""
    if people.startswith(_RENEWED):
        targets = len(split.target.references)
        return [(TARGET, int(one)) if one < targets else (SELECTION, int(one) - targets) for one in renewed]
    first = next((one for one, second in _SECOND.items() if second == people), people)
    return [(first, row) for row in range(size)]


@dataclass(frozen=True)
class Wanted:
    """The enrolments that the cells of a run need beside one template per subject.

    Attributes
    ----------
    shadow_seconds : bool
        Whether shadow subjects are enrolled a second time, for attacks that learn to link.
    records : int
        The largest number of templates per subject that an attack is given.
    further : bool
        Whether the attacked system enrols the shadow subjects too.
    """

    shadow_seconds: bool
    records: int
    further: bool = False


def people_sets(split: Split, protocol: Protocol, wanted: Wanted) -> dict[str, FloatArray]:
    """The reference embeddings (people, d) of every set to enrol."""
    named = {TARGET: split.target, SELECTION: split.selection, SHADOW: split.shadow}
    named |= {FURTHER: split.shadow} if wanted.further else {}
    sets = {name: people.references.embeddings for name, people in named.items()}
    if split.calibration is not split.shadow:
        sets[CALIBRATION] = split.calibration.references.embeddings
    for name, people in named.items():
        if people.seconds is not None and (name in (TARGET, SELECTION) or wanted.shadow_seconds):
            sets[_SECOND[name]] = people.seconds.embeddings
    attacked = np.concatenate([split.target.references.embeddings, split.selection.references.embeddings])
    again = attacked[_renewed_people(split, protocol)]
    return sets | {f"{_RENEWED}-{record}": again for record in range(2, wanted.records + 1)}


def _renewed_people(split: Split, protocol: Protocol) -> npt.NDArray[np.intp]:
    """The target subjects, then the selection subjects, of whom several templates are made."""
    targets = len(split.target.references)
    some = np.arange(min(targets, protocol.records.target_people))
    others = np.arange(min(len(split.selection.references), protocol.records.rehearsal_people))
    return np.concatenate([some, targets + others])
