"""Inverts templates by a ridge regression from their responses to public faces: the step that many attacks share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Records
from mote_bench.toolkit import ask, unit

from .probing import choose_probes, granted, views
from .ridge import fit_ridge


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """Estimates of ``embedding - mean`` as unit float64 rows, ``mean`` (d,) being that of the public faces.

    ``shadow`` is estimated for each person from all other shadow people, so that its errors are like those of
    ``stolen`` and ``others``.
    """

    stolen: FloatArray
    others: FloatArray
    shadow: FloatArray
    mean: FloatArray


def rebuilt(evidence: Evidence, rng: np.random.Generator) -> Rebuilt:
    """Invert every template by a ridge regression from its answers to public faces.

    The regression is learned on the shadow people, whose embeddings the attacker knows. Of the answers as they are
    and their ranks, it takes the one that predicts left-out shadow people better.
    """
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    answers = ask(evidence, public.embeddings[choose_probes(public, rng)], rng)
    fits = [(fit_ridge(view.shadow, shadow.references.embeddings - mean), view) for view in views(answers)]
    fit, view = max(fits, key=lambda pair: pair[0].agreement)
    return Rebuilt(unit(fit.predict(view.stolen)), unit(fit.predict(view.others)), unit(fit.left_out), mean)


def rebuilt_from_all(evidence: Evidence, rng: np.random.Generator) -> Rebuilt:
    """As :func:`rebuilt`, ``stolen`` being the direction of the sum of the estimates of all records of a person.

    All records are asked at once, so that the attacker's own people are asked but once.
    """
    records = (Records(evidence.templates, evidence.keys), *evidence.renewed)
    templates = tuple(template for one in records for template in one.templates)
    keys = None if evidence.keys is None else tuple(key for one in records for key in one.keys or ())
    estimate = rebuilt(replace(evidence, templates=templates, keys=keys, renewed=()), rng)
    each = estimate.stolen.reshape(len(records), len(evidence.templates), -1)
    return replace(estimate, stolen=unit(each.sum(axis=0)))
