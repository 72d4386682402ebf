"""Linking by the likelihood ratio that two records come from one subject."""

from __future__ import annotations

from dataclasses import replace

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
    precisions = np.broadcast_to(own[0], (len(own[1]), *own[0].shape[1:]))
    pairs = zip(precisions, own[1], strict=True)
    together = [_evidence(precision + other[0], row + other[1], model) for precision, row in pairs]
    unseen = -0.5 * np.linalg.slogdet(np.linalg.inv(model.between))[1]
    return np.asarray(together - _evidence(*own, model)[:, None] - _evidence(*other, model) + unseen)


def _of_subject(found: Beliefs, model: FaceModel) -> tuple[FloatArray, FloatArray]:
    """What each record says of its subject's centre: (n, r, r) precisions and (n, r) precisions times means.

    One precision (1, r, r) stands for all where all are equal, as of plain embeddings.
    """
    alike = len(found.covariance) > 1 and bool((found.covariance == found.covariance[0]).all())
    precision, information = (replace(found, covariance=found.covariance[:1]) if alike else found).natural()
    one = np.eye(precision.shape[1])
    # The likelihood of the photo, widened by how photos of a subject differ.
    widened = np.linalg.inv(one + (precision - one) @ (one - model.between))
    of_subject = widened @ (precision - one)
    return (of_subject + of_subject.transpose(0, 2, 1)) / 2, np.asarray((widened @ information[..., None])[..., 0])


def _evidence(precision: FloatArray, information: FloatArray, model: FaceModel) -> FloatArray:
    """(n,) log probability of records, up to terms that each of them adds alone, with the subject integrated out.

    Cholesky's factor L of each whole precision gives its determinant, and ``L^-1 information`` what is explained. A
    precision is bordered by its information, so that both come from one factor. One precision (1, r, r) is factored
    once for all records.
    """
    whole = np.linalg.inv(model.between) + precision
    n, r = information.shape
    if len(whole) == 1:
        lower = np.linalg.cholesky(whole)
        solved = np.linalg.solve(lower[0], information.T).T
    else:
        bordered = np.empty((n, r + 1, r + 1))
        bordered[:, :r, :r], bordered[:, r, :r], bordered[:, :r, r] = whole, information, information
        bordered[:, r, r] = 1 + (information**2).sum(axis=1)  # above what is explained, as every precision exceeds 1
        lower = np.linalg.cholesky(bordered)
        solved = lower[:, r, :r]
    determinants = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)[:, :r]).sum(axis=1)
    return np.asarray(0.5 * (solved**2).sum(axis=1) - 0.5 * determinants)
