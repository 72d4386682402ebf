"""The axes along which public faces vary, for attacks that search a face."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray

_LEAST_VARIANCE = 1e-5
"""Of an axis that is kept, relative to the largest."""


def principal_axes(faces: FloatArray) -> FloatArray:
    """(d, r): the principal axes of directions (n, d), times their standard deviations; axes without variance left out.

    Coordinates along them are of equal size for faces, so that a penalty on their sum of squares is a Gaussian prior.
    """
    variance, vectors = np.linalg.eigh(np.cov(faces.T.astype(np.float64)))
    kept = variance > _LEAST_VARIANCE * variance[-1]
    return np.asarray(vectors[:, kept] * np.sqrt(variance[kept]))
