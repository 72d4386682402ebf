"""Linear concept erasure: the smallest change after which no linear classifier beats chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Faces, FloatArray

from .._shared.vector_scheme import AffineScheme
from .attributes_to_hide import columns_to_hide


class LEACE(AffineScheme):
    """Least-squares concept erasure (Belrose et al., NeurIPS 2023, arXiv 2306.03819) of soft-biometric attributes.

    ``r(x) = x - W^+ P W (x - mean)`` with W the whitening ``cov(x)^(-1/2)`` and P the orthogonal projection on the
    columns of ``W cov(x, z)``, z the one-hot attributes (theorem 4.3). On the background, erased embeddings and
    attributes are then exactly uncorrelated. So no linear classifier is better than a constant there. Of all affine
    maps with this property it changes embeddings least. Non-linear classifiers may still succeed.

    Parameters
    ----------
    attributes : sequence of str, optional
        By default all that the background has.
    """

    slow_to_try = True
    """Matrices of the dimension's size are decomposed, however small the background. Any dimension will do."""

    def __init__(self, *, attributes: Sequence[str] | None = None) -> None:
        self.attributes = attributes

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        z = np.hstack(list(columns_to_hide(background, self.attributes).values()))
        x = faces.astype(np.float64)
        self._mean = x.mean(axis=0)
        x, z = x - self._mean, z - z.mean(axis=0)
        values, vectors = np.linalg.eigh(x.T @ x / len(x))
        kept = values > 1e-10 * values[-1]
        whiten = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
        unwhiten = (vectors[:, kept] * np.sqrt(values[kept])) @ vectors[:, kept].T
        left, lengths, _ = np.linalg.svd(whiten @ (x.T @ z / len(x)), full_matrices=False)
        telling = left[:, lengths > 1e-9 * max(lengths[0], 1e-12)]
        self._removed = unwhiten @ telling @ telling.T @ whiten

    def _shown(self, faces: FloatArray) -> FloatArray:
        return np.asarray(faces - (faces - self._mean) @ self._removed.T)
