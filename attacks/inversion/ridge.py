"""Reconstruction by a linear map that is learned from responses."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere

from .._shared.equal_scores import drawn_where_equal
from .._shared.prior import Prior
from .._shared.probing import granted
from .._shared.responses import RESPONSES, responses
from .._shared.ridge_inversion import inverted_by


class RidgeInversion:
    """Invert the template by a ridge regression from its responses to public faces to the embedding.

    The linear map is learned on the shadow subjects. No gradient and no knowledge of the format is needed, only
    queries. After the transfer attack of Mai et al., "On the Reconstruction of Face Images from Deep Face Templates",
    TPAMI 2019 (arXiv 1703.00832), with responses in the template's place. Templates that respond alike can't be
    distinguished, as where a yes-or-no scheme rejects every public face: for each a face is drawn from a prior.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        seen = responses(evidence, rng)
        estimate = inverted_by(evidence, seen)
        faces = on_sphere(estimate.mean, estimate.stolen)
        return drawn_where_equal(faces, seen.stolen, lambda: Prior.of(public.embeddings), rng)
