"""The attack that searches for the face behind each template and then infers a soft-biometric class from it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass

from .._shared.probing import granted
from .._shared.reconstructed_classes import classified
from .._shared.ridge_inversion import Inversions
from ..inversion.prior_search import Search, searched


class LogisticOnSearch:
    """Search for each template's face (``PriorSearch``), then classify it as if it were an enrolled embedding.

    The classifier learns from public embeddings and, with equal weight, from the shadow subjects. Their templates are
    searched as the stolen ones are.
    """

    question = WhichClass
    reads = Reads.SEARCH
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = (Search(),)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        public, shadow = granted(evidence)
        found = searched(evidence, rng)
        estimate = Inversions(found.stolen, found.stolen[:0], found.shadow, found.mean)
        return classified(question, public, shadow.references.rows(found.tried), estimate, rng)
