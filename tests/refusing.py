"""Schemes that can't enrol some subjects."""

import numpy as np
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import NOT_ENROLLED


def refused(references, above):
    """(n,) whether a face can't be enrolled: a property of the face alone, so of every enrolment of it."""
    rows = np.asarray(references, dtype=float)
    return rows[:, 2] / np.linalg.norm(rows, axis=1) > above


class RefusesSome(Cosine):
    """The plain vector, but for faces with a high third coordinate."""

    def __init__(self, above=0.25):
        self.above = above

    def enroll(self, references, *, keys, seeds):
        made = super().enroll(references, keys=keys, seeds=seeds)
        return [NOT_ENROLLED if no else one for one, no in zip(made, refused(references, self.above), strict=True)]


class KeyedRefusesSome(BioHash):
    """A scheme with keys that refuses the same faces."""

    above = 0.25

    def enroll(self, references, *, keys, seeds):
        made = super().enroll(references, keys=keys, seeds=seeds)
        return [NOT_ENROLLED if no else one for one, no in zip(made, refused(references, self.above), strict=True)]
