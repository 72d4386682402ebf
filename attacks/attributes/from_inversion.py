"""Attacks that reconstruct the embedding first and then infer a soft-biometric class from it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import unit

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, keys_to_present, known_labels, needed
from .._shared.responses import RESPONSES
from .._shared.ridge_inversion import Inversions, inverted
from .._shared.unkeyed import ESTIMATES, NEEDS, estimated

_MOST_PUBLIC = 3000


class LogisticOnInversion:
    """Invert the templates, then classify the reconstructed embeddings as if they were enrolled ones.

    The inversion makes the labels of thousands of public faces usable: they need not be enrolled.

    Reconstructed embeddings are noisier than real ones, so a classifier of real embeddings alone is biased on them. It
    is trained on both with equal weight: on public embeddings, and on reconstructions of the shadow subjects (each by a
    regression that left this subject out). Ridge and calibration are chosen on left-out shadow reconstructions alone.
    """

    question = WhichClass
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return read(question, evidence, inverted(evidence, rng), rng)


class LogisticOnClosedForm:
    """Decode the templates by the scheme's own closed form, then classify the reconstructions.

    The system is not queried. Single weights or codes may show no class, but the value they define together can: for
    MOTE the product of its weight matrices. The shadow subjects' templates are decoded as the stolen ones are.
    """

    question = WhichClass
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("reconstruct",)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        public, shadow = granted(evidence)
        decode = needed(evidence, "reconstruct")
        keys, own = keys_to_present(evidence, rng)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        stolen, shadows = (
            unit(np.asarray(decode(templates, keys=shown), dtype=np.float64) - mean)
            for templates, shown in ((evidence.templates, keys), (shadow.templates, own))
        )
        return read(question, evidence, Inversions(stolen, stolen[:0], shadows, mean), rng)


class LogisticOnUnkeyed:
    """Reconstruct the embeddings without any key (the scheme's ``solve_without_keys``), then classify them.

    As :class:`LogisticOnInversion`; the shadow subjects' templates are solved as the stolen ones are.
    """

    question = WhichClass
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM,)
    needs = NEEDS
    prepares = ESTIMATES

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return read(question, evidence, estimated(evidence, rng), rng)


def read(question: WhichClass, evidence: Evidence, estimate: Inversions, rng: np.random.Generator) -> FloatArray:
    """(n, classes) float64 class probabilities of reconstructed embeddings; see :class:`LogisticOnInversion`."""
    public, shadow = granted(evidence)
    labels, labelled = known_labels(shadow.references, question)
    examples = Examples(estimate.shadow[labelled], labels, estimate.stolen, len(question.classes))
    public_labels, rows = known_labels(public, question)
    named = public.rows(rows)
    used = choose_probes(named, rng, labels=public_labels, most=_MOST_PUBLIC)
    faces = unit(named.embeddings[used] - estimate.mean)
    fit = classifiers.logistic_beside(faces, public_labels[used])
    return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))
