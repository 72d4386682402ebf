"""Attacks that estimate a soft-biometric number, such as the age in years."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Knowledge, Reads
from mote_bench.questions import HowMuch
from mote_bench.toolkit import ask, numbers, unit

from .._shared.pooling import at_scales
from .._shared.probing import choose_probes, granted, standardised, views
from .._shared.ridge import fit_scalar
from .._shared.ridge_inversion import rebuilt

_MOST_PUBLIC = 2000


def _known(faces: Faces, question: HowMuch) -> FloatArray:
    """(n,) the numbers, NaN where unknown; ValueError where fewer than three are known."""
    values = faces.values.get(question.attribute, np.full(len(faces), np.nan))
    if np.isfinite(values).sum() < 3:
        raise ValueError(
            f"fewer than three of the attacker's {len(faces)} faces have a number for '{question.attribute}'"
        )
    return values


def _best(known: list[FloatArray], asked: list[FloatArray], truth: FloatArray) -> FloatArray:
    """(m, 1) estimates from the table that predicts left-out people best."""
    fits = [fit_scalar(table, truth) for table in known]
    best = int(np.argmax([fit.agreement for fit in fits]))
    return fits[best].predict(asked[best])[:, None]


class RegressionOnBytes:
    """Ridge regression from the values in the bytes.

    The thief holds the records, the algorithm and people of their own whose number they know, and wants each victim's;
    success is a correlation with the truth. As for classes, long templates are read at several scales, of which the
    one that predicts left-out people best is taken. With keys this sees the bytes of other keys only: what is found is
    what bytes tell whatever the key.
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
    """Ridge regression from what a template answers to public faces.

    The thief also runs the system on the records. Of the answers as they are and their ranks, the one that predicts
    left-out people better is taken.
    """

    question = HowMuch
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: HowMuch, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, 1) float64."""
        public, shadow = granted(evidence)
        truth = _known(shadow.references, question)
        rows = np.isfinite(truth)
        seen = views(ask(evidence, public.embeddings[choose_probes(public, rng)], rng))
        return _best([view.shadow[rows] for view in seen], [view.stolen for view in seen], truth[rows])


class RegressionOnInversion:
    """Invert the templates, then regress on embeddings: public ones and the rebuilt ones of shadow people.

    The thief holds what :class:`RegressionOnResponses` needs. Thousands of public faces have a known number and need no
    template once those in question are embeddings again.
    """

    question = HowMuch
    reads = Reads.INVERSION
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: HowMuch, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, 1) float64."""
        public, shadow = granted(evidence)
        estimate = rebuilt(evidence, rng)
        truth, others = _known(shadow.references, question), _known(public, question)
        rows = np.isfinite(truth)
        used = rng.permutation(np.flatnonzero(np.isfinite(others)))[:_MOST_PUBLIC]
        faces = np.vstack([estimate.shadow[rows], unit(public.embeddings[used] - estimate.mean)])
        fit = fit_scalar(faces, np.concatenate([truth[rows], others[used]]))
        return fit.predict(estimate.stolen)[:, None]


def _scaled(table: FloatArray, own: int) -> FloatArray:
    """Columns centred and scaled as the shadow people's are, at most ten standard deviations."""
    from mote_bench.toolkit import Answers

    empty = np.empty((0, table.shape[1]))
    seen = standardised(Answers(table[own:], empty, table[:own]))
    return np.vstack([seen.shadow, seen.stolen])
