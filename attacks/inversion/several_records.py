"""Attacks that combine several stolen records of each target subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit

from .._shared.equal_scores import drawn_where_equal
from .._shared.prior import Prior
from .._shared.probing import granted, keys_to_present, needed
from .._shared.responses import RESPONSES, responses_of_each
from .._shared.ridge_inversion import inverted_from_all_by


class ClosedFormOfSeveralRecords:
    """Decode each record by the scheme's closed form and add the estimates up.

    The records are made of the same photo under new keys and new randomness, for instance before and after a revocation
    or at several operators. Records under k independent keys are k times as many independent projections of one face:
    the attack via record multiplicity (Scheirer & Boult, "Cracking Fuzzy Vaults and Biometric Encryption", BSYM 2007).
    Without the keys each record is decoded under a key of the attacker's own, and the errors don't cancel.
    """

    question = WhichFace
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("reconstruct",)
    several = True

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        decode = needed(evidence, "reconstruct")

        def decoded(one: Evidence) -> FloatArray:
            return unit(np.asarray(decode(one.templates, keys=keys_to_present(one, rng)[0]), dtype=np.float64) - mean)

        return on_sphere(mean, unit(_summed(evidence, decoded)))


class RidgeInversionOfSeveralRecords:
    """Invert each record by a ridge regression from its responses and add the estimates up.

    As :class:`ClosedFormOfSeveralRecords`, with ``RidgeInversion`` in place of a closed form. A subject's estimates
    differ by the error of the inversion, and a mean of k records has a k-th of its variance. A face is drawn where all
    records respond alike.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    several = True
    prepares = RESPONSES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        each, others, shadow = responses_of_each(evidence, rng)
        estimate = inverted_from_all_by(evidence, each, others, shadow)
        faces = on_sphere(estimate.mean, estimate.stolen)
        return drawn_where_equal(faces, np.hstack(each), lambda: Prior.of(public.embeddings), rng)


class ConstructionOfSeveralRecords:
    """Undo the construction by what several records of one photo have in common, without any key.

    The scheme's ``solve_several`` holds the attack, with its source. A construction may hide a face in one record, and
    not in two: each says where the face doesn't lie.
    """

    question = WhichFace
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM,)
    needs = ("solve_several",)
    several = True

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64."""
        public, _ = granted(evidence)
        records = [evidence.templates, *(one.templates for one in evidence.renewed)]
        found = needed(evidence, "solve_several")(records, prior=public, rng=rng)
        return np.asarray(found, dtype=np.float64)


def _summed(evidence: Evidence, estimate: Callable[[Evidence], FloatArray]) -> FloatArray:
    """(n, d) sum of the estimates from all records of each subject."""
    total = estimate(replace(evidence, renewed=()))
    for records in evidence.renewed:
        total = total + estimate(replace(evidence, templates=records.templates, keys=records.keys, renewed=()))
    return total
