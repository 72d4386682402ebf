"""Which of two mirror images is a face: for templates that don't distinguish them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit

from .face_model import FaceModel

_FLATTENED = 0.5
"""Power of the variance by which axes are made shorter."""
_SHARPNESS = 2.0
"""The kernel's s."""
_RIDGE, _ROUNDS, _LEAST_WEIGHT = 0.03, 8, 1e-6
_MOST_FACES = 1500
"""The cost grows with their cube."""
_SCALES = tuple(float(one) for one in np.geomspace(0.5, 16, 21))
"""Factors of the log odds that are tried."""


@dataclass(frozen=True, eq=False)
class Sides:
    """A classifier of directions v against -v, learned from public faces.

    Faces of two classes lie to both sides of the mean face, but not in equal numbers nor equally far: what isn't normal
    about their distribution says which of v and -v is one. The classifier is a kernel logistic regression. Its kernel,
    ``sinh(s v.w)``, is odd, so that v and -v always get opposite log odds.

    Attributes
    ----------
    known : (m, r) float64
        Unit rows of public faces.
    turn : (d, r) float64
        From deviations from the mean to the coordinates in which directions are compared: the principal axes, of which
        the long ones are made shorter.
    weights : (m,) float64
        Scaled so that the log odds of faces that are left out are calibrated.
    """

    known: FloatArray
    turn: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, model: FaceModel, faces: FloatArray) -> Self:
        """The classifier of embeddings (m, d); the first 1500 are used."""
        variance = (model.axes**2).sum(axis=0)
        turn = model.axes / np.sqrt(variance) * variance ** (-_FLATTENED / 2)
        known = unit((faces[:_MOST_FACES].astype(np.float64) - model.mean) @ turn)
        kernel = _odd(known, known)
        return cls(known, turn, _scale(kernel) * _fitted(kernel))

    def log_odds(self, directions: FloatArray) -> FloatArray:
        """(n,) log odds that a direction (n, d) rather than its opposite is that of a face."""
        return np.asarray(_odd(unit(directions @ self.turn), self.known) @ self.weights)


def _odd(rows: FloatArray, others: FloatArray) -> FloatArray:
    """(n, m) the kernel of unit rows (n, r) and (m, r), 1 of equal ones and -1 of opposite ones."""
    return np.asarray(np.sinh(_SHARPNESS * (rows @ others.T)) / np.sinh(_SHARPNESS))


def _scale(kernel: FloatArray) -> float:
    """The factor of log odds with the least log loss on faces of a kernel (m, m) that were left out, in two folds."""
    left_out = np.empty(len(kernel))
    for fold in (0, 1):
        out = np.arange(len(kernel)) % 2 == fold
        left_out[out] = kernel[np.ix_(out, ~out)] @ _fitted(kernel[np.ix_(~out, ~out)])
    return min(_SCALES, key=lambda scale: float(np.logaddexp(0, -scale * left_out).mean()))


def _fitted(kernel: FloatArray) -> FloatArray:
    """(m,) weights of a logistic regression in which all faces have the label 1, by Newton's method.

    No intercept and an odd kernel: it is the regression on the faces and, labelled 0, their mirror images.
    """
    from scipy.linalg import solve
    from scipy.special import expit

    weights = np.zeros(len(kernel))
    for _ in range(_ROUNDS):
        log_odds = kernel @ weights
        wrong = expit(-log_odds)
        curvature = wrong * (1 - wrong) + _LEAST_WEIGHT
        weights = solve(kernel + _RIDGE * np.diag(1 / curvature), log_odds + wrong / curvature, assume_a="pos")
    return weights
