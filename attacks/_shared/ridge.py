"""Ridge regression with more inputs than subjects; its strength is chosen by leaving one subject out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit

_STRENGTHS = np.logspace(-6, 3, 28)  # of the ridge, relative to the mean squared length of an input row


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted multi-output ridge; predictions are deviations from the mean output.

    The intercept is left out because it is the same for all subjects. Where the inputs hold no information, it would be
    the whole prediction.

    Attributes
    ----------
    left_out : (n, q) float64
        The prediction for each training row from all other rows. Its errors are like those for new subjects, unlike
        those of the fit itself.
    agreement : float
        Mean cosine of ``left_out`` with the outputs, both centred on the mean output.
    """

    weights: FloatArray
    centre: FloatArray
    left_out: FloatArray
    agreement: float

    def predict(self, inputs: FloatArray) -> FloatArray:
        """(m, q) float64 deviations from the mean output, for ``inputs`` (m, p)."""
        return np.asarray((inputs - self.centre) @ self.weights)


def fit_ridge(inputs: FloatArray, outputs: FloatArray) -> Regression:
    """Regress ``outputs`` (n, q) on ``inputs`` (n, p) in the dual, at a cost of n^2 p.

    The strength maximises the mean cosine between outputs and leave-one-out predictions, in closed form (Allen's PRESS,
    Technometrics 16 (1974) 125-127; Hastie, Tibshirani & Friedman, Elements of Statistical Learning, eq. 7.64). The
    criterion is the cosine because only directions count. Squared error favours strengths that shrink all predictions
    toward their mean.
    """
    inputs, outputs = np.asarray(inputs, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    centre, intercept = inputs.mean(axis=0), outputs.mean(axis=0)
    rows, residual = inputs - centre, outputs - intercept
    gram = rows @ rows.T
    scale = float(np.trace(gram)) / len(rows) or 1.0
    eigenvalues, basis = np.linalg.eigh(gram / scale)
    eigenvalues = np.maximum(eigenvalues, 0)
    projected, squared, mean_of_others = basis.T @ residual, basis**2, intercept - residual / (len(rows) - 1)

    def left_out(strength: float) -> FloatArray:
        shrink = eigenvalues / (eigenvalues + strength)
        leverage = squared @ shrink + 1 / len(rows)
        error = (residual - basis @ (shrink[:, None] * projected)) / np.maximum(1 - leverage, 1e-12)[:, None]
        return np.asarray(outputs - error - mean_of_others)

    true = unit(residual)
    agreements = [float((unit(left_out(s)) * true).sum(axis=1).mean()) for s in _STRENGTHS]
    best = int(np.argmax(agreements))
    strength = float(_STRENGTHS[best])
    dual = basis @ (projected / (eigenvalues + strength)[:, None])
    return Regression(rows.T @ dual / scale, centre, left_out(strength), agreements[best])


@dataclass(frozen=True, eq=False)
class Scalar:
    """A fitted ridge with one output; ``agreement`` is the correlation of left-out predictions with the truth."""

    weights: FloatArray
    centre: FloatArray
    intercept: float
    agreement: float

    def predict(self, inputs: FloatArray) -> FloatArray:
        """(m,) float64 for ``inputs`` (m, p)."""
        return np.asarray((inputs - self.centre) @ self.weights + self.intercept)


def fit_scalar(inputs: FloatArray, outputs: FloatArray) -> Scalar:
    """Regress numbers (n,) on ``inputs`` (n, p); the strength minimises the squared leave-one-out error (PRESS).

    The cost is n^2 p where rows are fewer than columns, and n p^2 otherwise.
    """
    inputs, outputs = np.asarray(inputs, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    centre, intercept = inputs.mean(axis=0), float(outputs.mean())
    rows, residual = inputs - centre, outputs - intercept
    scale, eigenvalues, basis = _spectrum(rows)
    projected, squared = basis.T @ residual, basis**2
    best, lowest, guess = float(_STRENGTHS[-1]), np.inf, np.zeros(len(rows))
    for strength in _STRENGTHS:
        shrink = eigenvalues / (eigenvalues + strength)
        leverage = np.minimum(squared @ shrink + 1 / len(rows), 1 - 1e-9)
        error = (residual - basis @ (shrink * projected)) / (1 - leverage)
        if error @ error < lowest:
            best, lowest, guess = float(strength), float(error @ error), residual - error
    dual = basis @ (projected / (eigenvalues + best))
    spread = float(np.linalg.norm(guess - guess.mean()) * np.linalg.norm(residual))
    agreement = float((guess - guess.mean()) @ residual / spread) if spread > 0 else 0.0
    return Scalar(rows.T @ dual / scale, centre, intercept, agreement)


def _spectrum(rows: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """The mean squared length of a row (n, p), and the eigenvalues (k,) and vectors (n, k) of the products over it.

    Of many rows, k is p: all other eigenvalues are 0, and a ridge leaves nothing along their vectors.
    """
    if len(rows) > rows.shape[1]:
        basis, lengths, _ = np.linalg.svd(rows, full_matrices=False)
        scale = float(lengths @ lengths) / len(rows) or 1.0
        return scale, lengths**2 / scale, basis
    gram = rows @ rows.T
    scale = float(np.trace(gram)) / len(rows) or 1.0
    eigenvalues, basis = np.linalg.eigh(gram / scale)
    return scale, np.maximum(eigenvalues, 0), basis
