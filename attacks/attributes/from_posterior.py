"""Inference of a soft-biometric class by a classifier of plain faces, averaged over the posterior of each face."""

from __future__ import annotations

from typing import Any

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass

from .._shared.classifiers import Labels
from .._shared.face_model import FaceModel
from .._shared.posterior import POSTERIOR, Beliefs, posteriors
from .._shared.probing import granted, labels_of

_STRENGTHS, _FOLDS, _MOST_STEPS = tuple(np.logspace(-4, 0, 7)), 5, 500
_DRAWS = 400


class LogisticOnPosterior:
    """Classify every face that may have been enrolled, weighted by how probable the template makes it.

    A logistic regression is trained on all labelled faces that the attacker has, as plain embeddings: none needs to be
    enrolled. Its class probabilities are averaged over the posterior and divided by the classes' shares.
    """

    question = WhichClass
    reads = Reads.POSTERIOR
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("likelihood",)
    prepares = POSTERIOR

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64, rows add up to 1."""
        model, [found, *_], _ = posteriors(evidence, rng)
        known, labels = _labelled(question, evidence, model)
        odds = np.zeros((len(found.mean), len(question.classes)))
        present, count = np.unique(labels, return_counts=True)
        odds[:, present] = _averaged(_trained(known, labels), found, rng) / count if len(present) > 1 else 1.0
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _labelled(question: WhichClass, evidence: Evidence, model: FaceModel) -> tuple[FloatArray, Labels]:
    """The coordinates and classes of the public faces and shadow subjects whose class is known."""
    public, shadow = granted(evidence)
    rows, labels = [], []
    for faces in (public, shadow.references):
        own = labels_of(faces, question) if question.attribute in faces.attributes else np.full(len(faces), -1)
        rows.append(model.coordinates(faces.embeddings)[own >= 0])
        labels.append(own[own >= 0])
    return np.concatenate(rows), np.concatenate(labels)


def _trained(known: FloatArray, labels: Labels) -> Any:
    """The logistic regression whose penalty gives the least log loss on faces left out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    tried = {"C": _STRENGTHS}
    search = GridSearchCV(LogisticRegression(max_iter=_MOST_STEPS), tried, scoring="neg_log_loss", cv=_FOLDS)
    return search.fit(known, labels).best_estimator_


def _averaged(trained: Any, found: Beliefs, rng: np.random.Generator) -> FloatArray:
    """(n, classes) mean probabilities over each posterior.

    The classifier sees a face only by as many linear functions as there are classes, and these are jointly normal.
    Where a face may be either of two mirror images, both count by their probabilities.
    """
    weights, intercept = trained.coef_, trained.intercept_
    if len(weights) == 1:  # two classes: the first has the logit 0
        weights, intercept = np.vstack([0 * weights, weights]), np.append(0.0, intercept)
    logits = found.mean @ weights.T + intercept
    spread = np.einsum("ci,nij,dj->ncd", weights, found.covariance, weights, optimize=True)
    value, vector = np.linalg.eigh(spread)
    root = vector * np.sqrt(np.maximum(value, 0))[:, None]
    noise = rng.standard_normal((_DRAWS // 2, len(weights)))
    around = np.concatenate([noise, -noise]) @ root.transpose(0, 2, 1)
    of_mean = _mean_softmax(logits[:, None] + around)
    if found.odds is None:
        return of_mean
    of_mirror_image = _mean_softmax((2 * intercept - logits)[:, None] + around)
    share = found.probability[:, None]
    return np.asarray(share * of_mean + (1 - share) * of_mirror_image)


def _mean_softmax(logits: FloatArray) -> FloatArray:
    """(n, classes) probabilities, averaged over the second axis of logits (n, draws, classes)."""
    from scipy.special import softmax

    return np.asarray(softmax(logits, axis=2).mean(axis=1))
