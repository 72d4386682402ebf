"""Reconstruction by what a scheme's own construction admits: its closed form, or the published attack on it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import draw_keys, revocable

from .._shared.probing import granted, needed, presented


class ClosedFormInversion:
    """Decode the template by the scheme's own closed form.

    The thief holds the records, the algorithm and, at ``stolen_key``, each record's key, and wants the enrolled face.
    Success is an embedding that the system takes for the person. For BioHash this is Q sign(b), at a cosine of
    sqrt(2 m / (pi d)) with the enrolled embedding (the mean of |g| over Gaussian projections g, times the root of their
    share m / d of the dimensions); for MOTE the product of its weight matrices. Without the key the thief decodes under
    one of their own.
    """

    question = WhichFace
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("reconstruct",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float: the scheme's reconstruction of each stolen template."""
        decode, keys = needed(evidence, "reconstruct"), None
        if evidence.scheme is not None and revocable(evidence.scheme):
            keys = evidence.keys or draw_keys(1, rng) * len(evidence.templates)
        return np.asarray(decode(evidence.templates, keys=keys))


class PublishedInversion:
    """Undo the construction: the order of PE-MIU's blocks, the bins that negative recognition excludes.

    The thief holds the records, the algorithm, public faces and, at ``stolen_key``, each record's key, and wants the
    enrolled face; success is an embedding that the system takes for the person. How a scheme is undone is known to
    whoever has read its paper, and stands beside it (``solve``), with its source; keys that aren't stolen are guessed.
    """

    question = WhichFace
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("solve",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64."""
        public, _ = granted(evidence)
        keys, _ = presented(evidence, rng)
        solve = needed(evidence, "solve")
        found = solve(evidence.templates, keys=keys, prior=public.embeddings, rng=rng)
        return np.asarray(found, dtype=np.float64)
