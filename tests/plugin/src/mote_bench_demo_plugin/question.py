"""A question of this package: on which side of the middle is each enrolled embedding?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import Measurement
from mote_bench.questions import Measured, Metric, Offer, Question
from mote_bench.toolkit import unit


@dataclass(frozen=True)
class WhichSide(Question):
    """On which side of the public faces' median, along their first principal axis, is each enrolled embedding?

    Answer: (n, 1) float, higher = likelier on the far side.
    """

    axis: tuple[float, ...]
    middle: float

    id = "demo-side"
    asks = "the side of the middle"
    breaks_by = "sides_told"
    needs_identity = False
    metrics = (
        Metric(
            "sides_told", ("demo-side",), "share of subjects whose side is inferred correctly", "lower", "this package"
        ),
    )

    @classmethod
    def reading(cls, strictest):
        return "sides_told", ()

    @classmethod
    def offered(cls, split, protocol):
        return Offer((cls.of(split.public.embeddings),))

    @classmethod
    def example(cls, target, shadow):
        return cls.of(shadow.embeddings)

    @classmethod
    def of(cls, faces):
        """The question for the first principal axis of public embeddings (n, d), and their median along it."""
        axis = np.linalg.svd(faces - faces.mean(axis=0), full_matrices=False)[2][0].astype(float)
        return cls(tuple(axis.tolist()), float(np.median(faces @ axis)))

    def far(self, faces):
        """(n,) whether these embeddings (n, d) lie on the far side."""
        return unit(faces) @ np.asarray(self.axis) > self.middle

    def shape(self, evidence):
        return evidence.people, 1

    def measure(self, case, rng):
        far = self.far(case.panel.people.references.embeddings[case.people])
        told, n = _told(case.answer, far), len(far)
        error = 1.96 * np.sqrt(0.25 / n)  # the variance of a share is largest at one half
        one = Measurement("sides_told", told, max(told - error, 0.0), min(told + error, 1.0), n, chance=0.5)
        return case.finished(Measured((one,), {"far": int(far.sum())}))

    def edge(self, answer, exam):
        far = self.far(exam.target.embeddings[exam.staged.people])
        return float((_told(answer, far) - 0.5) / np.sqrt(0.25 / len(far)))


def _told(answer, far):
    """The share inferred correctly, if the upper half of the answers is taken as the far side."""
    return float(np.mean((answer[:, 0] > np.median(answer[:, 0])) == far))
