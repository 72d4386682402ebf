"""Estimates by the scheme's own attack that needs no key: prepared once per database, and shared by several attacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Prepared, Template
from mote_bench.toolkit import unit, with_preparations

from .probing import granted, needed
from .ridge_inversion import Inversions

NEEDS = ("solve_without_keys",)
"""For the ``needs`` of these attacks."""

_ESTIMATE = "estimate"


@dataclass(frozen=True)
class EstimatesOfTemplates:
    """The estimates (n, d) of ``embedding - mean`` behind the stolen templates."""

    name: str = "estimates without keys"
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``estimate`` per template."""
        return Prepared({_ESTIMATE: solved(evidence, evidence.templates, rng)})


@dataclass(frozen=True)
class EstimatesOfShadow:
    """The estimates (m, d) of ``embedding - mean`` behind the shadow subjects' templates."""

    name: str = "shadow estimates without keys"
    per_database: bool = False

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``estimate``, in common."""
        _, shadow = granted(evidence)
        return Prepared(common={_ESTIMATE: solved(evidence, shadow.templates, rng)})


ESTIMATES = (EstimatesOfTemplates(), EstimatesOfShadow())
"""For the ``prepares`` of attacks that call :func:`estimated`."""

ESTIMATES_OF_TEMPLATES = ESTIMATES[:1]
"""For the ``prepares`` of attacks that call :func:`estimated_templates`, and learn nothing from shadow subjects."""


def estimated(evidence: Evidence, rng: np.random.Generator) -> Inversions:
    """The estimates of both databases and of the shadow subjects, none of whom is learned from."""
    own, shadow = ESTIMATES
    done = with_preparations(evidence, ESTIMATES, rng)
    stolen = done.prepared[own.name].per_template[_ESTIMATE]
    others = done.other_prepared[own.name].per_template[_ESTIMATE] if evidence.others else stolen[:0]
    return Inversions(stolen, others, done.prepared[shadow.name].common[_ESTIMATE], _mean(evidence))


def estimated_templates(evidence: Evidence, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """The estimates (n, d) of the stolen templates alone, and the mean (d,) that they are seen from."""
    done = with_preparations(evidence, ESTIMATES_OF_TEMPLATES, rng)
    return done.prepared[ESTIMATES[0].name].per_template[_ESTIMATE], _mean(evidence)


def solved(evidence: Evidence, templates: Sequence[Template], rng: np.random.Generator) -> FloatArray:
    """(n, d) float64 unit rows: the scheme's estimates, seen from the mean public face."""
    public, _ = granted(evidence)
    if not templates:
        return np.empty((0, public.embeddings.shape[1]))
    found = needed(evidence, *NEEDS)(templates, prior=public, rng=rng)
    return unit(unit(np.asarray(found, dtype=np.float64)) - _mean(evidence))


def _mean(evidence: Evidence) -> FloatArray:
    public, _ = granted(evidence)
    return np.asarray(public.embeddings.mean(axis=0, dtype=np.float64))
