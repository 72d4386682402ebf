"""Dictionary attack: which few faces match the most templates?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mote_bench.contracts import OWN, Evidence, Faces, FloatArray, Measurement, flat
from mote_bench.metrics.measured import Measured
from mote_bench.toolkit import unit

from .base import Exam, Offer, Question, Strictest
from .staging import Case, Index, Presented

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Split

_FACES_OF_AN_EXAMPLE = 10
_EVERYBODY = "all"


@dataclass(frozen=True)
class WhichKeyface(Question):
    """Which few faces match the most templates? Answer: (``faces``, dimension) float, presented in this order."""

    faces: int
    dimension: int

    id: ClassVar[str] = "wolf"
    asks: ClassVar[str] = "subjects matched by a dictionary of 10 faces"
    order: ClassVar[int] = 9
    gives_records: ClassVar[bool] = False
    presents: ClassVar[Mapping[str, Presented]] = {_EVERYBODY: Presented(every_face=True)}
    # Not the strictest rate, as in the headline: at 1e-3 a successful dictionary may match too few of a run's subjects
    # to differ from chance.
    breaks_by: ClassVar[str] = flat("opened_by", "1e-2", ("10",))

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        rate = strictest("opened_by")
        return flat("opened_by", rate, ("10",)), (flat("opened_by", rate, ("1",)),)

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        return Offer((cls(protocol.wolf_faces, split.target.references.embeddings.shape[1]),))

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return self.faces, self.dimension

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        from mote_bench.metrics.dictionary import measure_dictionary

        scores = case.attacked.shown[_EVERYBODY][case.rows]
        opened = {fmr: scores >= threshold for fmr, threshold in case.rules.thresholds.items() if fmr != OWN}
        measured = measure_dictionary(opened)
        return case.with_people(replace(measured, measurements=(*measured.measurements, *_transferred(case))))

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        return cls(_FACES_OF_AN_EXAMPLE, target.embeddings.shape[1])

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        """Share of templates that any of the faces matches, minus that of as many random non-mated faces."""
        first = exam.enrolled.first
        scores = exam.enrolled.scheme.score(first.templates, unit(answer).astype(np.float32), keys=first.keys)
        opened = np.asarray(scores >= exam.enrolled.thresholds[exam.fmr]).any(axis=1)
        expected = 1 - (1 - float(exam.fmr)) ** len(answer)
        return float((opened.mean() - expected) / np.sqrt(expected * (1 - expected) / opened.size))

    def follows(self, answer: FloatArray, rows: Index, columns: Index) -> FloatArray | None:
        return None  # the faces are presented to all templates


def _transferred(case: Case) -> tuple[Measurement, ...]:
    """What the dictionary matches at a second recogniser, if the data hold its embeddings."""
    from mote_bench.metrics.transfer import measure_transferred_dictionary

    references, transfer = case.panel.people.references.second, case.rules.unprotected.transfer
    if references is None or transfer is None:
        return ()
    return measure_transferred_dictionary(case.attacked.answer, references[case.people], transfer)
