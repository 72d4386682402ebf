"""Template inversion by a ridge regression from responses to public faces; several attacks share it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mote_bench.contracts import Evidence, FloatArray
from mote_bench.toolkit import Answers, unit

from .probing import granted, scaled_and_ranked
from .responses import responses, responses_of_each
from .ridge import fit_ridge


@dataclass(frozen=True, eq=False)
class Inversions:
    """Reconstructions: estimates of ``embedding - mean`` as unit float64 rows, ``mean`` (d,) that of the public faces.

    ``shadow`` is estimated for each subject from all other shadow subjects. So its errors are like those of ``stolen``
    and ``others``.
    """

    stolen: FloatArray
    others: FloatArray
    shadow: FloatArray
    mean: FloatArray


def inverted(evidence: Evidence, rng: np.random.Generator) -> Inversions:
    """Invert every template by a ridge regression from its responses to public faces.

    The regression is learned on the shadow subjects, whose embeddings the attacker knows. It is tried on the responses
    and on their ranks; the one that predicts left-out shadow subjects better is kept.
    """
    return inverted_by(evidence, responses(evidence, rng))


def inverted_from_all(evidence: Evidence, rng: np.random.Generator) -> Inversions:
    """As :func:`inverted`, with ``stolen`` the direction of the sum over all records of a subject."""
    return inverted_from_all_by(evidence, *responses_of_each(evidence, rng))


def inverted_from_all_by(
    evidence: Evidence, each: tuple[FloatArray, ...], others: FloatArray, shadow: FloatArray
) -> Inversions:
    """As :func:`inverted_from_all`, from responses of each record that are at hand."""
    estimate = inverted_by(evidence, Answers(np.concatenate(each), others, shadow))
    return replace(estimate, stolen=unit(estimate.stolen.reshape(len(each), len(each[0]), -1).sum(axis=0)))


def inverted_by(evidence: Evidence, answers: Answers) -> Inversions:
    """As :func:`inverted`, from responses that are at hand."""
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    fits = [(fit_ridge(view.shadow, shadow.references.embeddings - mean), view) for view in scaled_and_ranked(answers)]
    fit, view = max(fits, key=lambda pair: pair[0].agreement)
    return Inversions(unit(fit.predict(view.stolen)), unit(fit.predict(view.others)), unit(fit.left_out), mean)
