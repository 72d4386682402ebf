"""Attacks that read a soft attribute from what the template answers to public faces."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import ask

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, known_labels, labels_of, views

_NEIGHBOURS = 20


class VoteOfBestResponses:
    """The classes of the public faces that a template scores best.

    The thief holds the records, a running copy of the system and labelled public faces, and wants each victim's class;
    success is a balanced accuracy above chance. Nothing is trained: faces of one class resemble each other, and a
    template that recognises its owner shows whom the owner resembles. The answer is a class's share among the 20 best
    of at most 1,000 faces, over its share among all that were shown. Only the order of a template's answers counts.

    After Osorio-Roig et al., "An Attack on Facial Soft-biometric Privacy Enhancement", TBIOM 2022 (arXiv 2111.12405).
    """

    question = WhichClass
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64, rows of sum one."""
        public, _ = granted(evidence)
        labels = labels_of(public, question)
        chosen = choose_probes(public, rng, labels=labels)
        shown = np.eye(len(question.classes))[labels[chosen]]
        answers = ask(evidence, public.embeddings[chosen], rng).stolen
        best = np.argsort(-answers, axis=1, kind="stable")[:, :_NEIGHBOURS]
        lift = shown[best].mean(axis=1) / np.maximum(shown.mean(axis=0), 1 / len(shown))
        return np.asarray(lift / lift.sum(axis=1, keepdims=True))


class LogisticOnResponses:
    """Train on the answers of the attacker's own templates, answer for the stolen ones.

    The thief holds the records, a running copy of the system and labelled people of their own (the shadow people),
    shows all templates the same public faces, and wants each victim's class; success is a balanced accuracy above
    chance. A template's answers to a fixed set of faces are a description of its owner in the coordinates of these
    faces, whatever the template's format; so weights or codes that look like noise tell as much as the comparison
    does. Of the answers as they are and their ranks, the attack takes what predicts left-out shadow people better.
    """

    question = WhichClass
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        public, shadow = granted(evidence)
        labels, labelled = known_labels(shadow.references, question)
        answers = ask(evidence, public.embeddings[choose_probes(public, rng)], rng)
        seen = [Examples(v.shadow[labelled], labels, v.stolen, len(question.classes)) for v in views(answers)]
        examples, fit = classifiers.on_views(classifiers.logistic, seen)
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))
