"""Attacks that infer a soft-biometric class from a template's responses to public faces."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import ask

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, known_labels, labels_of, scaled_and_ranked
from .._shared.responses import RESPONSES, responses

_NEIGHBOURS = 20


class VoteOfBestResponses:
    """Vote with the classes of the public faces that a template scores highest.

    Nothing is trained. Faces of one class resemble each other, and a template scores those highest that resemble its
    subject. The result is a class's share among the 20 best of at most 1,000 faces, divided by its share among all
    presented faces. Only the order of a template's responses counts.

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
    """Train a classifier on the responses of the attacker's own templates, then classify the stolen ones by theirs.

    All templates get the same public faces as probes. A template's responses to a fixed set of probes describe its
    subject in the coordinates of these faces, whatever the template's format. So weights or codes that look like noise
    leak as much as the comparison does. The attack tries the responses and their ranks, and keeps the one that predicts
    left-out shadow subjects better.
    """

    question = WhichClass
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        _, shadow = granted(evidence)
        labels, labelled = known_labels(shadow.references, question)
        answers = responses(evidence, rng)
        seen = [
            Examples(v.shadow[labelled], labels, v.stolen, len(question.classes)) for v in scaled_and_ranked(answers)
        ]
        examples, fit = classifiers.on_views(classifiers.logistic, seen)
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))
