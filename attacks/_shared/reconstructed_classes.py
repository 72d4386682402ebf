"""Classification of reconstructed embeddings, by a classifier that learns from public embeddings beside them."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Faces, FloatArray
from mote_bench.questions import WhichClass
from mote_bench.toolkit import unit

from . import classifiers
from .classifiers import Examples, Labels
from .probing import choose_probes, known_labels
from .ridge_inversion import Inversions

_MOST_PUBLIC = 3000


def classified(
    question: WhichClass, public: Faces, own: Faces, estimate: Inversions, rng: np.random.Generator
) -> FloatArray:
    """(n, classes) float64 class probabilities of the reconstructions ``estimate.stolen`` (n, d).

    Reconstructed embeddings are noisier than real ones, so a classifier of real embeddings alone is biased on them. It
    is trained on both with equal weight: on public embeddings, and on reconstructions of shadow subjects. Ridge and
    calibration are chosen on left-out reconstructions alone.

    Parameters
    ----------
    public : Faces
        At most 3,000 with a known class are used.
    own : Faces
        The shadow subjects that ``estimate.shadow`` reconstructs, row by row.
    """
    labels, labelled = known_labels(own, question)
    examples = Examples(estimate.shadow[labelled], labels, estimate.stolen, len(question.classes))
    fit = classifiers.logistic_beside(*labelled_public(question, public, estimate.mean, rng))
    return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))


def labelled_public(
    question: WhichClass, public: Faces, mean: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, Labels]:
    """At most 3,000 public faces whose class is known: unit rows ``embedding - mean`` (k, d), and classes (k,)."""
    labels, rows = known_labels(public, question)
    named = public.rows(rows)
    used = choose_probes(named, rng, labels=labels, most=_MOST_PUBLIC)
    return unit(named.embeddings[used] - mean), labels[used]
