"""What every question owns: how it is offered, what it gives the attacker, how answers are scored and read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import CEILING, Evidence, Faces, FloatArray, Measurement
from mote_bench.metrics.catalogue import Metric
from mote_bench.metrics.measured import Measured

from .staging import Case, Holdings, Index, Presented, Scene, Theft

if TYPE_CHECKING:
    from mote_bench.protocol import Protocol
    from mote_bench.split import Split

Strictest = Callable[[str], str]
"""The strictest false-match rate at which a family of metrics was measured, or "" where it was measured at none."""


@dataclass(frozen=True)
class Offer:
    """What a kind of question asks of a data set.

    Attributes
    ----------
    questions : tuple of Question
        Ready to be put.
    refused : mapping of name -> why
        What the data hold too little of.
    """

    questions: tuple[Question, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Exam:
    """An answer of the conformance kit, where target subject i is row i of ``target``.

    Attributes
    ----------
    background, target : Faces
    holdings : Holdings
        Of the scheme under attack.
    fmr : str
        The false-match rate of ``holdings.thresholds`` at which the system lets people in.
    """

    background: Faces
    target: Faces
    holdings: Holdings
    theft: Theft
    fmr: str


class Question(ABC):
    """The rules of one kind of question; its fields are what an attack needs to know to answer.

    A question is a frozen dataclass that derives from this class and is registered in the entry-point group
    ``mote_bench.questions``. Attacks name the class (``question = WhichPhoto``); records and boards name the id.

    Attributes
    ----------
    id : str
        The name that stands in records and on boards. A kind with several names (an attribute each) overrides
        ``name``, ``claims`` and ``kind``.
    asks : str
        What the attacker is after, in a few words for the boards.
    order : int
        The place on the boards; attributes stand at 0 to 4, the other built-in questions at 5 to 9.
    needs_identity : bool
        Whether the data must say who they show.
    second_database : bool
        Whether a second enrolment of everybody is stolen too, and the attacker's own people are enrolled twice.
    gives_records : bool
        Whether the attacker holds the stolen records.
    presents : mapping of str -> Presented
        Where the harness presents an answer that consists of faces, by name; the scores are ``case.attacked.shown``.
    in_full : bool
        Whether a board's cell shows the metrics beside the headline too.
    histograms : bool
        Whether the details of records hold histograms of scores (``edges``, ``mated``, ``non_mated``), which boards
        draw.
    ceiling : str
        The control scheme that hides nothing of what is asked.
    breaks_by : str
        The metric by which an attack is found to beat chance on that control.
    metrics : tuple of Metric
        What ``measure`` publishes, for a question whose metrics aren't in :mod:`mote_bench.metrics.catalogue`; their
        ``questions`` is ``(kind,)``.
    """

    id: ClassVar[str] = ""
    asks: ClassVar[str]
    order: ClassVar[int] = 10
    needs_identity: ClassVar[bool] = True
    second_database: ClassVar[bool] = False
    gives_records: ClassVar[bool] = True
    presents: ClassVar[Mapping[str, Presented]] = {}
    in_full: ClassVar[bool] = False
    histograms: ClassVar[bool] = False
    ceiling: ClassVar[str] = CEILING
    breaks_by: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]] = ()

    @property
    def name(self) -> str:
        """As records and boards call this one."""
        return self.id

    # What belongs to an id, as records hold it.

    @classmethod
    def claims(cls, name: str) -> bool:
        """Whether records of this name are answers to this kind of question."""
        return bool(cls.id) and name == cls.id

    @classmethod
    def kind(cls) -> str:
        """What the catalogue of metrics calls the question."""
        return cls.id

    @classmethod
    def place(cls, name: str) -> int:
        """Where the question of this name stands on the boards, lowest first."""
        return cls.order

    @classmethod
    def short(cls, name: str) -> str:
        """The name where there is little room."""
        return name

    @classmethod
    def traded(cls, name: str) -> bool:
        """Whether boards draw the question of this name against recognition and storage."""
        return False

    @classmethod
    @abstractmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        """The headline, by which attacks are ranked, and the metrics shown beside it.

        Parameters
        ----------
        strictest : callable
            For a metric that is measured at several false-match rates: ``strictest("success_gain")``.
        """

    @classmethod
    def breaks(cls, measurements: Mapping[str, Measurement]) -> bool:
        """Whether an attack with these figures on the ceiling beats chance there, by its interval."""
        one = measurements.get(cls.breaks_by)
        return one is not None and one.low > (one.chance or 0.0)

    # What is asked of whom.

    @classmethod
    @abstractmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        """The questions of this kind that can be put to these data, and what was refused and why.

        Data without identities needn't be refused here: ``needs_identity`` says so.
        """

    def answerable(self, references: Faces) -> npt.NDArray[np.bool_]:
        """(n,) of whom the answer is known; the others aren't attacked."""
        return np.ones(len(references), dtype=bool)

    # What the attacker gets.

    def candidates(self, split: Split) -> FloatArray | None:
        """(n target subjects, photos, d): candidates of each subject for :attr:`Scene.photos`, target people first."""
        return None

    def dealt(self, theft: Theft, scene: Scene, rng: np.random.Generator) -> Theft:
        """The theft with the evidence that only this question grants, and the truth about it.

        Raises
        ------
        ValueError
            Where the scene lacks what is needed.
        """
        return theft

    # The answer.

    @abstractmethod
    def shape(self, evidence: Evidence) -> tuple[int, int]:
        """The shape of an answer to this evidence."""

    @abstractmethod
    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        """Score one answer on the panel's people; see :meth:`Case.finished`.

        Raises
        ------
        ValueError
            When it can't be scored.
        """

    # The conformance kit.

    @classmethod
    @abstractmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        """A question of this kind about these people.

        Raises
        ------
        InputError
            When they lack what it asks after.
        """

    @abstractmethod
    def edge(self, answer: FloatArray, exam: Exam) -> float:
        """How far from chance an answer is, in standard errors; positive is better than chance."""

    def comparable(self, answer: FloatArray) -> FloatArray:
        """What counts in an answer, such as its direction; two answers that agree in it are the same."""
        return answer

    def follows(self, answer: FloatArray, rows: Index, columns: Index) -> FloatArray | None:
        """The answer due when the records are dealt in the order ``rows``, those of the second database in ``columns``.

        ``None`` where the order of records has no bearing on the answer.
        """
        return answer[rows]
