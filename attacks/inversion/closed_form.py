"""Reconstruction by the scheme's own construction: its closed form, or the published attack on it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import draw_keys, revocable

from .._shared.probing import granted, keys_to_present, needed


class ClosedFormInversion:
    """Decode the template by the scheme's own closed form.

    For BioHash this is Q sign(b), at a cosine of sqrt(2 m / (pi d)) with the enrolled embedding. (It is the mean of |g|
    over Gaussian projections g, times the root of their share m / d of the dimensions.) For MOTE it is the product of
    the weight matrices. Without the stolen key the attacker decodes under a key of their own.
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
    """Undo the construction by its published attack: PE-MIU's block order, bins excluded by negative recognition.

    The scheme's ``solve`` holds the attack, with its source: anybody who has read the paper knows it. Keys that aren't
    stolen are guessed.
    """

    question = WhichFace
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("solve",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64."""
        public, _ = granted(evidence)
        keys, _ = keys_to_present(evidence, rng)
        solve = needed(evidence, "solve")
        found = solve(evidence.templates, keys=keys, prior=public.embeddings, rng=rng)
        return np.asarray(found, dtype=np.float64)
