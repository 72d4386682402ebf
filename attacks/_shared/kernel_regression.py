"""Kernel regression on many faces at once, validated on shadow subjects left out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Scheme, Template
from mote_bench.toolkit import numbers

from .pooling import at_scales

_WIDTHS = (0.45, 0.7, 1.1)  # of the Gaussian kernel, in root mean squared distances of two rows
_STRENGTHS = (0.1, 1.0, 10.0)  # of the ridge, relative to the mean of the kernel's diagonal
_FARTHEST = 10.0  # standard deviations


@dataclass(frozen=True, eq=False)
class Lesson:
    """One table of values about three sets of templates.

    Attributes
    ----------
    public : (k, p) float
        Always learned from, never validated on.
    known : (n, p) float
        The shadow subjects: learned from and, fold by fold, left out to validate.
    unknown : (m, p) float
        The stolen templates.
    """

    public: FloatArray
    known: FloatArray
    unknown: FloatArray


@dataclass(frozen=True, eq=False)
class Targets:
    """What is to be predicted, as deviations from a constant, and how much each row counts.

    Attributes
    ----------
    public, known : (k, q), (n, q) float
    weights : (k + n,) float
        Of mean one.
    fold : (n,) int
        The fold in which each known row is left out.
    """

    public: FloatArray
    known: FloatArray
    weights: FloatArray
    fold: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of one setting: of the known rows (n, q), each left out of the regression, and of the others."""

    left_out: FloatArray
    unknown: FloatArray


def lessons(
    scheme: Scheme | None, public: Sequence[Template], known: Sequence[Template], unknown: Sequence[Template]
) -> list[Lesson]:
    """The templates as tables: the numbers in the bytes and the scheme's ``readings``, long ones at several scales."""
    templates = [*public, *known, *unknown]
    readings = getattr(scheme, "readings", None)
    tables = [numbers(templates), *(() if readings is None else map(np.asarray, readings(templates)))]
    ends = [len(public), len(public) + len(known)]
    return [Lesson(*np.split(scaled, ends)) for table in tables for scaled in at_scales(table)]


def predictions(lesson: Lesson, targets: Targets) -> Iterator[Predictions]:
    """Predictions by a linear kernel and three Gaussian ones, each at three strengths of the ridge.

    They come with the public rows and, if there are any, once more without them: public rows that mislead, as they are
    distributed differently, are then not chosen. The regression is weighted kernel ridge regression, in other words
    regularised least squares (Saunders, Gammerman & Vovk, ICML 1998; as a classifier Rifkin, Yeo & Poggio 2003). The
    public rows are eliminated first, by one Cholesky factor for all folds. The cost of a setting is ``k^3 / 3 + k^2
    (n + m)`` operations for k public rows.
    """
    rows = _standardised(np.concatenate([lesson.public, lesson.known, lesson.unknown]), len(targets.weights))
    k, n = len(targets.public), len(targets.known)
    for likeness in _kernels(rows, k + n):
        likeness /= float(np.trace(likeness[: k + n])) / (k + n) or 1.0
        for strength in _STRENGTHS:
            noise = strength / targets.weights
            yield _predicted(likeness, targets, noise)
            if k:
                alone = Targets(targets.public[:0], targets.known, targets.weights[k:], targets.fold)
                yield _predicted(likeness[k:, k:], alone, noise[k:])


def _predicted(likeness: FloatArray, targets: Targets, noise: FloatArray) -> Predictions:
    """By the likeness (k + n + m, k + n) of all rows and those learned from, whose ridge is ``noise`` (k + n,)."""
    k, n = len(targets.public), len(targets.known)
    mean: FloatArray = np.zeros((len(likeness) - k, targets.known.shape[1]))
    left = likeness[k:, k:]
    if k:
        mean, left = _given_public(likeness, targets.public, noise[:k])
    made, folds = Predictions(np.empty((n, mean.shape[1])), np.zeros((len(mean) - n, mean.shape[1]))), targets.fold
    parts = np.unique(folds)
    for held in (folds == part for part in parts):
        own = left[:n][np.ix_(~held, ~held)] + np.diag(noise[k:][~held])
        dual = np.linalg.solve(own, targets.known[~held] - mean[:n][~held])
        found = mean + left[:, ~held] @ dual
        made.left_out[held] = found[:n][held]
        made.unknown[:] += found[n:] / len(parts)
    return made


def _given_public(likeness: FloatArray, outputs: FloatArray, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What the public rows predict of the others (n + m, q), and the likeness (n + m, n) that they leave unexplained.

    A block of a Gaussian process is conditioned on: Rasmussen & Williams, Gaussian Processes for Machine Learning,
    equations 2.23 and 2.24.
    """
    from scipy.linalg import cholesky, solve_triangular

    k = len(outputs)
    ridged = likeness[:k, :k].copy()
    ridged[np.diag_indices(k)] += noise
    lower = cholesky(ridged, lower=True, overwrite_a=True, check_finite=False)
    right = np.hstack([likeness[k:, :k].T, outputs])
    solved = solve_triangular(lower, right, lower=True, overwrite_b=True, check_finite=False)
    across, seen = solved[:, : -outputs.shape[1]], solved[:, -outputs.shape[1] :]
    n = likeness.shape[1] - k
    return across.T @ seen, likeness[k:, k:] - across.T @ across[:, :n]


def _standardised(table: FloatArray, known: int) -> FloatArray:
    """(rows, used columns) by the spread of the first ``known`` rows, in the table's precision.

    Columns that are constant there are left out.
    """
    mean, spread = table[:known].mean(axis=0, dtype=np.float64), table[:known].std(axis=0, dtype=np.float64)
    used = spread > 1e-6 * np.abs(mean)
    mean, spread = (of[used].astype(table.dtype) for of in (mean, spread))
    return np.asarray(np.clip((table[:, used] - mean) / spread, -_FARTHEST, _FARTHEST))


def _kernels(rows: FloatArray, known: int) -> Iterator[FloatArray]:
    """(rows, known) likeness of all rows to the first ones, float64: products, then Gaussians of the distance."""
    products = (rows @ rows[:known].T).astype(np.float64)
    lengths = (rows**2).sum(axis=1, dtype=np.float64)
    squared = np.add.outer(lengths, lengths[:known])
    squared -= 2 * products
    np.maximum(squared, 0, out=squared)
    yield products
    for width in _WIDTHS:
        # Standardised rows of p columns are at a mean squared distance of 2 p.
        exponent = squared / -(4 * width**2 * max(rows.shape[1], 1))
        yield np.exp(exponent, out=exponent)
