"""Attacks that rebuild the enrolled embedding: from the construction, or from the template's answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge
from mote_bench.questions import WhichFace
from mote_bench.toolkit import ask, draw_keys, on_sphere, revocable, unit

from .probing import choose_probes, granted, views
from .regression import fit_ridge


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


class ClosedForm:
    """Decode the template by the scheme's own closed form.

    The thief holds the records, the algorithm and, at ``stolen_key``, each record's key, and wants the enrolled face.
    Success is an embedding that the system takes for the person. For BioHash this is Q sign(b), at a cosine of
    sqrt(2 m / (pi d)) with the enrolled embedding (the mean of |g| over Gaussian projections g, times the root of their
    share m / d of the dimensions); for MOTE the product of its weight matrices. Without the key the thief decodes under
    one of their own.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("reconstruct",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float: the scheme's reconstruction of each stolen template."""
        scheme = evidence.scheme
        if scheme is None or not hasattr(scheme, "reconstruct"):
            raise ValueError("closed-form inversion needs a scheme with a method reconstruct(templates, *, keys)")
        keys = None
        if revocable(scheme):
            keys = evidence.keys or draw_keys(1, rng) * len(evidence.templates)
        return np.asarray(scheme.reconstruct(evidence.templates, keys=keys))


class Ridge:
    """Invert the template by what it answers to public faces.

    The thief holds the records and a running copy of the system, enrols people of their own, and learns the linear
    map from a template's answers to its owner's embedding; success is an embedding that the system takes for the
    person. No gradient and no format is needed, only queries. After the transfer attack of Mai et al., "On the
    Reconstruction of Face Images from Deep Face Templates", TPAMI 2019 (arXiv 1703.00832), with the answers in the
    template's place.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        estimate = rebuilt(evidence, rng)
        return on_sphere(estimate.mean, estimate.stolen)
