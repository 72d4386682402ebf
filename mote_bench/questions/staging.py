"""What an attack is staged with and scored on: stolen databases, evidence, answers, subjects, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Limits, Measurement, Scheme, Shadow, Template
from mote_bench.metrics.measured import Measured, by_group, with_people

if TYPE_CHECKING:  # they bring scipy, and lie above
    from mote_bench.metrics.transfer import Transfer
    from mote_bench.planning.split import Enrolled

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Database:
    """One database: a template per enrolled subject, and the subjects' keys, which are stored elsewhere."""

    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None

    def rows(self, index: Index) -> Database:
        """Copies of the templates and keys selected by ``index``, made in its order.

        Copies, because objects lie in memory in the order in which they were made. An attack could otherwise sort
        templates by address and so find the order of enrolment, which is the same in every database.
        """
        keys = None if self.keys is None else tuple(_copied(self.keys[row]) for row in index)
        return Database(tuple(_copied(self.templates[row]) for row in index), keys)

    def __add__(self, other: Database) -> Database:
        keys = None if self.keys is None or other.keys is None else self.keys + other.keys
        return Database(self.templates + other.templates, keys)


def _copied(record: bytes) -> bytes:
    return bytes(bytearray(record))


@dataclass(frozen=True, eq=False)
class EnrolledScheme:
    """One enrolled scheme: row i of every database is attacked subject i (targets, then selection subjects).

    Attributes
    ----------
    second : Database
        The attacked subjects enrolled from another photo under another key; empty if the data have no other photo.
    renewed : tuple of Database
        Further enrolments of the attacked subjects ``renewed_people``, from the first photo under new keys.
    thresholds : mapping of FMR -> score
        The running system's threshold at each false match rate, set on the calibration subjects.
    refused : tuple of int
        The attacked subjects, as rows of ``first``, of whom a template is missing in any database, as the scheme could
        not enrol them. They aren't attacked.
    leaked : EnrolledScheme, optional
        What an attacker holds in its place, where only a part of each template has leaked. Reconstructions are verified
        by the whole system.
    """

    scheme: Scheme
    first: Database
    second: Database
    shadow: Shadow
    renewed: tuple[Database, ...] = ()
    renewed_people: tuple[int, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    refused: tuple[int, ...] = ()
    leaked: EnrolledScheme | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """The setting of one attack, beside the enrolled scheme.

    Attributes
    ----------
    public : Faces
        The labelled background set.
    people : sequence of int
        The attacked subjects, as rows of the databases.
    photos : (n subjects, photos, d) float, optional
        Candidate photos of each subject, the enrolled one first, for questions that show candidates.
    candidates : int
        Largest number of candidates for membership inference. The scheme was fitted on ``public``.
    budget : int
        Number of online queries allowed per subject.
    operating_fmr : str
        The false match rate at which the running system decides.
    """

    public: Faces
    people: Sequence[int] | Index
    photos: FloatArray | None = None
    candidates: int = 0
    budget: int = 0
    operating_fmr: str = ""


@dataclass(frozen=True, eq=False)
class Staged:
    """One attacker's staged evidence, and the truth that only the harness knows.

    Attributes
    ----------
    evidence : Evidence
        All that the attack is given.
    people : (n,) int
        The attacked subject of each stolen template; the first subject of each pair, where pairs are attacked.
    others : (k,) int
        The attacked subject of each template of the second database.
    truth : (n,), (m,) or (pairs, templates) int
        The truth about evidence that the question adds: the place of the enrolled photo, which candidates are members,
        or whose templates the challenger makes.
    """

    evidence: Evidence
    people: Index
    others: Index
    truth: Index = field(default_factory=lambda: np.empty(0, dtype=np.intp))


@dataclass(frozen=True)
class Presented:
    """Which templates an answer's reconstructed embeddings are verified against.

    Attributes
    ----------
    second : bool
        Use the second enrolment of the subjects, if the data have one, instead of the attacked templates.
    moved : int
        Compare embedding i with the template ``moved`` places before template i. 0 is the template that it was
        reconstructed from.
    every_face : bool
        Compare each embedding with all templates: (n templates, faces) scores instead of one per embedding.
    """

    second: bool = False
    moved: int = 0
    every_face: bool = False


@dataclass(frozen=True, eq=False)
class VerificationTargets:
    """Templates that reconstructed embeddings are verified against: same, renewed, other subject.

    Attributes
    ----------
    records : mapping of str -> Database
        The templates and presented keys, by the names of the question's ``presents``.
    """

    scheme: Scheme
    records: Mapping[str, Database]


@dataclass(frozen=True, eq=False)
class Unprotected:
    """Rules by which the unprotected recogniser accepts a reconstruction.

    Attributes
    ----------
    mean : (d,) float
        Mean embedding of the background set.
    thresholds, uncentred : mapping of FMR -> cosine
        Thresholds set on the calibration subjects: on cosines of embeddings centred at ``mean``, and of plain ones.
    transfer : Transfer, optional
        The map to a second recogniser, if the data hold its embeddings of the same images.
    """

    mean: FloatArray
    thresholds: Mapping[str, float]
    uncentred: Mapping[str, float] = field(default_factory=dict)
    transfer: Transfer | None = None


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules by which the unprotected recogniser and the attacked scheme (a threshold per FMR) accept."""

    unprotected: Unprotected
    thresholds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Panel:
    """The set of subjects that an answer is scored on: the target subjects or the selection subjects.

    Attributes
    ----------
    people : Enrolled
        The subjects.
    start : int
        The first subject's row in the databases of attacked subjects.
    """

    people: Enrolled
    start: int

    def of(self, subjects: Index) -> Index:
        """The positions of these subjects in ``subjects`` (n,)."""
        return np.flatnonzero((subjects >= self.start) & (subjects < self.start + len(self.people.references)))


@dataclass(frozen=True, eq=False)
class Attacked:
    """One attack's answer, with its online queries and its reconstructions' scores.

    Attributes
    ----------
    answer : (n, ...) float64
        In the shape that the question states.
    queries : (n,) int, optional
        Number of online queries per subject, or of templates that the challenger was asked for per pair.
    shown : mapping of str -> float64 array
        The running system's comparison scores of the reconstructed embeddings, by the names of
        :class:`VerificationTargets`.
    fewer : mapping of int -> (n, ...) float64
        The same attack's answers with fewer online queries, by their number per subject.
    limited : mapping of Limits -> (n, ...) float64
        The same attack's answers under limits of the running system.
    """

    answer: FloatArray
    queries: npt.NDArray[np.int64] | None
    shown: Mapping[str, FloatArray]
    fewer: Mapping[int, FloatArray] = field(default_factory=dict)
    limited: Mapping[Limits, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Case:
    """One answer with all that it is scored by: the staged evidence, the scored subjects, the acceptance rules."""

    attacked: Attacked
    staged: Staged
    panel: Panel
    rules: Rules

    @cached_property
    def rows(self) -> Index:
        """The rows of the answer about the panel's subjects."""
        return self.panel.of(self.staged.people)

    @cached_property
    def people(self) -> Index:
        """The subject of each of these rows, as a row of the panel's references."""
        return np.asarray(self.staged.people[self.rows] - self.panel.start)

    @cached_property
    def answer(self) -> FloatArray:
        """The part of the answer about the panel's subjects."""
        return self.attacked.answer[self.rows]

    def finished(self, measured: Measured, more: Sequence[Measurement] = ()) -> Measured:
        """Completes the figures of an answer with one row per subject: adds queries and subjects' influence."""
        from mote_bench.metrics.acceptance import measure_queries

        queries = self.attacked.queries
        spent = () if queries is None else measure_queries(queries[self.rows])
        measured = replace(measured, measurements=(*measured.measurements, *spent, *more))
        return self.with_people(self._by_group(measured))

    def _by_group(self, measured: Measured) -> Measured:
        """Adds the number and mean outcome of the subjects of each group, to see whose templates give more away."""
        if measured.outcome is None:
            return measured
        labels = self.panel.people.references.attributes
        found = {
            attribute: by_group(measured.outcome, np.asarray(one)[self.people]) for attribute, one in labels.items()
        }
        return replace(measured, details={**measured.details, "outcomes_by_group": found})

    def with_people(self, measured: Measured) -> Measured:
        """The figures with the influence of the panel's subjects in the details."""
        return with_people(measured, self.panel.people.numbers[self.people])
