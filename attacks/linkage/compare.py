"""Attacks that match the records of two stolen databases, person by person."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import SamePerson
from mote_bench.toolkit import ask, numbers, unit

from .._shared.pooling import at_scales
from .._shared.probing import choose_probes, granted, ranked, standardised
from .._shared.ridge_inversion import rebuilt, rebuilt_from_all


class CompareBytes:
    """Correlate the records as they lie in the databases.

    The thief holds two stolen databases, neither the algorithm nor any data, and wants to know which records belong to
    one person, say a patient list and a club's; success is that records of one person are more alike than others. The
    columns are standardised over both databases, so that what all records share doesn't count as likeness. Long
    records are compared at several scales, and the thief keeps the one at which their best match stands out most.
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
    """Correlate what the records answer to public faces.

    The thief also holds the algorithm, public faces and people of their own (and, at ``stolen_key``, the keys), and
    wants to know which records of the two databases belong to one person. Records that look unrelated must still
    recognise the same owner, and so they answer alike to strangers who resemble that owner. The answers are taken by
    rank, and standardised per face as the attacker's own templates answer it.
    """

    question = SamePerson
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 correlations."""
        public, _ = granted(evidence)
        answers = ask(evidence, public.embeddings[choose_probes(public, rng)], rng)
        seen = standardised(ranked(answers))
        return _correlation(seen.stolen, seen.others)


class CompareInversions:
    """Rebuild the embeddings behind both databases and compare these.

    The thief holds what :class:`CompareResponses` holds and inverts every record by the ridge regression of
    ``ridge_inversion.rebuilt`` first. Unlike raw answers, where a few common directions drown the rest, rebuilt
    embeddings are compared as the recogniser compares faces: by their cosine about the public mean.
    """

    question = SamePerson
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 cosines."""
        estimate = rebuilt(evidence, rng)
        return np.asarray(estimate.stolen @ estimate.others.T)


class CompareSeveralInversions:
    """Rebuild the embedding from several records of each person, then compare it with the other database.

    The thief holds several records of each person of one database, made of the same photo under new keys, and one of
    each of another database, which shows them on another photo; success is as for :class:`CompareBytes`. Each record is
    inverted by what it answers (``ridge_inversion.rebuilt``), a person's estimates are added up, and what differs
    between the records cancels out before anything is compared.
    """

    question = SamePerson
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    several = True

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 cosines."""
        estimate = rebuilt_from_all(evidence, rng)
        return np.asarray(estimate.stolen @ estimate.others.T)


def _compared(table: FloatArray, stolen: int) -> FloatArray:
    """Correlations of the first ``stolen`` rows with the others."""
    spread = table.std(axis=0)
    used = spread > 0
    standard = (table[:, used] - table[:, used].mean(axis=0)) / spread[used]
    return _correlation(standard[:stolen], standard[stolen:])


def _clearness(likeness: FloatArray) -> float:
    """By how many standard deviations of its row the best match of a record stands out, in the mean."""
    beyond = likeness.max(axis=1) - likeness.mean(axis=1)
    return float(np.mean(beyond / np.maximum(likeness.std(axis=1), 1e-12)))


def _correlation(rows: FloatArray, others: FloatArray) -> FloatArray:
    """Pearson's, of every row of ``rows`` with every row of ``others``; zero for a constant row."""
    left, right = (part - part.mean(axis=1, keepdims=True) for part in (rows, others))
    return np.asarray(unit(left) @ unit(right).T, dtype=np.float64)
