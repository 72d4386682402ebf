"""Soft-biometric inference: which class of an attribute, such as gender, is each subject of?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, FloatArray, InputError
from mote_bench.data.columns import UNKNOWN
from mote_bench.metrics.catalogue import ATTRIBUTE
from mote_bench.metrics.measured import Measured
from mote_bench.toolkit import class_index

from .base import Exam, Offer, Property, Question, Risk, Strictest
from .edges import class_edge
from .staging import Case, Staged

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Enrolled, Split

_PLACES: Mapping[str, int] = {"gender": 0, "age": 1, "ethnicity": 3}
_OTHERS = 4
_LEAST_PER_CLASS = 5


@dataclass(frozen=True)
class WhichClass(Question):
    """Which of ``classes`` is each subject of? Answer: (n, len(classes)) float, higher = more likely.

    Its records have the attribute's name. A name that no other question claims is read as an attribute's.
    """

    attribute: str
    classes: tuple[str, ...]

    ids: ClassVar[str] = "gender (any attribute)"
    asks: ClassVar[str] = "class inferred"
    order: ClassVar[int] = _OTHERS
    needs_identity: ClassVar[bool] = False
    threatens: ClassVar[Property | None] = Property.ATTRIBUTES
    risk: ClassVar[Risk | None] = Risk.INFER
    breaks_by: ClassVar[str] = "balanced_accuracy"

    @property
    def name(self) -> str:
        return self.attribute

    @classmethod
    def kind(cls) -> str:
        return ATTRIBUTE

    @classmethod
    def place(cls, name: str) -> int:
        return _PLACES.get(name, _OTHERS)

    @classmethod
    def traded(cls, name: str) -> bool:
        return name == "gender"  # every data set has it, and plots of other attributes look alike

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        return "balanced_accuracy", ("auc",)

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        """One per attribute with two classes or more of enough target and enough shadow subjects."""
        least, target, shadow = protocol.people_per_class, split.target.references, split.shadow.references
        classes = {attribute: _shown_by_both(attribute, target, shadow, least) for attribute in target.attributes}
        return Offer(
            tuple(cls(attribute, found) for attribute, found in classes.items() if len(found) >= 2),
            {
                attribute: f"fewer than two classes with {least} shadow and target people"
                for attribute, found in classes.items()
                if len(found) < 2
            },
        )

    def answerable(self, references: Faces) -> npt.NDArray[np.bool_]:
        return np.asarray(class_index(references.attributes[self.attribute], self.classes) >= 0)

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return evidence.people, len(self.classes)

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        from mote_bench.metrics.attributes import measure_attribute

        labels = case.panel.people.references.attributes[self.attribute][case.people]
        return case.finished(measure_attribute(case.answer, class_index(labels, self.classes), self.classes))

    def best_answer(self, staged: Staged, people: Enrolled) -> FloatArray:
        labels = people.references.attributes[self.attribute][staged.people]
        return np.eye(len(self.classes))[class_index(labels, self.classes)]

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        """The first attribute with two classes or more among target and shadow subjects."""
        for attribute in target.attributes:
            classes = _shown_by_both(attribute, target, shadow, _LEAST_PER_CLASS)
            if len(classes) >= 2:
                return cls(attribute, classes)
        raise InputError(
            "the faces have no attribute with enough people of two classes; expected one such as "
            f"'gender', with at least {_LEAST_PER_CLASS} people of each class in a quarter of them. "
            "Or leave `faces` out."
        )

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        labels = exam.target.attributes[self.attribute][exam.staged.people]
        return class_edge(answer, class_index(labels, self.classes))

    def comparable(self, answer: FloatArray) -> FloatArray:
        """Differences between the classes of a row."""
        return np.asarray(answer - answer.mean(axis=1, keepdims=True))


def _shown_by_both(attribute: str, target: Faces, shadow: Faces, least: int) -> tuple[str, ...]:
    """The classes, sorted, with at least ``least`` target and ``least`` shadow subjects."""

    def counts(faces: Faces) -> dict[str, int]:
        labels = faces.attributes[attribute].tolist() if attribute in faces.attributes else []
        return {label: labels.count(label) for label in set(labels) - {UNKNOWN}}

    attacked, own = counts(target), counts(shadow)
    return tuple(sorted(label for label in attacked if min(attacked[label], own.get(label, 0)) >= least))
