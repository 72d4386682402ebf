"""A run's first stage: fit each scheme, then enrol targets, their second photos and the attacker's shadows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mote_bench import tasks, workers
from mote_bench.contracts import Faces, FloatArray, Key, Scheme, Shadow, Template
from mote_bench.evidence import Database, Holdings
from mote_bench.split import Split
from mote_bench.toolkit import draw_keys, revocable, stream, stream_seed

TARGET, SECOND, SHADOW = "target", "second", "shadow"


@dataclass(frozen=True, eq=False)
class Held:
    """One scheme's holdings, and (people, seconds) of each task that enrolled them."""

    holdings: Holdings
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

    def task(self, chunk: Chunk) -> workers.Task:
        """Enrol the people of a chunk, each from a random stream of their own."""
        rows = slice(chunk.start, chunk.start + self.people_per_task)
        references, keys = self.sets[chunk.people][rows], self.keys[chunk.scheme, chunk.people]
        people = range(chunk.start, chunk.start + len(references))
        seeds = [stream_seed(self.seed, "enroll", chunk.scheme, chunk.people, person) for person in people]
        arguments = (self.schemes[chunk.scheme], references, None if keys is None else keys[rows], seeds)
        return workers.Task(chunk, tasks.enroll, arguments)

    def held(self, scheme: str, made: Mapping[Chunk, tasks.Outcome], shadows: Faces) -> Held:
        """The holdings of a scheme whose every chunk was enrolled."""
        mine = {chunk: made[chunk] for chunk in self.chunks() if chunk.scheme == scheme}

        def templates(people: str) -> tuple[Template, ...]:
            return tuple(one for chunk, outcome in mine.items() if chunk.people == people for one in outcome.value)

        holdings = Holdings(
            scheme=self.schemes[scheme],
            first=Database(templates(TARGET), self.keys[scheme, TARGET]),
            second=Database(templates(SECOND), self.keys.get((scheme, SECOND))),
            shadow=Shadow(shadows, templates(SHADOW), self.keys[scheme, SHADOW]),
        )
        return Held(holdings, tuple((len(outcome.value), outcome.seconds) for outcome in mine.values()))


def fit_tasks(schemes: Mapping[str, Scheme], names: Sequence[str], background: Faces, seed: int) -> list[workers.Task]:
    """One task a scheme."""
    return [
        workers.Task(name, tasks.fit, (schemes[name], background, stream_seed(seed, "fit", name))) for name in names
    ]


def enrolment(fitted: Mapping[str, Scheme], split: Split, *, people_per_task: int, seed: int) -> Enrolment:
    """The enrolment of a run's people with these schemes; every person of every set has a key of their own."""
    sets = people_sets(split)
    keys = {
        (name, people): draw_keys(len(references), stream(seed, "keys", name, people)) if revocable(scheme) else None
        for name, scheme in fitted.items()
        for people, references in sets.items()
    }
    return Enrolment(fitted, sets, keys, people_per_task, seed)


def people_sets(split: Split) -> dict[str, FloatArray]:
    """The reference embeddings (people, d) of every set that is enrolled."""
    sets = {TARGET: split.target.references.embeddings, SHADOW: split.shadow.references.embeddings}
    if split.target.seconds is not None:
        sets[SECOND] = split.target.seconds.embeddings
    return sets
