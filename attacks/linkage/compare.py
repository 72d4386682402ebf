"""Attacks that compare every record of one stolen database with every record of another."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import SamePerson
from mote_bench.toolkit import numbers, unit

from .._shared.pooling import at_scales
from .._shared.probing import ranked, standardised
from .._shared.responses import RESPONSES, responses
from .._shared.ridge_inversion import inverted, inverted_from_all


class CompareBytes:
    """Correlate the bytes of the records.

    The attacker has two stolen databases, without the algorithm or any data, for instance a patient list and a club's.
    Columns are standardised over both databases, so that what all records share doesn't count as similarity. Long
    records are compared at several scales; the scale whose best matches stand out most is kept.
    """

    question = SamePerson
    reads = Reads.BYTES
    knowledge = (Knowledge.BYTES_ONLY,)

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 correlations."""
        tables = at_scales(numbers([*evidence.templates, *evidence.others]))
        compared = [_compared(table, len(evidence.templates)) for table in tables]
        return max(compared, key=_clearness)


class CompareResponses:
    """Correlate the records' responses to public faces.

    Records whose bytes look unrelated must still recognise the same subject. So their responses to other faces that
    resemble this subject are similar. Responses are taken by rank, and standardised per probe by the shadow templates'
    responses.
    """

    question = SamePerson
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 correlations."""
        seen = standardised(ranked(responses(evidence, rng)))
        return _correlation(seen.stolen, seen.others)


class CompareInversions:
    """Reconstruct the embeddings behind both databases (``ridge_inversion.inverted``) and compare these by cosine.

    A few common directions dominate the raw responses. Reconstructed embeddings are compared as the recogniser compares
    faces, about the public mean.
    """

    question = SamePerson
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 cosines."""
        estimate = inverted(evidence, rng)
        return np.asarray(estimate.stolen @ estimate.others.T)


class CompareSeveralInversions:
    """Reconstruct the embedding from several records of each subject, then compare it with the other database.

    The several records are made of the same photo under new keys; the other database holds one record of another photo.
    Each record is inverted by its responses (``ridge_inversion.inverted_from_all``) and a subject's estimates are added
    up. So errors that differ between the records cancel before the comparison.
    """

    question = SamePerson
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    several = True
    prepares = RESPONSES

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 cosines."""
        estimate = inverted_from_all(evidence, rng)
        return np.asarray(estimate.stolen @ estimate.others.T)


def _compared(table: FloatArray, stolen: int) -> FloatArray:
    """Correlations of the first ``stolen`` rows with the others."""
    spread = table.std(axis=0)
    used = spread > 0
    standard = (table[:, used] - table[:, used].mean(axis=0)) / spread[used]
    return _correlation(standard[:stolen], standard[stolen:])


def _clearness(likeness: FloatArray) -> float:
    """Mean over the records of how many standard deviations of its row the best match stands out."""
    beyond = likeness.max(axis=1) - likeness.mean(axis=1)
    return float(np.mean(beyond / np.maximum(likeness.std(axis=1), 1e-12)))


def _correlation(rows: FloatArray, others: FloatArray) -> FloatArray:
    """Pearson's correlation of every row of ``rows`` with every row of ``others``; zero for a constant row."""
    left, right = (part - part.mean(axis=1, keepdims=True) for part in (rows, others))
    return np.asarray(unit(left) @ unit(right).T, dtype=np.float64)
