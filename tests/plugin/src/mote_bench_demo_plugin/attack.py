"""Two attacks on templates' responses to public faces: for a built-in question and for one of this package."""

import numpy as np

from mote_bench.contracts import Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import ask, class_index

from .question import WhichSide


class NearestMean:
    """The attacker queries every stolen template and the shadow subjects' templates with 200 public faces.

    Aim: each target subject's class. Success: the nearest class mean of the shadow subjects' responses is the true one.
    """

    question = WhichClass
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    reads = Reads.RESPONSES
    needs = ("score",)

    def answer(self, question, evidence, rng):
        answers = ask(evidence, evidence.public.embeddings[:200], rng)
        shown = class_index(evidence.shadow.references.attributes[question.attribute], question.classes)
        means = [answers.shadow[shown == position].mean(axis=0) for position in range(len(question.classes))]
        return -((answers.stolen[:, None] - np.stack(means)) ** 2).sum(axis=2)


class Sides:
    """The attacker queries every stolen template with 200 public faces and fits how scores rise along the axis.

    Aim: the side of the middle that each enrolled embedding is on. Success: the predicted side is the true one.
    """

    question = WhichSide
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    reads = Reads.RESPONSES
    needs = ("score",)

    def answer(self, question, evidence, rng):
        probes = evidence.public.embeddings[:200]
        answers = ask(evidence, probes, rng)
        along = probes @ np.asarray(question.axis) - question.middle
        return (answers.stolen - answers.stolen.mean(axis=1, keepdims=True)) @ along[:, None]
