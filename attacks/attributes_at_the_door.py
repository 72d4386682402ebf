"""Attacks that rebuild the embedding at the door of the running system and then read a soft attribute from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge
from mote_bench.door import Door
from mote_bench.questions import WhichClass, WhichFace
from mote_bench.toolkit import draw_keys, unit

from . import classifiers
from .classifiers import Examples
from .decision_queries import Boundary, guessed_threshold
from .probing import choose_probes, granted, known_labels
from .score_queries import Solve, oracle_of

_MOST_PUBLIC = 3000
_PEOPLE_TO_CALIBRATE_ON = 100


class FromScores:
    """Solve for the embedding from scores (``score_queries.Solve``), then classify it as if it were a plain one.

    The thief has no record and wants each victim's class from the scores that the running system shows; success is a
    balanced accuracy above chance. The classifier learns from labelled public embeddings, and is calibrated on people
    of the thief's own, whom a copy of the system on the thief's desk lets them rebuild in the same way.
    """

    question = WhichClass
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return _classified(question, evidence, Solve(), rng)


class FromDecisions:
    """Find the embedding from decisions (``decision_queries.Boundary``), then classify it as if it were a plain one.

    As :class:`FromScores`, for a thief who only sees who is let in.
    """

    question = WhichClass
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.DECISIONS

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return _classified(question, evidence, Boundary(), rng)


def _classified(
    question: WhichClass, evidence: Evidence, inversion: Solve | Boundary, rng: np.random.Generator
) -> FloatArray:
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    asked = WhichFace(len(mean))

    def rebuilt(at: Evidence) -> FloatArray:
        return unit(inversion.answer(asked, at, rng) - mean)

    labels, rows = known_labels(public, question)
    named = public.rows(rows)
    used = choose_probes(named, rng, labels=labels, most=_MOST_PUBLIC)
    faces, classes = unit(named.embeddings[used] - mean), len(question.classes)
    if not hasattr(evidence.scheme, "score"):
        examples = Examples(faces, labels[used], rebuilt(evidence), classes)
        return classifiers.tuned(examples, classifiers.logistic, classifiers.folds(labels[used], rng))
    own_labels, labelled = known_labels(shadow.references, question)
    some = rng.permutation(len(labelled))[:_PEOPLE_TO_CALIBRATE_ON]
    at_home = _at_home(evidence, labelled[some], inversion.access, rng)
    examples = Examples(rebuilt(at_home), own_labels[some], rebuilt(evidence), classes)
    fit = classifiers.logistic_beside(faces, labels[used])
    return classifiers.tuned(examples, fit, classifiers.folds(own_labels[some], rng))


def _at_home(evidence: Evidence, people: npt.NDArray[np.intp], access: Access, rng: np.random.Generator) -> Evidence:
    """The attacker's own people behind a door of the attacker's own, with as many queries."""
    public, shadow = granted(evidence)
    scheme, oracle = evidence.scheme, oracle_of(evidence)
    assert scheme is not None
    templates = [shadow.templates[row] for row in people]
    keys = None if shadow.keys is None else [shadow.keys[row] for row in people]
    if keys is not None and evidence.knowledge is Knowledge.ALGORITHM:
        keys = [*draw_keys(1, rng)] * len(people)
    threshold = guessed_threshold(scheme, templates, keys, public.embeddings[choose_probes(public, rng)])
    door = Door(scheme, templates, keys=keys, access=access, threshold=threshold, budget=oracle.budget)
    return replace(evidence, oracle=door)
