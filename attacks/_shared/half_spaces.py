"""Expectation propagation: the Gaussian nearest to a standard normal that is cut off by many half-spaces."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray

_ROUNDS, _DAMPED, _STILL = 25, 0.8, 0.01
_SOFT = 1e-4
"""Standard deviation of each side: templates are computed in single precision."""
_LEAST = 1e-10
_WEAK = 1e-6
"""Precision of each factor at the start: it must not be zero where a cavity is divided by it."""


def cut(normals: FloatArray, offsets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean (r,) and covariance (r, r) of z ~ N(0, I) given ``normals @ z > offsets``, for normals (m, r).

    Minka, "Expectation propagation for approximate Bayesian inference", UAI 2001; for half-spaces Rasmussen & Williams,
    Gaussian Processes for Machine Learning (2006), section 3.6, here all factors at once and damped. Half-spaces that
    contradict each other are weighed, not refused. Cost: ``2 m r^2 + 2 r^3`` operations a round, at most 25 rounds.
    """
    length = np.linalg.norm(normals, axis=1)
    some = length > _LEAST
    h, bound = normals[some] / length[some, None], -offsets[some] / length[some]
    factor, information = np.full(len(h), _WEAK), np.zeros(len(h))
    mean, covariance = _gaussian(h, factor, information)
    for _ in range(_ROUNDS):
        variance, at = np.einsum("ij,ij->i", h @ covariance, h), h @ mean
        precision = np.maximum(1 / variance - factor, _LEAST)
        cavity = (at / variance - information) / precision
        wanted, value = _moments(cavity, 1 / precision, bound)
        factor = factor + _DAMPED * (np.maximum(1 / wanted - precision, _LEAST) - factor)
        information = information + _DAMPED * (value / wanted - cavity * precision - information)
        before, (mean, covariance) = mean, _gaussian(h, factor, information)
        if np.abs(mean - before).max(initial=0.0) < _STILL:
            break
    return mean, covariance


def _gaussian(h: FloatArray, factor: FloatArray, information: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance from each factor's precision (m,) and information, its precision times its mean (m,)."""
    covariance = np.linalg.inv(np.eye(h.shape[1]) + (h.T * factor) @ h)
    return covariance @ (h.T @ information), covariance


def _moments(mean: FloatArray, variance: FloatArray, bound: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(m,) variances and means of normal numbers given that they exceed ``-bound``, softly."""
    from scipy.special import log_ndtr

    spread = np.sqrt(_SOFT**2 + variance)
    beyond = (mean + bound) / spread
    ratio = np.exp(-0.5 * beyond**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(beyond))
    left = variance - variance**2 * ratio * (beyond + ratio) / spread**2
    return np.maximum(left, _LEAST * variance), mean + variance * ratio / spread
