"""The variation between images of one subject: a Gaussian kernel density of identity-centred embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

BANDWIDTHS = 10 ** np.linspace(-2.5, 0.4, 40)
"""The 40 candidates of the released MOTE code, 10^-2.5 .. 10^0.4."""

FOLDS = 5
MOST_IMAGES = 4000
"""Cross-validation is quadratic in the images: beyond this many it uses a random part of the subjects."""

_ROWS = 512


@dataclass(frozen=True, eq=False)
class Density:
    """A round Gaussian on every point.

    Attributes
    ----------
    points : (n, d) float32
    bandwidth : float
        Standard deviation of each Gaussian in every dimension.
    """

    points: FloatArray
    bandwidth: float

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """(n, d) float32 draws: a random point each, plus noise."""
        centres = self.points[rng.integers(len(self.points), size=n)]
        noise = rng.standard_normal(centres.shape, dtype=np.float32)
        return np.asarray(centres + np.float32(self.bandwidth) * noise)

    def log_likelihood(self, queries: FloatArray) -> FloatArray:
        """(m,) float64 log densities of ``queries`` (m, d)."""
        return np.asarray(_log_likelihoods(self.points, queries, np.array([self.bandwidth]))[0])


def residuals(embeddings: FloatArray, person: npt.NDArray[np.int64]) -> FloatArray:
    """(n, d) float32: each row minus the centroid of the rows that show the same subject (``person`` (n,), 0..k-1)."""
    count = np.bincount(person)
    centroid = np.zeros((len(count), embeddings.shape[1]))
    np.add.at(centroid, person, embeddings)
    centroid /= count[:, None]
    return np.asarray(embeddings - centroid[person], dtype=np.float32)


def cross_validated(points: FloatArray, *, person: npt.NDArray[Any], rng: np.random.Generator) -> Density:
    """The density of ``points`` (n, d) at the bandwidth of :data:`BANDWIDTHS` that best predicts subjects left out.

    The folds are five sets of subjects, so that images of one subject are never on both sides; with fewer subjects,
    one each. The score is the log-likelihood of the held-out points, as in the released code. The released code's folds
    are sets of images instead.

    Raises
    ------
    ValueError
        With fewer than two subjects.
    """
    rows = _few_images(person, rng)
    scores = held_out_log_likelihoods(points[rows], person=person[rows], rng=rng)
    return Density(points, float(BANDWIDTHS[scores.argmax()]))


def held_out_log_likelihoods(points: FloatArray, *, person: npt.NDArray[Any], rng: np.random.Generator) -> FloatArray:
    """(40,) summed log-likelihood of left-out subjects at each of :data:`BANDWIDTHS`."""
    people, index = np.unique(person, return_inverse=True)
    if len(people) < 2:
        raise ValueError(f"{len(people)} people; cross-validation leaves people out and needs at least 2")
    fold = (rng.permutation(len(people)) % FOLDS)[index]
    scores = np.zeros(len(BANDWIDTHS))
    for left_out in np.unique(fold):
        scores += _log_likelihoods(points[fold != left_out], points[fold == left_out], BANDWIDTHS).sum(axis=1)
    return scores


def _few_images(person: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    if len(person) <= MOST_IMAGES:
        return np.arange(len(person))
    people, index, count = np.unique(person, return_inverse=True, return_counts=True)
    order = rng.permutation(len(people))
    # Never fewer than two subjects, however many images they have.
    kept = order[: max(2, int(np.searchsorted(count[order].cumsum(), MOST_IMAGES, side="right")))]
    return np.flatnonzero(np.isin(index, kept))


def _log_likelihoods(points: FloatArray, queries: FloatArray, bandwidths: FloatArray) -> FloatArray:
    """(b, m): at each bandwidth h, log of the mean over points of exp(-|q-p|^2 / 2h^2) / (2 pi h^2)^(d/2)."""
    answer = np.empty((len(bandwidths), len(queries)))
    for start in range(0, len(queries), _ROWS):
        square = _squared_distances(queries[start : start + _ROWS], points)
        nearest = square.min(axis=1, keepdims=True)
        # Relative to the nearest point nothing underflows, and float32 is exact enough for the rest.
        further = (square - nearest).astype(np.float32)
        for row, h in zip(answer, bandwidths, strict=True):
            kernel = np.log(np.exp(further * np.float32(-0.5 / h**2)).mean(axis=1, dtype=np.float64))
            row[start : start + _ROWS] = kernel - 0.5 * nearest[:, 0] / h**2
    answer -= 0.5 * points.shape[1] * np.log(2 * np.pi * bandwidths**2)[:, None]
    return answer


def _squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.maximum(square, 0))
