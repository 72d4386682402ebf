"""How faces of different subjects differ, and two faces of one subject: a two-covariance model (PLDA)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from mote_bench.contracts import FloatArray

_RIDGE = 1e-3  # of both covariances, in mean variances: an axis without variance says nothing of subjects
_LEAST, _MOST = 0.01, 0.999  # share of an axis's variance that may lie within subjects


@dataclass(frozen=True, eq=False)
class TwoCovariance:
    """A face is its subject's centre plus a deviation, both Gaussian, in axes in which all are independent.

    Brummer & de Villiers, "The speaker partitioning problem", Odyssey 2010; Prince & Elder, ICCV 2007.

    Attributes
    ----------
    mean : (d,) float64
    axes : (d, d) float64
        Columns. In these axes the variance of a face is one.
    correlation : (d,) float64
        Of two faces of one subject, along each axis: the share of the variance that lies between subjects.
    """

    mean: FloatArray
    axes: FloatArray
    correlation: FloatArray

    @classmethod
    def of(cls, pairs: Sequence[FloatArray], others: FloatArray, *, shrink: float) -> Self:
        """The model fitted to two faces (n, d) of each of n subjects, and to ``others`` (m, d) with one face each.

        ``shrink``, from 0 to 1, is how far the covariance within subjects is drawn to that of all faces.
        """
        faces = np.concatenate([*pairs, others])
        mean, d = faces.mean(axis=0), faces.shape[1]
        total = (faces - mean).T @ (faces - mean) / len(faces)
        ridge = (_RIDGE * np.trace(total) / d or 1.0) * np.eye(d)
        differences = (pairs[0] - pairs[1]) / np.sqrt(2)
        total, within = total + ridge, differences.T @ differences / len(differences) + ridge
        within = (1 - shrink) * within + shrink * np.trace(within) / np.trace(total) * total
        values, vectors = np.linalg.eigh(total)
        white = vectors / np.sqrt(values)
        share, turn = np.linalg.eigh(white.T @ within @ white)
        return cls(mean, white @ turn, 1 - np.clip(share, _LEAST, _MOST))

    def log_ratio(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """(n, m) log likelihood ratios that two faces are of one subject, up to a constant; higher is more alike."""
        one, other = ((rows - self.mean) @ self.axes for rows in (left, right))
        r = self.correlation
        apart, product = -0.5 * r**2 / (1 - r**2), r / (1 - r**2)
        return np.asarray((one**2 @ apart)[:, None] + other**2 @ apart + (one * product) @ other.T)
