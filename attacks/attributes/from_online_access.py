"""Attacks that infer a soft-biometric class by queries to the running system, without any stolen record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass, WhichFace
from mote_bench.toolkit import QueryOracle, draw_keys, unit

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.online_access import guessed_threshold, oracle_of
from .._shared.probing import choose_probes, granted, known_labels, labels_of
from ..inversion.online_decisions import BoundaryFromDecisions
from ..inversion.online_scores import LeastSquaresFromScores

_MOST_PUBLIC = 3000
_PEOPLE_TO_CALIBRATE_ON = 100


class LogisticOnScores:
    """Solve for the embedding from scores (``LeastSquaresFromScores``), then classify it as if it were an enrolled one.

    The attacker has no stolen record. The classifier learns from labelled public embeddings. It is calibrated on shadow
    subjects, whom the attacker enrols in a copy of the system and reconstructs in the same way.
    """

    question = WhichClass
    reads = Reads.SCORES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return _classified(question, evidence, LeastSquaresFromScores(), rng)


class LogisticOnDecisions:
    """Find the embedding from decisions (``BoundaryFromDecisions``), then classify it as if it were an enrolled one.

    As :class:`LogisticOnScores`, for an attacker who sees accept or reject only.
    """

    question = WhichClass
    reads = Reads.DECISIONS
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.DECISIONS

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return _classified(question, evidence, BoundaryFromDecisions(), rng)


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
    question: WhichClass,
    evidence: Evidence,
    inversion: LeastSquaresFromScores | BoundaryFromDecisions,
    rng: np.random.Generator,
) -> FloatArray:
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    reconstruction = WhichFace(len(mean))

    def inverted(at: Evidence) -> FloatArray:
        return unit(inversion.answer(reconstruction, at, rng) - mean)

    labels, rows = known_labels(public, question)
    named = public.rows(rows)
    used = choose_probes(named, rng, labels=labels, most=_MOST_PUBLIC)
    faces, classes = unit(named.embeddings[used] - mean), len(question.classes)
    if not hasattr(evidence.scheme, "score"):
        examples = Examples(faces, labels[used], inverted(evidence), classes)
        return classifiers.tuned(examples, classifiers.logistic, classifiers.folds(labels[used], rng))
    own_labels, labelled = known_labels(shadow.references, question)
    some = rng.permutation(len(labelled))[:_PEOPLE_TO_CALIBRATE_ON]
    on_shadow = _shadow_system(evidence, labelled[some], inversion.access, rng)
    examples = Examples(inverted(on_shadow), own_labels[some], inverted(evidence), classes)
    fit = classifiers.logistic_beside(faces, labels[used])
    return classifiers.tuned(examples, fit, classifiers.folds(own_labels[some], rng))


def _shadow_system(
    evidence: Evidence, people: npt.NDArray[np.intp], access: Access, rng: np.random.Generator
) -> Evidence:
    """The same evidence for shadow subjects, behind an oracle of the attacker's own with the same budget."""
    public, shadow = granted(evidence)
    scheme, oracle = evidence.scheme, oracle_of(evidence)
    assert scheme is not None
    templates = [shadow.templates[row] for row in people]
    keys = None if shadow.keys is None else [shadow.keys[row] for row in people]
    if keys is not None and evidence.knowledge is Knowledge.ALGORITHM:
        keys = [*draw_keys(1, rng)] * len(people)
    threshold = guessed_threshold(scheme, templates, keys, public.embeddings[choose_probes(public, rng)])
    oracle_of_shadow = QueryOracle(
        scheme, templates, keys=keys, access=access, threshold=threshold, budget=oracle.budget
    )
    return replace(evidence, oracle=oracle_of_shadow)
