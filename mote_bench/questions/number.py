"""Soft-biometric inference: what is each subject's number, such as the age in years?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, FloatArray, InputError
from mote_bench.metrics.catalogue import VALUE
from mote_bench.metrics.measured import Measured

from .base import Exam, Offer, Property, Question, Risk, Strictest
from .staging import Case, Staged

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Enrolled, Split

_SUFFIX = "_value"
_AGE_IN_YEARS, _OTHERS = 2, 4
_LEAST_VALUES = 20
_LEAST_OF_AN_EXAMPLE = 5


@dataclass(frozen=True)
class HowMuch(Question):
    """What is each subject's number, such as the age in years? Answer: (n, 1) float.

    Its records have the attribute's name followed by ``_value``. Any such name is read as a number's.
    """

    attribute: str

    ids: ClassVar[str] = "age_value (any number)"
    asks: ClassVar[str] = "value inferred"
    order: ClassVar[int] = _OTHERS
    needs_identity: ClassVar[bool] = False
    threatens: ClassVar[Property | None] = Property.ATTRIBUTES
    risk: ClassVar[Risk | None] = Risk.INFER
    breaks_by: ClassVar[str] = "correlation"

    @property
    def name(self) -> str:
        return f"{self.attribute}{_SUFFIX}"

    @classmethod
    def claims(cls, name: str) -> bool:
        return name.endswith(_SUFFIX)

    @classmethod
    def kind(cls) -> str:
        return VALUE

    @classmethod
    def place(cls, name: str) -> int:
        return _AGE_IN_YEARS if name == f"age{_SUFFIX}" else _OTHERS

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        return "correlation", ("mae",)

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        """One per numeric attribute known for enough target and enough shadow subjects."""
        parts = (split.target.references, split.shadow.references)
        return Offer(
            tuple(
                cls(attribute)
                for attribute in parts[0].values
                if all(_known(part, attribute) >= _LEAST_VALUES for part in parts)
            )
        )

    def answerable(self, references: Faces) -> npt.NDArray[np.bool_]:
        return np.asarray(np.isfinite(references.values[self.attribute]))

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return evidence.people, 1

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        from mote_bench.metrics.values import measure_value

        truth = case.panel.people.references.values[self.attribute][case.people]
        return case.finished(measure_value(case.answer, truth, rng))

    def best_answer(self, staged: Staged, people: Enrolled) -> FloatArray:
        return np.asarray(people.references.values[self.attribute][staged.people, None])

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        """The first numeric attribute that differs between people."""
        for attribute, values in target.values.items():
            known = values[np.isfinite(values)]
            if len(known) >= _LEAST_OF_AN_EXAMPLE and np.ptp(known) > 0:
                return cls(attribute)
        raise InputError(
            "the faces have no numeric attribute; give `values`, such as ages in years, or leave `faces` out."
        )

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        """Fisher's transform of the correlation with the truth; its standard error is 1 / sqrt(n - 3)."""
        truth = exam.target.values[self.attribute][exam.staged.people]
        known = np.isfinite(truth)
        guess = answer[known, 0]
        if np.ptp(guess) == 0:
            return 0.0
        correlation = np.clip(np.corrcoef(guess, truth[known])[0, 1], -1 + 1e-9, 1 - 1e-9)
        return float(np.arctanh(correlation) * np.sqrt(known.sum() - 3))


def _known(faces: Faces, attribute: str) -> int:
    return int(np.isfinite(faces.values.get(attribute, np.empty(0))).sum())
