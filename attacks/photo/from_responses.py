"""Attacks that infer which photo of a subject was enrolled."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichPhoto

from .._shared.probing import keys_to_present


def candidates_of(evidence: Evidence) -> FloatArray:
    """(n, photos, d) candidate photos of each subject; ValueError where the evidence holds none."""
    if evidence.candidates is None:
        raise ValueError(
            "this attack needs candidate photos, and the evidence holds none (evidence.candidates is None)"
        )
    return evidence.candidates


class BestScoredPhoto:
    """Score every candidate photo against the template; the enrolled one should score highest.

    The attacker holds several photos of each target subject, for instance from different sites under different names.
    For cosines the enrolled photo scores exactly 1. For a template that was trained on it, the training raised its
    score most.
    """

    question = WhichPhoto
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichPhoto, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, photos) float64 scores."""
        candidates = candidates_of(evidence)
        keys, _ = keys_to_present(evidence, rng)
        assert evidence.scheme is not None
        answer = np.empty(candidates.shape[:2])
        for row, template in enumerate(evidence.templates):
            key = None if keys is None else [keys[row]]
            answer[row] = evidence.scheme.score([template], candidates[row], keys=key)[0]
        return answer
