"""Linkage: which templates of two stolen databases are mated?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Measurement
from mote_bench.metrics.measured import Measured

from .base import Exam, Offer, Property, Question, Risk, Strictest
from .edges import link_edge
from .staging import Case, Index, Staged

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Enrolled, Split


@dataclass(frozen=True)
class SamePerson(Question):
    """Which templates of two stolen databases are mated? Answer: (n, n others) float, higher = likelier mated."""

    id: ClassVar[str] = "link"
    asks: ClassVar[str] = "linkage of two databases"
    order: ClassVar[int] = 6
    second_database: ClassVar[bool] = True
    histograms: ClassVar[bool] = True
    threatens: ClassVar[Property | None] = Property.UNLINKABILITY
    risk: ClassVar[Risk | None] = Risk.LINK
    breaks_by: ClassVar[str] = "eer"

    @classmethod
    def traded(cls, name: str) -> bool:
        return True

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        return "eer", ("d_sys",)

    @classmethod
    def breaks(cls, measurements: Mapping[str, Measurement]) -> bool:
        """Whether the interval of the EER lies below 1/2, its value under chance."""
        one = measurements.get(cls.breaks_by)
        return one is not None and one.high < 0.5

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        return Offer((cls(),))

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return evidence.people, len(evidence.others)

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        from mote_bench.metrics.linkage import measure_linkage

        columns = case.panel.of(case.staged.others)
        mates = _mates(case.staged.people[case.rows], case.staged.others[columns])
        return case.finished(measure_linkage(case.answer[:, columns], mates, rng))

    def best_answer(self, staged: Staged, people: Enrolled) -> FloatArray:
        return np.equal.outer(staged.people, staged.others).astype(float)

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        return cls()

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        return link_edge(answer, _mates(exam.staged.people, exam.staged.others))

    def follows(self, answer: FloatArray, rows: Index, columns: Index) -> FloatArray | None:
        return answer[rows][:, columns]


def _mates(people: Index, others: Index) -> Index:
    """For each stolen template, the position of its mated template in the second database."""
    place = {int(person): position for position, person in enumerate(others)}
    return np.array([place[int(person)] for person in people], dtype=np.intp)
