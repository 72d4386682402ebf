"""The attack that links templates by the scheme's own construction, without any key."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import SamePerson

from .._shared.probing import needed


class LinkByConstruction:
    """Compare the records as the published attack on the construction's unlinkability does.

    The scheme's ``link`` holds the attack, with its source. Helper data of two commitments to one face, say, add up to
    a word near a codeword, whichever keys they hide.
    """

    question = SamePerson
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM,)
    needs = ("link",)

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64."""
        return np.asarray(needed(evidence, "link")(evidence.templates, evidence.others), dtype=np.float64)
