"""Attacks on several records of each person: what one of them leaves open, others tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Records
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit

from .inversion import Rebuilt, rebuilt
from .probing import granted, presented


class ClosedForms:
    """Decode each record by the scheme's closed form and add the estimates up.

    The thief holds several records of each person, made of the same photo under new keys and new randomness, say from
    before and after revocations or from several operators, and wants the enrolled face; success is an embedding that
    the system takes for the person. Records under k independent keys are k times as many independent projections of
    one face: the attack via record multiplicity (Scheirer & Boult, "Cracking Fuzzy Vaults and Biometric Encryption",
    BSYM 2007). Without the keys each is decoded under one of the thief's own, and the errors don't cancel.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("reconstruct",)
    several = True

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        decode = getattr(evidence.scheme, "reconstruct", None)
        if decode is None:
            raise ValueError("this attack needs a scheme with a method reconstruct(templates, *, keys)")

        def decoded(one: Evidence) -> FloatArray:
            return unit(np.asarray(decode(one.templates, keys=presented(one, rng)[0]), dtype=np.float64) - mean)

        return on_sphere(mean, unit(_summed(evidence, decoded)))


class Ridges:
    """Invert each record by what it answers to public faces and add the estimates up.

    As :class:`ClosedForms`, with ``inversion.Ridge`` in the place of a closed form: what differs between a person's
    records is the error of the inversion, and means of k records have a k-th of its variance.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    several = True

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        estimate = rebuilt_from_all(evidence, rng)
        return on_sphere(estimate.mean, estimate.stolen)


def rebuilt_from_all(evidence: Evidence, rng: np.random.Generator) -> Rebuilt:
    """As ``inversion.rebuilt``, ``stolen`` being the direction of the sum of the estimates of all records of a person.

    All records are asked at once, so that the attacker's own people are asked but once.
    """
    records = (Records(evidence.templates, evidence.keys), *evidence.renewed)
    templates = tuple(template for one in records for template in one.templates)
    keys = None if evidence.keys is None else tuple(key for one in records for key in one.keys or ())
    estimate = rebuilt(replace(evidence, templates=templates, keys=keys, renewed=()), rng)
    each = estimate.stolen.reshape(len(records), len(evidence.templates), -1)
    return replace(estimate, stolen=unit(each.sum(axis=0)))


def _summed(evidence: Evidence, estimate: Callable[[Evidence], FloatArray]) -> FloatArray:
    """(n, d) sum of the estimates from each record of every person."""
    total = estimate(replace(evidence, renewed=()))
    for records in evidence.renewed:
        total = total + estimate(replace(evidence, templates=records.templates, keys=records.keys, renewed=()))
    return total
