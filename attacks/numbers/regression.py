"""Attacks that estimate a soft-biometric number, such as the age in years."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Knowledge, Reads
from mote_bench.questions import HowMuch
from mote_bench.toolkit import Answers, numbers, unit

from .._shared.pooling import at_scales
from .._shared.posterior import POSTERIOR, posteriors
from .._shared.probing import granted, scaled_and_ranked, standardised
from .._shared.responses import RESPONSES, responses
from .._shared.ridge import fit_scalar
from .._shared.ridge_inversion import Inversions, inverted
from .._shared.unkeyed import ESTIMATES, NEEDS, estimated

_MOST_PUBLIC = 2000


def _known(faces: Faces, question: HowMuch) -> FloatArray:
    """(n,) the numbers, NaN where unknown; ValueError where fewer than three are known."""
    values = faces.values.get(question.attribute, np.full(len(faces), np.nan))
    if np.isfinite(values).sum() < 3:
        raise ValueError(
            f"fewer than three of the attacker's {len(faces)} faces have a number for '{question.attribute}'; "
            "choose an attribute of the data, or give more shadow subjects a number"
        )
    return values


def _best(known: list[FloatArray], unknown: list[FloatArray], truth: FloatArray) -> FloatArray:
    """(m, 1) estimates from the table that predicts left-out subjects best."""
    fits = [fit_scalar(table, truth) for table in known]
    best = int(np.argmax([fit.agreement for fit in fits]))
    return fits[best].predict(unknown[best])[:, None]


class RegressionOnBytes:
    """Ridge regression from the values in the bytes to the number.

    Long templates are tried at several scales; the one that predicts left-out shadow subjects best is kept. With keys
    the regression learns from templates under other keys: it finds what bytes leak whatever the key.
    """

    question = HowMuch
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)

    def answer(self, question: HowMuch, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, 1) float64."""
        _, shadow = granted(evidence)
        truth = _known(shadow.references, question)
        rows, own = np.isfinite(truth), len(shadow.templates)
        tables = [_scaled(table, own) for table in at_scales(numbers([*shadow.templates, *evidence.templates]))]
        return _best([table[:own][rows] for table in tables], [table[own:] for table in tables], truth[rows])


class RegressionOnResponses:
    """Ridge regression from a template's responses to public faces to the number.

    The responses and their ranks are tried; the one that predicts left-out shadow subjects better is kept.
    """

    question = HowMuch
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: HowMuch, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, 1) float64."""
        _, shadow = granted(evidence)
        truth = _known(shadow.references, question)
        rows = np.isfinite(truth)
        seen = scaled_and_ranked(responses(evidence, rng))
        return _best([view.shadow[rows] for view in seen], [view.stolen for view in seen], truth[rows])


class RegressionOnInversion:
    """Invert the templates, then regress on embeddings: public ones, and reconstructed ones of the shadow subjects.

    The inversion makes the known numbers of thousands of public faces usable: they need not be enrolled.
    """

    question = HowMuch
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: HowMuch, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, 1) float64."""
        return _on_faces(question, evidence, inverted(evidence, rng), rng)


class RegressionOnUnkeyed:
    """As :class:`RegressionOnInversion`, on embeddings that the scheme's ``solve_without_keys`` reconstructs."""

    question = HowMuch
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM,)
    needs = NEEDS
    prepares = ESTIMATES

    def answer(self, question: HowMuch, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, 1) float64."""
        return _on_faces(question, evidence, estimated(evidence, rng), rng)


def _on_faces(question: HowMuch, evidence: Evidence, estimate: Inversions, rng: np.random.Generator) -> FloatArray:
    """(n, 1) estimates by a regression on public faces and on reconstructed ones of the shadow subjects."""
    public, shadow = granted(evidence)
    truth, others = _known(shadow.references, question), _known(public, question)
    rows = np.isfinite(truth)
    used = rng.permutation(np.flatnonzero(np.isfinite(others)))[:_MOST_PUBLIC]
    faces = np.vstack([estimate.shadow[rows], unit(public.embeddings[used] - estimate.mean)])
    fit = fit_scalar(faces, np.concatenate([truth[rows], others[used]]))
    return fit.predict(estimate.stolen)[:, None]


class RegressionOnPosterior:
    """Regress on the plain embeddings of all faces whose number is known, and apply it to the mean of each posterior.

    The estimate is linear in the face, so its mean over the posterior is its value at the posterior's mean.
    """

    question = HowMuch
    reads = Reads.POSTERIOR
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("likelihood",)
    prepares = POSTERIOR

    def answer(self, question: HowMuch, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, 1) float64."""
        public, shadow = granted(evidence)
        model, [found, *_], _ = posteriors(evidence, rng)
        numbers_of = np.concatenate([_known(faces, question) for faces in (public, shadow.references)])
        rows = np.isfinite(numbers_of)
        z = model.coordinates(np.concatenate([public.embeddings, shadow.references.embeddings]))
        return fit_scalar(z[rows], numbers_of[rows]).predict(found.expectation)[:, None]


def _scaled(table: FloatArray, own: int) -> FloatArray:
    """Columns centred and scaled by the shadow subjects', clipped at ten standard deviations."""
    empty = np.empty((0, table.shape[1]))
    seen = standardised(Answers(table[own:], empty, table[:own]))
    return np.vstack([seen.shadow, seen.stolen])
