"""The base class of questions: when they apply, what evidence they add, how answers are scored and read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import CEILING, Evidence, Faces, FloatArray, Measurement
from mote_bench.metrics.catalogue import Metric
from mote_bench.metrics.measured import Measured

from .staging import Case, EnrolledScheme, Index, Presented, Scene, Staged

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Enrolled, Split

Strictest = Callable[[str], str]
"""Returns the lowest false match rate at which a family of metrics was measured, or "" if it was measured at none."""


class Property(StrEnum):
    """What a template scheme should keep: two properties of ISO/IEC 24745, and the privacy of attributes.

    The threat matrix shows the worst of them in each cell, in this order where they are equal.
    """

    IRREVERSIBILITY = "irreversibility"
    UNLINKABILITY = "unlinkability"
    ATTRIBUTES = "attribute privacy"


class Risk(StrEnum):
    """The three risks of anonymised data in Opinion 05/2014 of the Article 29 Working Party."""

    SINGLE_OUT = "single out"
    LINK = "link"
    INFER = "infer"


@dataclass(frozen=True)
class Offer:
    """The questions of one type that a data set supports.

    Attributes
    ----------
    questions : tuple of Question
        The supported questions.
    refused : mapping of name -> reason
        The questions for which the data are insufficient.
    """

    questions: tuple[Question, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Exam:
    """The truth behind an answer in the conformance kit; target subject i is row i of ``target``.

    Attributes
    ----------
    background, target : Faces
    enrolled : EnrolledScheme
        The enrolled scheme under attack.
    fmr : str
        The false match rate of ``enrolled.thresholds`` at which the system decides.
    """

    background: Faces
    target: Faces
    enrolled: EnrolledScheme
    staged: Staged
    fmr: str


class Question(ABC):
    """The rules of one type of question; its fields are all that an attack needs to know to answer.

    A question is a frozen dataclass that derives from this class and is registered in the entry-point group
    ``mote_bench.questions``. Attacks name the class (``question = WhichPhoto``); records and boards name the id.

    Attributes
    ----------
    id : str
        The name in records and on boards. A type with several names (one per attribute) overrides ``name``,
        ``claims`` and ``kind``.
    ids : str
        The names of a type with several, as lists show them; empty for a type with one ``id``.
    asks : str
        The attacker's aim, in a few words for the boards.
    order : int
        The position on the boards, lowest first. Attributes have 0 to 4, the other questions of the first edition 5 to
        9; later ones have 10 or more, so that no column of an earlier board moves.
    needs_identity : bool
        Whether the data must have identities.
    second_database : bool
        Whether a second database of the same subjects is stolen too, and shadow subjects are enrolled twice.
    gives_records : bool
        Whether the attacker holds the stolen templates.
    presents : mapping of str -> Presented
        The templates that an answer made of embeddings is verified against, by name. The comparison scores are in
        ``case.attacked.shown``.
    in_full : bool
        Whether a board's cell also shows the metrics beside the headline.
    threatens : Property, optional
        The property that a right answer breaks; by it the question enters the threat matrix.
    risk : Risk, optional
        The risk that a right answer is about; by it the question enters an audit report's table of risks.
    stands_alone : bool
        Whether the question has a column of its own in the threat matrix.
    histograms : bool
        Whether records' details hold histograms of scores (``edges``, ``mated``, ``non_mated``) for boards to draw.
    ceiling : str
        The ceiling control: a scheme that hides nothing of what the question is about.
    breaks_by : str
        The metric that must beat chance on the ceiling control; otherwise the attack is not measured.
    metrics : tuple of Metric
        Catalogue rows of the metrics that ``measure`` returns, if they aren't in
        :mod:`mote_bench.metrics.catalogue`. Their ``questions`` is ``(kind,)``.
    """

    id: ClassVar[str] = ""
    ids: ClassVar[str] = ""
    asks: ClassVar[str]
    order: ClassVar[int] = 10
    needs_identity: ClassVar[bool] = True
    second_database: ClassVar[bool] = False
    gives_records: ClassVar[bool] = True
    presents: ClassVar[Mapping[str, Presented]] = {}
    in_full: ClassVar[bool] = False
    threatens: ClassVar[Property | None] = None
    risk: ClassVar[Risk | None] = None
    stands_alone: ClassVar[bool] = False
    histograms: ClassVar[bool] = False
    ceiling: ClassVar[str] = CEILING
    breaks_by: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]] = ()

    @property
    def name(self) -> str:
        """The question's name in records and on boards."""
        return self.id

    # How records with the question's name are read.

    @classmethod
    def claims(cls, name: str) -> bool:
        """Whether records with this question name belong to this type."""
        return bool(cls.id) and name == cls.id

    @classmethod
    def kind(cls) -> str:
        """The question's name in the catalogue of metrics."""
        return cls.id

    @classmethod
    def place(cls, name: str) -> int:
        """The position of the question with this name on the boards, lowest first."""
        return cls.order

    @classmethod
    def short(cls, name: str) -> str:
        """A short name, for where there is little room."""
        return name

    @classmethod
    def traded(cls, name: str) -> bool:
        """Whether boards plot the question with this name against recognition and storage."""
        return False

    @classmethod
    @abstractmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        """The headline metric, by which attacks are ranked, and the metrics shown beside it.

        Parameters
        ----------
        strictest : callable
            Gives the rate of a metric that is measured at several false match rates: ``strictest("success_gain")``.
        """

    @classmethod
    def breaks(cls, measurements: Mapping[str, Measurement]) -> bool:
        """Whether an attack with these figures on the ceiling control beats chance: its interval lies above it."""
        one = measurements.get(cls.breaks_by)
        return one is not None and one.low > (one.chance or 0.0)

    # When the question applies, and to which subjects.

    @classmethod
    @abstractmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        """The questions of this type that the data support, and the reasons why they don't support others.

        Data without identities needn't be refused here: ``needs_identity`` does that.
        """

    def answerable(self, references: Faces) -> npt.NDArray[np.bool_]:
        """(n,) whether the true answer is known; subjects without one aren't attacked."""
        return np.ones(len(references), dtype=bool)

    # The evidence.

    def candidates(self, split: Split) -> FloatArray | None:
        """(n subjects, photos, d) candidate photos for :attr:`Scene.photos`: target, then selection subjects."""
        return None

    def dealt(self, staged: Staged, scene: Scene, rng: np.random.Generator) -> Staged:
        """The staged evidence with what only this question adds to it, and the truth about that.

        Raises
        ------
        ValueError
            When the scene lacks what the question needs.
        """
        return staged

    # The answer.

    @abstractmethod
    def shape(self, evidence: Evidence) -> tuple[int, int]:
        """The shape that an answer to this evidence must have."""

    @abstractmethod
    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        """Score one answer on the panel's subjects; see :meth:`Case.finished`.

        Raises
        ------
        ValueError
            When the answer can't be scored.
        """

    def best_answer(self, staged: Staged, people: Enrolled) -> FloatArray | None:
        """The answer of an attacker who knows the truth, in the shape of an answer: the ceiling of a challenge.

        ``None`` where no one answer is the best.

        Parameters
        ----------
        people : Enrolled
            All attacked subjects: ``staged.people`` are its rows.
        """
        return None

    # The conformance kit.

    @classmethod
    @abstractmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        """A question of this type about these people.

        Raises
        ------
        InputError
            When the faces lack what the question is about.
        """

    @abstractmethod
    def edge(self, answer: FloatArray, exam: Exam) -> float:
        """Distance of an answer from chance in standard errors; positive is better than chance.

        The standard error is that of a guess. That of the answer itself is 0 where the answer is perfect.
        """

    def comparable(self, answer: FloatArray) -> FloatArray:
        """The part of an answer that is scored, such as its direction; answers equal in it are equivalent."""
        return answer

    def follows(self, answer: FloatArray, rows: Index, columns: Index) -> FloatArray | None:
        """The expected answer when templates come in the order ``rows``, those of the second database in ``columns``.

        ``None`` if the order of templates doesn't matter.
        """
        return answer[rows]
