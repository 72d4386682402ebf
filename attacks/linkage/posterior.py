"""Linking by the likelihood ratio that two records come from one subject."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import SamePerson

from .._shared.face_model import FaceModel
from .._shared.posterior import POSTERIOR, Beliefs, posteriors

_LEAST = 1e-12


class RatioOfPosteriors:
    """The log likelihood ratio of one subject against two, given what each record says of its photo.

    Of a two-covariance model (Brümmer & de Villiers, "The speaker partitioning problem", Odyssey 2010), with each
    record's uncertainty in place of exact embeddings (Cumani, Plchot & Laface, ICASSP 2013).
    """

    question = SamePerson
    reads = Reads.POSTERIOR
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("likelihood",)
    prepares = POSTERIOR

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64 log likelihood ratios."""
        model, [first, *_], second = posteriors(evidence, rng)
        assert second is not None
        return ratios(first, second, model)


def ratios(first: Beliefs, second: Beliefs, model: FaceModel) -> FloatArray:
    """(n, m) log likelihood ratios that a record of ``first`` (n) and one of ``second`` (m) come from one subject.

    Where records don't distinguish mirror images, both sides of each are weighed by their probabilities.
    """
    plain = _ratios(first, second, model)
    if first.odds is None or second.odds is None:
        return plain
    one, other = first.probability[:, None], second.probability
    same = np.clip(one * other + (1 - one) * (1 - other), _LEAST, 1 - _LEAST)
    crossed = _ratios(first, second.turned(np.ones(len(second.mean), dtype=bool)), model)
    return np.asarray(np.logaddexp(plain + np.log(same), crossed + np.log1p(-same)))


def _ratios(first: Beliefs, second: Beliefs, model: FaceModel) -> FloatArray:
    own, other = _of_subject(first, model), _of_subject(second, model)
    together = [_evidence(own[0][i] + other[0], own[1][i] + other[1], model) for i in range(len(own[0]))]
    unseen = -0.5 * np.linalg.slogdet(np.linalg.inv(model.between))[1]
    return np.asarray(together - _evidence(*own, model)[:, None] - _evidence(*other, model) + unseen)


def _of_subject(found: Beliefs, model: FaceModel) -> tuple[FloatArray, FloatArray]:
    """What each record says of its subject's centre: (n, r, r) precisions and (n, r) precisions times means."""
    precision, information = found.natural()
    one = np.eye(precision.shape[1])
    # The likelihood of the photo, widened by how photos of a subject differ.
    widened = np.linalg.inv(one + (precision - one) @ (one - model.between))
    of_subject = widened @ (precision - one)
    return (of_subject + of_subject.transpose(0, 2, 1)) / 2, np.asarray((widened @ information[..., None])[..., 0])


def _evidence(precision: FloatArray, information: FloatArray, model: FaceModel) -> FloatArray:
    """(n,) log probability of records, up to terms that each of them adds alone, with the subject integrated out."""
    whole = np.linalg.inv(model.between) + precision
    explained = (information * np.linalg.solve(whole, information[..., None])[..., 0]).sum(axis=1)
    return np.asarray(0.5 * explained - 0.5 * np.linalg.slogdet(whole)[1])
