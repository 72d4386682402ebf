"""Ridge regression with more inputs than people, its strength chosen by leaving one person out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit

_STRENGTHS = np.logspace(-6, 3, 28)  # of the ridge, relative to the mean squared length of an input row


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted multi-output ridge.

    Attributes
    ----------
    left_out : (n, q) float64
        What the regression predicts for each of its own rows from all the others; as good as its predictions for
        strangers, unlike its fit.
    agreement : float
        Mean cosine of ``left_out`` with the outputs.
    """

    weights: FloatArray
    centre: FloatArray
    intercept: FloatArray
    left_out: FloatArray
    agreement: float

    def predict(self, inputs: FloatArray) -> FloatArray:
        """(m, q) float64 for ``inputs`` (m, p)."""
        return np.asarray((inputs - self.centre) @ self.weights + self.intercept)


def fit_ridge(inputs: FloatArray, outputs: FloatArray) -> Regression:
    """Regress ``outputs`` (n, q) on ``inputs`` (n, p) in the dual, at a cost of n^2 p.

    The strength maximises the mean cosine between outputs and leave-one-out predictions, in closed form (Allen's
    PRESS, Technometrics 16 (1974) 125-127; Hastie, Tibshirani & Friedman, Elements of Statistical Learning, eq. 7.64).
    Cosine, not squared error: only directions count, and squared error favours strengths that shrink all answers
    toward their mean.
    """
    inputs, outputs = np.asarray(inputs, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    centre, intercept = inputs.mean(axis=0), outputs.mean(axis=0)
    rows, residual = inputs - centre, outputs - intercept
    gram = rows @ rows.T
    scale = float(np.trace(gram)) / len(rows) or 1.0
    eigenvalues, basis = np.linalg.eigh(gram / scale)
    eigenvalues = np.maximum(eigenvalues, 0)
    projected = basis.T @ residual

    def left_out(strength: float) -> FloatArray:
        shrink = eigenvalues / (eigenvalues + strength)
        leverage = basis**2 @ shrink + 1 / len(rows)
        error = (residual - basis @ (shrink[:, None] * projected)) / np.maximum(1 - leverage, 1e-12)[:, None]
        return np.asarray(outputs - error)

    agreements = [float((unit(left_out(s)) * unit(outputs)).sum(axis=1).mean()) for s in _STRENGTHS]
    best = int(np.argmax(agreements))
    strength = float(_STRENGTHS[best])
    dual = basis @ (projected / (eigenvalues + strength)[:, None])
    return Regression(rows.T @ dual / scale, centre, intercept, left_out(strength), agreements[best])
