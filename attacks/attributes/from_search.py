"""The attack that searches for the face behind each template and then infers a soft-biometric class from it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import unit

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, known_labels
from ..inversion.prior_search import Search, searched

_MOST_PUBLIC = 3000


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
        labels, labelled = known_labels(shadow.references.rows(found.tried), question)
        examples = Examples(found.shadow[labelled], labels, found.stolen, len(question.classes))
        public_labels, rows = known_labels(public, question)
        named = public.rows(rows)
        used = choose_probes(named, rng, labels=public_labels, most=_MOST_PUBLIC)
        fit = classifiers.logistic_beside(unit(named.embeddings[used] - found.mean), public_labels[used])
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))
