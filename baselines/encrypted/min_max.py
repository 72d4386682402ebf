"""Undoes a min-max mapping that was followed by scaling to length one, as non-negative encryption needs it."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit


def mapped_back(vectors: FloatArray, low: float) -> FloatArray:
    """(n, d) unit embeddings, of which ``vectors`` (n, d) are ``embedding - low``, scaled to length one.

    The embedding is ``s v + low``, for a stretch s that its length of one gives: ``s^2 + 2 s low sum(v) + d low^2 =
    1``. The larger root is taken. It is the embedding's unless ``low`` times the sum of its values exceeds one, which
    takes many values near a low ``low``.
    """
    vectors = unit(vectors)
    half = low * vectors.sum(axis=1, keepdims=True)
    stretch = -half + np.sqrt(np.maximum(half**2 - vectors.shape[1] * low**2 + 1, 0))
    return unit(stretch * vectors + low)
