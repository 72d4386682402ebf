"""What a question is put with and scored on: databases, the scene, the theft, the answer and those it is scored on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Measurement, Scheme, Shadow, Template
from mote_bench.metrics.measured import Measured, with_people

if TYPE_CHECKING:  # they bring scipy, and lie above
    from mote_bench.metrics.transfer import Transfer
    from mote_bench.split import Enrolled

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Database:
    """The records of one enrolment of the target subjects, and the keys that they keep elsewhere."""

    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None

    def rows(self, index: Index) -> Database:
        """Copies of the records that ``index`` names, made in its order.

        Copies, because objects lie in memory in the order in which they were made: whoever sorts records by address
        would have the order of enrolment, which is the same in every database.
        """
        keys = None if self.keys is None else tuple(_copied(self.keys[row]) for row in index)
        return Database(tuple(_copied(self.templates[row]) for row in index), keys)

    def __add__(self, other: Database) -> Database:
        keys = None if self.keys is None or other.keys is None else self.keys + other.keys
        return Database(self.templates + other.templates, keys)


def _copied(record: bytes) -> bytes:
    return bytes(bytearray(record))


@dataclass(frozen=True, eq=False)
class Holdings:
    """All that the harness holds of one scheme; row i of every database is target subject i.

    Attributes
    ----------
    second : Database
        The target subjects enrolled from another photo; empty where the data have none.
    renewed : tuple of Database
        The target subjects ``renewed_people`` enrolled again and again from the first photo, under new keys.
    thresholds : mapping of FMR -> score
        Where the running system accepts, by the false-match rate among the attacker's people.
    """

    scheme: Scheme
    first: Database
    second: Database
    shadow: Shadow
    renewed: tuple[Database, ...] = ()
    renewed_people: tuple[int, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scene:
    """What is stolen from whom, besides the records themselves.

    Attributes
    ----------
    public : Faces
        Public faces with labels.
    people : sequence of int
        The target subjects whose records are stolen.
    photos : (n target subjects, photos, d) float, optional
        For a question that shows candidates of each subject: the enrolled photo first.
    candidates : int
        For a question of membership: at most so many faces are in question. The scheme was fitted on ``public``.
    budget : int
        How many queries of each person the running system allows.
    operating_fmr : str
        The false-match rate at which it lets people in.
    """

    public: Faces
    people: Sequence[int] | Index
    photos: FloatArray | None = None
    candidates: int = 0
    budget: int = 0
    operating_fmr: str = ""


@dataclass(frozen=True, eq=False)
class Theft:
    """One attacker's evidence, and what only the harness knows.

    Attributes
    ----------
    evidence : Evidence
        All that the attack is given.
    people : (n,) int
        The target subject behind each stolen record.
    others : (k,) int
        The target subject behind each record of the second database.
    truth : (n,) or (m,) int
        What the question's own dealing hides: which candidate photo is the enrolled one, who was a member.
    """

    evidence: Evidence
    people: Index
    others: Index
    truth: Index = field(default_factory=lambda: np.empty(0, dtype=np.intp))


@dataclass(frozen=True)
class Presented:
    """To which records the harness presents the faces that an attack answers with.

    Attributes
    ----------
    second : bool
        To the second enrolment of the target subjects, where the data have one, instead of the attacked records.
    moved : int
        Face i goes to the record ``moved`` places before record i; 0 is the record it was made from.
    every_face : bool
        Each face goes to everybody's record: (n records, faces) scores instead of one for each face.
    """

    second: bool = False
    moved: int = 0
    every_face: bool = False


@dataclass(frozen=True, eq=False)
class Doors:
    """Where the harness presents the faces that an attack answers with.

    Attributes
    ----------
    records : mapping of str -> Database
        By the names of the question's ``presents``.
    """

    scheme: Scheme
    records: Mapping[str, Database]


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What reconstructions are held against: the background mean, and thresholds set on the shadow people.

    Attributes
    ----------
    thresholds, uncentred : mapping of FMR -> cosine
        Where the unprotected recogniser accepts, comparing directions from the mean face or embeddings as they are.
    transfer : Transfer, optional
        The way to a second recogniser, where the data hold its embeddings of the same images.
    """

    mean: FloatArray
    thresholds: Mapping[str, float]
    uncentred: Mapping[str, float] = field(default_factory=dict)
    transfer: Transfer | None = None


@dataclass(frozen=True, eq=False)
class Rules:
    """What answers are held against: the yardstick, and where the attacked scheme accepts at each FMR."""

    yardstick: Yardstick
    thresholds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Panel:
    """Some of the target subjects, whom an answer is scored on: the target people, or those of the rehearsal.

    Attributes
    ----------
    people : Enrolled
        Who they are.
    start : int
        The number of the first of them among all target subjects.
    """

    people: Enrolled
    start: int

    def of(self, subjects: Index) -> Index:
        """The places of these people in ``subjects`` (n,)."""
        return np.flatnonzero((subjects >= self.start) & (subjects < self.start + len(self.people.references)))


@dataclass(frozen=True, eq=False)
class Attacked:
    """One attack's answer and what came of it.

    Attributes
    ----------
    answer : (n, ...) float64
        In the shape that the question states.
    queries : (n,) int, optional
        How often the running system was asked about each person.
    shown : mapping of str -> float64 array
        What the running system scores when the answer's faces are presented to it, by the names of :class:`Doors`.
    """

    answer: FloatArray
    queries: npt.NDArray[np.int64] | None
    shown: Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Case:
    """One answer with all that it is scored by: who was attacked, on whom it is scored, where systems accept."""

    attacked: Attacked
    theft: Theft
    panel: Panel
    rules: Rules

    @cached_property
    def rows(self) -> Index:
        """The rows of the answer that speak of the panel's people."""
        return self.panel.of(self.theft.people)

    @cached_property
    def people(self) -> Index:
        """For each of these rows, who it speaks of: a row of the panel's references."""
        return np.asarray(self.theft.people[self.rows] - self.panel.start)

    @cached_property
    def answer(self) -> FloatArray:
        """The answer's rows of the panel's people."""
        return self.attacked.answer[self.rows]

    def finished(self, measured: Measured, more: Sequence[Measurement] = ()) -> Measured:
        """The figures of an answer with a row a person: with the queries it took, and with the people's influence."""
        from mote_bench.metrics.acceptance import measure_queries

        queries = self.attacked.queries
        spent = () if queries is None else measure_queries(queries[self.rows])
        measured = replace(measured, measurements=(*measured.measurements, *spent, *more))
        return self.with_people(measured)

    def with_people(self, measured: Measured) -> Measured:
        """The figures with the influence of the panel's people in the details."""
        return with_people(measured, self.panel.people.numbers[self.people])
