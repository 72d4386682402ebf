"""Ridge-penalised logistic regressions at several strengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

_STOPPING = {"maxiter": 300, "gtol": 1e-4, "ftol": 64 * np.finfo(float).eps}
"""scikit-learn's. Separable classes at a weak ridge: the direction converges long before the length."""
_LARGE = 1_000_000
"""Multiplications up to which OpenBLAS has kernels of their own, which don't copy."""


def log_probabilities(
    known: FloatArray,
    labels: npt.NDArray[np.int64],
    weights: FloatArray,
    strengths: Sequence[float],
    unknown: FloatArray,
) -> FloatArray:
    """Log probabilities of unknown subjects under one regression for each strength.

    Each minimises ``strength * sum of weighted log losses + |coefficients|^2 / 2``, the intercept not penalised, by
    L-BFGS, and starts from the one before. Loss and stopping rule are those of scikit-learn's ``LogisticRegression``,
    which takes two to three times as long for a few hundred subjects, as it checks its input at every step.

    Parameters
    ----------
    known : (n, p) float
    labels : (n,) int
        At least two different ones. Two classes take one output, more a multinomial regression.
    weights : (n,) float
    strengths : sequence of float
        1 / ridge, in ascending order: a stronger ridge's fit is a good start for a weaker one's.
    unknown : (m, p) float

    Returns
    -------
    (strengths, m, k) float64
        Of the k labels that occur, in ascending order.
    """
    from scipy.optimize import minimize
    from scipy.special import log_expit, log_softmax

    present = np.unique(labels)
    scored = present[1:] if len(present) == 2 else present
    # Rows and columns both lie in memory in the order in which the two products read them. Large products of matrices
    # copy their table first: to the same digits from the other order, with OpenBLAS's kernel for AVX2 in half the time.
    rows = np.ascontiguousarray(known, dtype=np.float64)
    columns = np.ascontiguousarray(rows.T)
    if len(scored) > 1 and len(scored) * rows.size > _LARGE:
        rows, columns = columns.T, rows.T
    loss = _Loss(
        rows,
        columns,
        np.asarray(labels == scored[:, None], dtype=np.float64),
        np.asarray(weights / weights.sum(), dtype=np.float64),
    )
    at, found = np.zeros(len(scored) * (rows.shape[1] + 1)), []
    for strength in strengths:
        at = minimize(loss.at(1 / (strength * weights.sum())), at, jac=True, method="L-BFGS-B", options=_STOPPING).x
        coefficients = at.reshape(len(scored), -1)
        scores = unknown @ coefficients[:, :-1].T + coefficients[:, -1]
        one = len(scored) == 1
        found.append(np.hstack([log_expit(-scores), log_expit(scores)]) if one else log_softmax(scores, axis=1))
    return np.stack(found)


@dataclass(frozen=True, eq=False)
class _Loss:
    """The mean loss of some regressions; coefficients are (outputs, p + 1), the last column intercepts.

    Attributes
    ----------
    rows, columns : (n, p), (p, n) float64
        The subjects.
    true : (outputs, n) float64
        1 for the subjects of an output's class. One output stands for two classes.
    weights : (n,) float64
        Of sum one.
    """

    rows: FloatArray
    columns: FloatArray
    true: FloatArray
    weights: FloatArray

    def at(self, ridge: float) -> Callable[[FloatArray], tuple[float, FloatArray]]:
        """The penalised loss and its gradient, as a function of the coefficients, flat."""
        from scipy.special import expit

        def loss(flat: FloatArray) -> tuple[float, FloatArray]:
            at = flat.reshape(len(self.true), -1)
            scores = at[:, :-1] @ self.columns + at[:, -1:]
            if len(self.true) == 1:
                each, error = np.logaddexp(0, scores[0]) - self.true[0] * scores[0], expit(scores) - self.true
            else:
                scores -= scores.max(axis=0)
                odds = np.exp(scores)
                total = odds.sum(axis=0)
                each, error = np.log(total) - (self.true * scores).sum(axis=0), odds / total - self.true
            error *= self.weights
            slope = np.empty_like(at)
            slope[:, :-1] = error @ self.rows + ridge * at[:, :-1]
            slope[:, -1] = error.sum(axis=1)
            return float(self.weights @ each + ridge / 2 * (at[:, :-1] ** 2).sum()), slope.ravel()

        return loss
