"""Kernel regression on many faces at once, validated on shadow subjects left out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

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
    """The templates as tables: the numbers in the bytes and the scheme's ``readings``, long ones at several scales.

    A reading that is equal to the numbers, as of plain embeddings, is left out: it would be learned from twice.
    """
    templates = [*public, *known, *unknown]
    readings = getattr(scheme, "readings", None)
    plain = numbers(templates)
    read = () if readings is None else map(np.asarray, readings(templates))
    tables = [plain, *(table for table in read if not np.array_equal(table, plain))]
    ends = [len(public), len(public) + len(known)]
    return [Lesson(*np.split(scaled, ends)) for table in tables for scaled in at_scales(table)]


def predictions(lesson: Lesson, targets: Targets) -> Iterator[Predictions]:
    """Predictions by a linear kernel and three Gaussian ones, each at three strengths of the ridge.

    They come with the public rows and, if there are any, once more without them: public rows that mislead, as they are
    distributed differently, are then not chosen. The regression is weighted kernel ridge regression, in other words
    regularised least squares (Saunders, Gammerman & Vovk, ICML 1998; as a classifier Rifkin, Yeo & Poggio 2003). The
    public rows are eliminated first, by one Cholesky factor for all folds. The cost of a setting is ``k^3 / 3 + k^2
    n`` operations for k public rows, and ``k p^2`` for a linear kernel of fewer columns p than public rows.
    """
    rows = _standardised(np.concatenate([lesson.public, lesson.known, lesson.unknown]), len(targets.weights))
    k, n = len(targets.public), len(targets.known)
    for kernel, likeness in enumerate(_kernels(rows, k + n)):
        scale = float(np.trace(likeness[: k + n])) / (k + n) or 1.0
        likeness /= scale
        by_columns = kernel == 0 and rows.shape[1] < k
        for strength in _STRENGTHS:
            noise = strength / targets.weights
            yield _by_columns(rows, scale, targets, noise) if by_columns else _predicted(likeness, targets, noise)
            if k:
                alone = Targets(targets.public[:0], targets.known, targets.weights[k:], targets.fold)
                yield _predicted(likeness[k:, k:], alone, noise[k:])


def _predicted(likeness: FloatArray, targets: Targets, noise: FloatArray) -> Predictions:
    """By the likeness (k + n + m, k + n) of all rows and those learned from, whose ridge is ``noise`` (k + n,)."""
    k, n = len(targets.public), len(targets.known)
    given = _Given.of(likeness[: k + n], targets.public, noise[:k])
    left_out, dual = _left_out(given.mean, given.left, targets, noise[k:])
    # The others' predictions are means over the folds, so weights of the rows learned from are averaged instead.
    return Predictions(left_out, likeness[k + n :] @ np.concatenate([given.weights(dual), dual]))


def _by_columns(rows: FloatArray, scale: float, targets: Targets, noise: FloatArray) -> Predictions:
    """:func:`_predicted` by the products of ``rows`` (k + n + m, p) over ``scale``, for few columns.

    The public rows condition the p weights of a linear model: Rasmussen & Williams, equation 2.8.
    """
    k, n = len(targets.public), len(targets.known)
    public, known, unknown = np.split(rows.astype(np.float64), [k, k + n])
    weighted = (public / noise[:k, None]).T
    spread = np.linalg.inv(scale * np.eye(rows.shape[1]) + weighted @ public)
    centre = spread @ (weighted @ targets.public)
    left_out, dual = _left_out(known @ centre, known @ spread @ known.T, targets, noise[k:])
    return Predictions(left_out, unknown @ (centre + spread @ (known.T @ dual)))


def _left_out(mean: FloatArray, left: FloatArray, targets: Targets, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, q) predictions of known rows, each left out, and (n, q) their weights in predictions of others.

    ``mean`` (n, q) and ``left`` (n, n) are what the public rows predict and leave unexplained.
    """
    left_out, dual, folds = np.empty(targets.known.shape), np.zeros(targets.known.shape), targets.fold
    parts = np.unique(folds)
    for held in (folds == part for part in parts):
        learned = left[:, ~held]
        own = learned[~held]
        own[np.diag_indices(len(own))] += noise[~held]
        found = np.linalg.solve(own, (targets.known - mean)[~held])
        left_out[held] = mean[held] + learned[held] @ found
        dual[~held] += found / len(parts)
    return left_out, dual


@dataclass(frozen=True, eq=False)
class _Given:
    """What the public rows say of the known ones.

    A block of a Gaussian process is conditioned on: Rasmussen & Williams, Gaussian Processes for Machine Learning,
    equations 2.23 and 2.24.

    Attributes
    ----------
    mean : (n, q)
        What they predict.
    left : (n, n)
        The likeness that they leave unexplained.
    lower, across, seen : (k, k), (k, n), (k, q)
        The Cholesky factor of their own likeness, and what it makes of their likeness to the known rows and of their
        outputs.
    """

    mean: FloatArray
    left: FloatArray
    lower: FloatArray
    across: FloatArray
    seen: FloatArray

    @classmethod
    def of(cls, likeness: FloatArray, outputs: FloatArray, noise: FloatArray) -> Self:
        """By the likeness (k + n, k + n) of public and known rows, the public rows' outputs (k, q) and ridge (k,)."""
        from scipy.linalg import cholesky, solve_triangular

        k, q = outputs.shape
        if not k:
            n = len(likeness)
            return cls(np.zeros((n, q)), likeness, likeness[:0, :0], likeness[:0], outputs)
        ridged = np.array(likeness[:k, :k], order="F")  # LAPACK's order: in another it copies the table once more
        ridged[np.diag_indices(k)] += noise
        lower = cholesky(ridged, lower=True, overwrite_a=True, check_finite=False)
        right = np.hstack([likeness[k:, :k].T, outputs])
        solved = solve_triangular(lower, right, lower=True, overwrite_b=True, check_finite=False)
        across, seen = solved[:, :-q], solved[:, -q:]
        return cls(across.T @ seen, likeness[k:, k:] - across.T @ across, lower, across, seen)

    def weights(self, dual: FloatArray) -> FloatArray:
        """(k, q) weights of the public rows in predictions in which the known ones have the weights ``dual`` (n, q)."""
        from scipy.linalg import solve_triangular

        if not len(self.lower):
            return self.seen
        left = self.seen - self.across @ dual
        return np.asarray(solve_triangular(self.lower, left, lower=True, trans="T", check_finite=False))


def _standardised(table: FloatArray, known: int) -> FloatArray:
    """(rows, used columns) by the spread of the first ``known`` rows, in the table's precision.

    Columns that are constant there are left out.
    """
    mean, spread = table[:known].mean(axis=0, dtype=np.float64), table[:known].std(axis=0, dtype=np.float64)
    used = spread > 1e-6 * np.abs(mean)
    mean, spread = (of[used].astype(table.dtype) for of in (mean, spread))
    rows = table[:, used] - mean
    rows /= spread
    return np.asarray(np.clip(rows, -_FARTHEST, _FARTHEST, out=rows))


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
