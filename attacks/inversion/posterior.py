"""Reconstruction by the posterior of the enrolled embedding, of one record or of several."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace

from .._shared.posterior import POSTERIOR, Beliefs, posteriors


class SubjectOfPosterior:
    """The subject whom the template's likelihood and public faces make likeliest.

    A template says where the enrolled photo lies. Other photos of the subject lie nearer to the subject's centre, so
    the posterior mean of the photo is shrunk to that of the subject (:class:`FaceModel`). It is what the attacker
    presents: other photos are what the system compares with.
    """

    question = WhichFace
    reads = Reads.POSTERIOR
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("likelihood",)
    prepares = POSTERIOR

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        model, [found, *_], _ = posteriors(evidence, rng)
        return model.embeddings(model.subject(found.mean))


class SubjectOfSeveralPosteriors:
    """As :class:`SubjectOfPosterior`, given several templates of each subject: their likelihoods are multiplied.

    The templates are made of one photo under keys that are drawn independently, so given the photo they are
    independent.
    """

    question = WhichFace
    reads = Reads.POSTERIOR
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("likelihood",)
    several = True
    prepares = POSTERIOR

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        model, found, _ = posteriors(evidence, rng)
        return model.embeddings(model.subject(Beliefs.product(found).mean))
