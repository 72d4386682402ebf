"""Template inversion by a ridge regression from responses to public faces; several attacks share it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Records
from mote_bench.toolkit import ask, unit

from .probing import choose_probes, granted, scaled_and_ranked
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
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    answers = ask(evidence, public.embeddings[choose_probes(public, rng)], rng)
    fits = [(fit_ridge(view.shadow, shadow.references.embeddings - mean), view) for view in scaled_and_ranked(answers)]
    fit, view = max(fits, key=lambda pair: pair[0].agreement)
    return Inversions(unit(fit.predict(view.stolen)), unit(fit.predict(view.others)), unit(fit.left_out), mean)


def inverted_from_all(evidence: Evidence, rng: np.random.Generator) -> Inversions:
    """As :func:`inverted`, with ``stolen`` the direction of the sum over all records of a subject.

    All records are queried in one batch, so that the shadow templates are queried only once.
    """
    records = (Records(evidence.templates, evidence.keys), *evidence.renewed)
    templates = tuple(template for one in records for template in one.templates)
    keys = None if evidence.keys is None else tuple(key for one in records for key in one.keys or ())
    estimate = inverted(replace(evidence, templates=templates, keys=keys, renewed=()), rng)
    each = estimate.stolen.reshape(len(records), len(evidence.templates), -1)
    return replace(estimate, stolen=unit(each.sum(axis=0)))
