"""Attacks that tell which photo of a person was enrolled."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichPhoto

from .._shared.probing import presented


def _candidates(evidence: Evidence) -> FloatArray:
    if evidence.candidates is None:
        raise ValueError("there are no candidate photos in the evidence")
    return evidence.candidates


class BestScoredPhoto:
    """Show the template every candidate photo; the enrolled one should score best.

    The thief holds the records, a running copy of the system and a few photos of each victim, say from different sites
    under different names, and wants to know which of them the operator was given; success is the right one first. For
    cosines the enrolled photo scores exactly 1; for whatever is fitted to it, it stands where training pulled hardest.
    """

    question = WhichPhoto
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichPhoto, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, photos) float64 scores."""
        candidates = _candidates(evidence)
        keys, _ = presented(evidence, rng)
        assert evidence.scheme is not None
        answer = np.empty(candidates.shape[:2])
        for row, template in enumerate(evidence.templates):
            key = None if keys is None else [keys[row]]
            answer[row] = evidence.scheme.score([template], candidates[row], keys=key)[0]
        return answer
