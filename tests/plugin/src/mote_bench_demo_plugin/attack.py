"""Two attacks by what templates answer to public faces: on a built-in question and on one of this package's own."""

import numpy as np

from mote_bench.contracts import Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import ask, class_index

from .question import WhichSide


class NearestMean:
    """The thief shows 200 public faces to every stolen template and to templates of people of their own.

    Wanted: each person's class. Success: the nearest class mean of the own people's answers is the right one.
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
    """The thief shows 200 public faces to every stolen template and asks how the answers rise along the axis.

    Wanted: the side of the middle on which each enrolled embedding lies. Success: the side is told right.
    """

    question = WhichSide
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question, evidence, rng):
        probes = evidence.public.embeddings[:200]
        answers = ask(evidence, probes, rng)
        along = probes @ np.asarray(question.axis) - question.middle
        return (answers.stolen - answers.stolen.mean(axis=1, keepdims=True)) @ along[:, None]
