"""Subjects whose scores are equal, as where a yes-or-no scheme rejects every query."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mote_bench.contracts import FloatArray

from .prior import Prior


def drawn_where_equal(
    faces: FloatArray, scores: FloatArray, prior: Callable[[], Prior], rng: np.random.Generator
) -> FloatArray:
    """The reconstructions, but a face drawn from the prior for each subject whose scores another subject has too.

    Queries that don't tell subjects apart would give them one and the same face.

    Parameters
    ----------
    faces : (n, d) float64
        Reconstructed embeddings, unit rows.
    scores : (n, m) float64
        What the system answered to the same m queries for each subject.
    prior : callable
        Gives the prior. It is called only where scores are equal: fitting one takes as long as some attacks.

    Returns
    -------
    (n, d) float64 unit rows
    """
    _, which, count = np.unique(scores, axis=0, return_inverse=True, return_counts=True)
    equal = count[which.ravel()] > 1
    if not equal.any():
        return faces
    answer = np.array(faces)
    answer[equal] = prior().faces(rng.standard_normal((int(equal.sum()), faces.shape[1])))
    return answer
