"""The attack that rebuilds the embedding first and then reads a soft attribute from it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import unit

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, known_labels, needed, presented
from .._shared.ridge_inversion import Rebuilt, rebuilt

_MOST_PUBLIC = 3000


class LogisticOnInversion:
    """Invert the templates, then classify the rebuilt embeddings as if they were plain ones.

    The thief holds the records, a running copy of the system, labelled public faces and people of their own, and wants
    each victim's class; success is a balanced accuracy above chance. What the answers-only attack can't use are the
    labels of thousands of public faces: nobody has to enrol them once the template is turned back into an embedding.

    Rebuilt embeddings are noisier than real ones, so a classifier of real ones alone is off on them. It is trained on
    both with equal weight: public embeddings, and the shadow people's rebuilt ones (each rebuilt by a regression that
    left that person out). Its ridge and calibration are chosen on left-out rebuilt shadow people alone.
    """

    question = WhichClass
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        return read(question, evidence, rebuilt(evidence, rng), rng)


class LogisticOnClosedForm:
    """Decode the templates by the scheme's own closed form, then classify what comes out.

    The thief holds the records and the algorithm, at ``stolen_key`` each record's key too, and no need to run the
    system on the records; success is a balanced accuracy above chance. Weights or codes that show no class by their
    position show it once the construction has put them together: for MOTE the product of its weight matrices. The
    shadow people's templates are decoded as the stolen ones are.
    """

    question = WhichClass
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("reconstruct",)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        public, shadow = granted(evidence)
        decode = needed(evidence, "reconstruct")
        keys, own = presented(evidence, rng)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        stolen, shadows = (
            unit(np.asarray(decode(templates, keys=shown), dtype=np.float64) - mean)
            for templates, shown in ((evidence.templates, keys), (shadow.templates, own))
        )
        return read(question, evidence, Rebuilt(stolen, stolen[:0], shadows, mean), rng)


def read(question: WhichClass, evidence: Evidence, estimate: Rebuilt, rng: np.random.Generator) -> FloatArray:
    """(n, classes) float64 probabilities of the classes of rebuilt embeddings; as :class:`LogisticOnInversion` says."""
    public, shadow = granted(evidence)
    labels, labelled = known_labels(shadow.references, question)
    examples = Examples(estimate.shadow[labelled], labels, estimate.stolen, len(question.classes))
    public_labels, rows = known_labels(public, question)
    named = public.rows(rows)
    used = choose_probes(named, rng, labels=public_labels, most=_MOST_PUBLIC)
    faces = unit(named.embeddings[used] - estimate.mean)
    fit = classifiers.logistic_beside(faces, public_labels[used])
    return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))
