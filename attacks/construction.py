"""The attack that a scheme's own construction invites, as published."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge
from mote_bench.questions import WhichFace

from .probing import granted, presented


class Solve:
    """Undo the construction: the order of PE-MIU's blocks, the bins that negative recognition excludes.

    The thief holds the records, the algorithm, public faces and, at ``stolen_key``, each record's key, and wants the
    enrolled face; success is an embedding that the system takes for the person. How a scheme is undone is known to
    whoever has read its paper, and stands beside it (``solve``), with its source; keys that aren't stolen are guessed.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("solve",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64."""
        public, _ = granted(evidence)
        keys, _ = presented(evidence, rng)
        solve = getattr(evidence.scheme, "solve", None)
        if solve is None:
            raise ValueError("this attack needs a scheme with a method solve(templates, *, keys, prior, rng)")
        found = solve(evidence.templates, keys=keys, prior=public.embeddings, rng=rng)
        return np.asarray(found, dtype=np.float64)
