"""Attacks that reconstruct the embedding first and then infer a soft-biometric class from it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import unit

from .._shared.probing import granted, keys_to_present, needed
from .._shared.reconstructed_classes import classified
from .._shared.responses import RESPONSES
from .._shared.ridge_inversion import Inversions, inverted
from .._shared.unkeyed import ESTIMATES, NEEDS, estimated


class LogisticOnInversion:
    """Invert the templates, then classify the reconstructed embeddings as if they were enrolled ones.

    The inversion makes the labels of thousands of public faces usable: they need not be enrolled. The classifier learns
    from them and from reconstructions of the shadow subjects, each by a regression that left this subject out
    (:func:`reconstructed_classes.classified`).
    """

    question = WhichClass
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        public, shadow = granted(evidence)
        return classified(question, public, shadow.references, inverted(evidence, rng), rng)


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
        estimate = Inversions(stolen, stolen[:0], shadows, mean)
        return classified(question, public, shadow.references, estimate, rng)


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
        public, shadow = granted(evidence)
        return classified(question, public, shadow.references, estimated(evidence, rng), rng)
