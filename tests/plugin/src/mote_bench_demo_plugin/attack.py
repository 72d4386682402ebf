"""Which class: the one whose shadow people answer most like the stolen template."""

import numpy as np

from mote_bench.contracts import Knowledge, WhichClass
from mote_bench.toolkit import ask, class_index


class NearestMean:
    """The thief shows 200 public faces to every stolen template and to templates of people of their own.

    Wanted: each person's class. Success: the nearest class mean of the own people's answers is the right one.
    """

    question = WhichClass
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)

    def answer(self, question, evidence, rng):
        answers = ask(evidence, evidence.public.embeddings[:200], rng)
        shown = class_index(evidence.shadow.references.attributes[question.attribute], question.classes)
        means = [answers.shadow[shown == position].mean(axis=0) for position in range(len(question.classes))]
        return -((answers.stolen[:, None] - np.stack(means)) ** 2).sum(axis=2)
