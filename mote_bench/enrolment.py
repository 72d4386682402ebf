"""A run's first stage: fit each scheme, then enrol the victims, their second photos and the attacker's own people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench import tasks, workers
from mote_bench.contracts import Faces, FloatArray, Key, Scheme, Shadow
from mote_bench.outcome import Outcome
from mote_bench.protocol import Protocol
from mote_bench.questions.staging import Database, Holdings
from mote_bench.split import Split
from mote_bench.toolkit import draw_keys, revocable, stream, stream_seed

TARGET, REHEARSAL, SHADOW, CALIBRATION = "target", "rehearsal", "shadow", "calibration"
_SECOND = {TARGET: "second", REHEARSAL: "rehearsal-second", SHADOW: "shadow-second"}
_RENEWED = "renewed"


@dataclass(frozen=True, eq=False)
class Held:
    """One scheme's holdings, the operator's own enrolments, and (people, seconds) of each task that enrolled them."""

    holdings: Holdings
    calibration: Database
    timings: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Chunk:
    """Some people of one set, enrolled by one task, from person ``start`` on."""

    scheme: str
    people: str
    start: int


@dataclass(frozen=True, eq=False)
class Enrolment:
    """Who is to be enrolled with which schemes; all that tasks and keys depend on."""

    schemes: Mapping[str, Scheme]
    sets: Mapping[str, FloatArray]
    keys: Mapping[tuple[str, str], tuple[Key, ...] | None]
    renewed_people: npt.NDArray[np.intp]
    people_per_task: int
    seed: int

    def chunks(self) -> list[Chunk]:
        """Every task, schemes in the order given."""
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
        """Enrol the people of a chunk, each from a random stream of their own."""
        rows = slice(chunk.start, chunk.start + self.people_per_task)
        references, keys = self.sets[chunk.people][rows], self.keys[chunk.scheme, chunk.people]
        people = range(chunk.start, chunk.start + len(references))
        seeds = [stream_seed(self.seed, "enroll", chunk.scheme, chunk.people, person) for person in people]
        arguments = (self.schemes[chunk.scheme], references, None if keys is None else keys[rows], seeds)
        return workers.Task(chunk, tasks.enroll, arguments)

    def held(self, scheme: str, made: Mapping[Chunk, Outcome], split: Split) -> Held:
        """The holdings of a scheme whose every chunk was enrolled."""
        mine = {chunk: made[chunk] for chunk in self.chunks() if chunk.scheme == scheme}

        def database(people: str) -> Database:
            chunks = (outcome for chunk, outcome in mine.items() if chunk.people == people)
            keys = self.keys.get((scheme, people))
            return Database(tuple(one for outcome in chunks for one in outcome.value), keys)

        own, again = database(SHADOW), database(_SECOND[SHADOW])
        shadow = Shadow(
            split.shadow.references, own.templates, own.keys, split.shadow.seconds, again.templates, again.keys
        )
        holdings = Holdings(
            scheme=self.schemes[scheme],
            first=database(TARGET) + database(REHEARSAL),
            second=database(_SECOND[TARGET]) + database(_SECOND[REHEARSAL]),
            shadow=shadow,
            renewed=tuple(database(name) for name in self.sets if name.startswith(_RENEWED)),
            renewed_people=tuple(map(int, self.renewed_people)),
        )
        calibration = database(CALIBRATION) if CALIBRATION in self.sets else own
        timings = tuple((len(outcome.value), outcome.seconds) for outcome in mine.values())
        return Held(holdings, calibration, timings)


def fit_tasks(schemes: Mapping[str, Scheme], names: Sequence[str], background: Faces, seed: int) -> list[workers.Task]:
    """One task a scheme."""
    return [
        workers.Task(name, tasks.fit, (schemes[name], background, stream_seed(seed, "fit", name))) for name in names
    ]


def enrolment(
    fitted: Mapping[str, Scheme], split: Split, protocol: Protocol, *, wanted: Wanted, seed: int
) -> Enrolment:
    """The enrolment of a run's people with these schemes; every person of every set has a key of their own."""
    sets = people_sets(split, protocol, wanted)
    keys = {
        (name, people): draw_keys(len(references), stream(seed, "keys", name, people)) if revocable(scheme) else None
        for name, scheme in fitted.items()
        for people, references in sets.items()
    }
    return Enrolment(fitted, sets, keys, _renewed_people(split, protocol), protocol.people_per_task, seed)


@dataclass(frozen=True)
class Wanted:
    """What the cells of a run need enrolled besides one record of everybody.

    Attributes
    ----------
    shadow_seconds : bool
        A second enrolment of the attacker's own people, for attacks that learn to link.
    records : int
        The most records of one person that an attack is given.
    """

    shadow_seconds: bool
    records: int


def people_sets(split: Split, protocol: Protocol, wanted: Wanted) -> dict[str, FloatArray]:
    """The reference embeddings (people, d) of every set that is enrolled."""
    named = {TARGET: split.target, REHEARSAL: split.rehearsal, SHADOW: split.shadow}
    sets = {name: people.references.embeddings for name, people in named.items()}
    if split.calibration is not split.shadow:
        sets[CALIBRATION] = split.calibration.references.embeddings
    for name, people in named.items():
        if people.seconds is not None and (name != SHADOW or wanted.shadow_seconds):
            sets[_SECOND[name]] = people.seconds.embeddings
    victims = np.concatenate([split.target.references.embeddings, split.rehearsal.references.embeddings])
    again = victims[_renewed_people(split, protocol)]
    return sets | {f"{_RENEWED}-{record}": again for record in range(2, wanted.records + 1)}


def _renewed_people(split: Split, protocol: Protocol) -> npt.NDArray[np.intp]:
    """The victims, target people first, of whom several records are made."""
    targets = len(split.target.references)
    some = np.arange(min(targets, protocol.records.target_people))
    others = np.arange(min(len(split.rehearsal.references), protocol.records.rehearsal_people))
    return np.concatenate([some, targets + others])
