"""Reconstruction by the scheme's own attack that needs no key."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere

from .._shared.unkeyed import ESTIMATES_OF_TEMPLATES, NEEDS, estimated_templates


class UnkeyedInversion:
    """Undo the construction without any key, by what public faces say of the faces behind templates.

    The scheme's ``solve_without_keys`` holds the attack, with its source. A construction may hide a face only as long
    as nobody knows what faces look like: PolyProtect's template is the face up to a shift, a scale and a sign.
    """

    question = WhichFace
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM,)
    needs = NEEDS
    prepares = ESTIMATES_OF_TEMPLATES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        estimate, mean = estimated_templates(evidence, rng)
        return on_sphere(mean, estimate)
