"""Reconstruction: what is each subject's enrolled embedding?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Measurement, flat
from mote_bench.metrics.measured import Measured
from mote_bench.toolkit import unit

from .base import Exam, Offer, Property, Question, Risk, Strictest
from .edges import face_edge
from .staging import Case, Presented, Staged

if TYPE_CHECKING:
    from mote_bench.metrics.reconstruction import Truth
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Enrolled, Split


@dataclass(frozen=True)
class WhichFace(Question):
    """What is each subject's enrolled embedding? Answer: (n, dimension) float; only its direction counts."""

    dimension: int

    id: ClassVar[str] = "reconstruct"
    asks: ClassVar[str] = "reconstruction of the enrolled embedding"
    order: ClassVar[int] = 5
    in_full: ClassVar[bool] = True
    threatens: ClassVar[Property | None] = Property.IRREVERSIBILITY
    risk: ClassVar[Risk | None] = Risk.SINGLE_OUT
    presents: ClassVar[Mapping[str, Presented]] = {
        "same": Presented(),
        "another": Presented(moved=1),
        "renewed": Presented(second=True),
    }
    # Not the headline: a cosine to the own face above that to others is significant on few subjects already. Success at
    # a strict threshold may need more subjects than a run has.
    breaks_by: ClassVar[str] = "cosine_gain"

    @classmethod
    def short(cls, name: str) -> str:
        return "reconst."

    @classmethod
    def traded(cls, name: str) -> bool:
        return True

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        """Type II success minus the wolf rate: a face that also matches other subjects is no reconstruction."""
        rate = strictest("success_gain")
        if not rate:  # too few calibration subjects for any threshold: only cosines are measured
            return "cosine_gain", ("centred_cosine",)
        beside = (flat("type_2_success", rate), flat("wolf_rate", rate), "centred_cosine")
        return flat("success_gain", rate), beside

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        return Offer((cls(split.target.references.embeddings.shape[1]),))

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return evidence.people, self.dimension

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        """Cosines, and success rates at the unprotected recogniser, the running system and a second recogniser."""
        from mote_bench.metrics.acceptance import measure_acceptance
        from mote_bench.metrics.reconstruction import measure_reconstruction

        at = case.rules.unprotected
        measured = measure_reconstruction(case.answer, _truth(case), at.thresholds, rng, uncentred=at.uncentred)
        shown = {name: scores[case.rows] for name, scores in case.attacked.shown.items()}
        return case.finished(measured, (*measure_acceptance(shown, case.rules.thresholds), *_transferred(case)))

    def best_answer(self, staged: Staged, people: Enrolled) -> FloatArray:
        return people.references.embeddings[staged.people]

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        return cls(target.embeddings.shape[1])

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        mean = exam.background.embeddings.mean(axis=0)
        return face_edge(unit(answer) - mean, exam.target.embeddings[exam.staged.people] - mean)

    def comparable(self, answer: FloatArray) -> FloatArray:
        """Directions minus their mean."""
        direction = unit(answer)
        return np.asarray(direction - direction.mean(axis=0))


def _truth(case: Case) -> Truth:
    from mote_bench.metrics.reconstruction import Truth

    enrolled, people = case.panel.people, case.people
    if enrolled.probes is None:
        raise ValueError("reconstructions can't be scored without `identity`; expected other photos of each subject")
    place = np.full(len(enrolled.references), -1, dtype=np.intp)
    place[people] = np.arange(len(people))
    seen = np.flatnonzero(place[enrolled.shown] >= 0)
    return Truth(
        mean=case.rules.unprotected.mean,
        references=enrolled.references.embeddings[people],
        probes=enrolled.probes.embeddings[seen],
        shown=place[enrolled.shown[seen]],
    )


def _transferred(case: Case) -> tuple[Measurement, ...]:
    """Success rates of the reconstructions at a second recogniser, if the data hold its embeddings."""
    from mote_bench.metrics.transfer import measure_mapping, measure_transfer

    enrolled, people, transfer = case.panel.people, case.people, case.rules.unprotected.transfer
    references, probes = enrolled.references.second, None if enrolled.probes is None else enrolled.probes.second
    if transfer is None or references is None or probes is None:
        return ()
    place = np.full(len(references), -1, dtype=np.intp)
    place[people] = np.arange(len(people))
    seen = np.flatnonzero(place[enrolled.shown] >= 0)
    there = references[people], probes[seen], place[enrolled.shown[seen]], transfer
    own = enrolled.references.embeddings[people]
    return (*measure_transfer(case.answer, *there), *measure_mapping(own, *there))
