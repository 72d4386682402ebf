"""The attack that infers the enrolled photo from an embedding which is reconstructed without any key."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichPhoto
from mote_bench.toolkit import unit

from .._shared.unkeyed import ESTIMATES_OF_TEMPLATES, NEEDS, estimated_templates
from .from_responses import candidates_of


class PhotoNearestToEstimate:
    """Compare every candidate photo with the embedding that ``solve_without_keys`` reconstructs from the template.

    Nothing is shown to the system. The sign of the cosine is ignored: an estimate may be a face's mirror image, where a
    construction doesn't tell the two apart. Candidates show one subject, so all of them lie on one side.
    """

    question = WhichPhoto
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM,)
    needs = NEEDS
    prepares = ESTIMATES_OF_TEMPLATES

    def answer(self, question: WhichPhoto, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, photos) float64 absolute cosines, seen from the mean public face."""
        estimate, mean = estimated_templates(evidence, rng)
        candidates = unit(np.asarray(candidates_of(evidence), dtype=np.float64) - mean)
        return np.asarray(np.abs((candidates * estimate[:, None]).sum(axis=2)))
