"""Attacks that infer a soft-biometric class by queries to the running system, without any stolen record."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import unit

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.online_access import OfShadow, OfTargets, oracle_of, reconstructed
from .._shared.probing import choose_probes, granted, labels_of
from .._shared.reconstructed_classes import classified, labelled_public
from .._shared.ridge_inversion import Inversions
from ..inversion.online_decisions import BOUNDARIES, BOUNDARIES_OF_SHADOW
from ..inversion.online_scores import EQUATIONS, EQUATIONS_OF_SHADOW


class LogisticOnScores:
    """Solve for the embedding from scores (``LeastSquaresFromScores``), then classify it as if it were an enrolled one.

    The attacker has no stolen record. The classifier learns from labelled public embeddings. It is calibrated on shadow
    subjects, whom the attacker enrols in a copy of the system and reconstructs in the same way.
    """

    question = WhichClass
    reads = Reads.SCORES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES
    prepares = (EQUATIONS, EQUATIONS_OF_SHADOW)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return _classified(question, evidence, self.prepares, rng)


class LogisticOnDecisions:
    """Find the embedding from decisions (``BoundaryFromDecisions``), then classify it as if it were an enrolled one.

    As :class:`LogisticOnScores`, for an attacker who sees accept or reject only.
    """

    question = WhichClass
    reads = Reads.DECISIONS
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.DECISIONS
    prepares = (BOUNDARIES, BOUNDARIES_OF_SHADOW)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return _classified(question, evidence, self.prepares, rng)


class VoteOfAcceptedFaces:
    """Vote with the classes of those public faces that the system accepts.

    A public face that is falsely accepted resembles the target subject. The result is a class's share among the
    accepted faces, divided by its share among all presented faces. One face of each class is added to both, so that no
    accepted face means no preference.
    """

    question = WhichClass
    reads = Reads.DECISIONS
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.DECISIONS

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64, rows of sum one."""
        public, _ = granted(evidence)
        oracle = oracle_of(evidence)
        labels = labels_of(public, question)
        chosen = choose_probes(public, rng, labels=labels, most=oracle.budget)
        shown = np.eye(len(question.classes))[labels[chosen]]
        share = (oracle.ask(public.embeddings[chosen]) @ shown + 1) / (shown.sum(axis=0) + 1)
        return np.asarray(share / share.sum(axis=1, keepdims=True))


def _classified(
    question: WhichClass, evidence: Evidence, preparations: tuple[OfTargets, OfShadow], rng: np.random.Generator
) -> FloatArray:
    """(n, classes) float64 probabilities; by public faces alone where the attacker can't score, and so has no copy."""
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    found = reconstructed(evidence, preparations, rng)
    targets = unit(found.targets - mean)
    if len(found.people):
        estimate = Inversions(targets, targets[:0], unit(found.shadow - mean), mean)
        return classified(question, public, shadow.references.rows(found.people), estimate, rng)
    faces, labels = labelled_public(question, public, mean, rng)
    examples = Examples(faces, labels, targets, len(question.classes))
    return classifiers.tuned(examples, classifiers.logistic, classifiers.folds(labels, rng))
