"""Which of several candidate photos of a person was enrolled?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray
from mote_bench.metrics.measured import Measured

from .base import Exam, Offer, Question, Risk, Strictest
from .edges import class_edge
from .staging import Case, Scene, Staged

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Enrolled, Split

_PHOTOS_OF_AN_EXAMPLE = 2


@dataclass(frozen=True)
class WhichPhoto(Question):
    """Which of ``photos`` candidate photos of a person was enrolled? Answer: (n, photos) float, higher = likelier."""

    photos: int

    id: ClassVar[str] = "photo"
    asks: ClassVar[str] = "enrolled photo identified"
    order: ClassVar[int] = 7
    risk: ClassVar[Risk | None] = Risk.SINGLE_OUT
    breaks_by: ClassVar[str] = "top_1"

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        return "top_1", ()

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        return Offer((cls(protocol.photos),))

    def candidates(self, split: Split) -> FloatArray:
        """The enrolled photo, the second reference, and probes of each subject."""
        return np.concatenate([_photos_of(part, self.photos) for part in (split.target, split.selection)])

    def dealt(self, staged: Staged, scene: Scene, rng: np.random.Generator) -> Staged:
        """Adds each subject's candidate photos in random order; the truth is the place of the enrolled one."""
        if scene.photos is None:
            raise ValueError("the scene has no candidate photos; expected (n subjects, photos, d)")
        photos = scene.photos[staged.people]
        order = rng.permuted(np.tile(np.arange(photos.shape[1]), (len(photos), 1)), axis=1)
        shown = np.take_along_axis(photos, order[:, :, None], axis=1)
        return replace(staged, evidence=replace(staged.evidence, candidates=shown), truth=np.argmin(order, axis=1))

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return evidence.people, self.photos

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        from mote_bench.metrics.membership import measure_photo

        return case.finished(measure_photo(case.answer, case.staged.truth[case.rows], rng))

    def best_answer(self, staged: Staged, people: Enrolled) -> FloatArray:
        return np.eye(self.photos)[staged.truth]

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        return cls(_PHOTOS_OF_AN_EXAMPLE)

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        return class_edge(answer, exam.staged.truth)


def _photos_of(people: Enrolled, photos: int) -> FloatArray:
    """(people, photos, d) candidate photos, the enrolled one first."""
    assert people.seconds is not None
    assert people.probes is not None
    others = [
        people.probes.embeddings[people.shown == person][: photos - 2] for person in range(len(people.references))
    ]
    columns = [people.references.embeddings[:, None], people.seconds.embeddings[:, None], np.stack(others)]
    return np.concatenate(columns, axis=1)
