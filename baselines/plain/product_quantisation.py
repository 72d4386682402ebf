"""Product quantisation: the plain vector in a few bytes, as vector databases store it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import stream, unit

from .._shared.packed_integers import pack_codes, read_codes

_FACES_PER_CODE = 4
"""A codebook is smaller where the background has fewer faces than this for each of its codes."""


class ProductQuantisation:
    """The embedding cut into short sub-vectors, each replaced by the number of its nearest centroid.

    Jegou, Douze & Schmid, "Product Quantization for Nearest Neighbor Search", IEEE TPAMI 33 (2011). The centroids of
    each sub-vector are found by k-means on the background, and are public. A probe is not quantised (asymmetric
    distance, equation 13): the score is ``1 - |x - c|^2 / 2`` for the probe x and the stored centroids c, which is
    their cosine where c has length one.

    Parameters
    ----------
    length : int
        Coordinates of a sub-vector; the first are one longer where the dimension is no multiple. With 256 codes 4
        coordinates make one byte, a sixteenth of float32.
    codes : int
        Centroids of each sub-vector, the paper's k*, 2 to 65536. A small background gives fewer.
    rounds : int
        Of k-means, at most.
    """

    revocable = False
    needs_identity = False

    def __init__(self, *, length: int = 4, codes: int = 256, rounds: int = 20) -> None:
        if length < 1 or not 2 <= codes <= 1 << 16 or rounds < 1:
            raise ValueError(
                f"length={length}, codes={codes}, rounds={rounds}; expected a coordinate or more, 2 to 65536 codes and "
                "a round or more"
            )
        self.length = length
        self.codes = codes
        self.rounds = rounds

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Find the centroids of each sub-vector, and how far the background's faces are from theirs."""
        faces = unit(background.embeddings).astype(np.float32)
        n, d = faces.shape
        self._levels = max(2, min(self.codes, n // _FACES_PER_CODE))
        self._parts = np.array_split(np.arange(d), max(1, d // self.length))
        self._centroids = [
            k_means(faces[:, part], self._levels, self.rounds, stream(seed, "product-quantisation", place))
            for place, part in enumerate(self._parts)
        ]
        apart = faces - self._values(self._nearest(faces))
        # Centroids are nearest to the faces that they are the means of. Of k means of n faces, other faces are further
        # away: n / (n - k) corrects the variance within a cell, 1 + k / n adds that of the mean.
        k = min(self._levels, n - 1)
        self._spread = max(float(np.sqrt((apart**2).mean() * n / (n - k) * (1 + k / n))), 1e-6)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of the sub-vectors' codes per row of ``references`` (n, d)."""
        return pack_codes(self._nearest(unit(np.asarray(references, dtype=np.float32))), self._levels)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: one minus half the squared distance, at most 1."""
        stored, shown = self._read(templates), unit(np.asarray(probes, dtype=np.float32))
        squared = (shown**2).sum(axis=1) + (stored**2).sum(axis=1)[:, None]
        return np.asarray(1 - squared / 2 + stored @ shown.T, dtype=np.float32)

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: the centroids."""
        return unit(self._read(templates)).astype(np.float32)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """Each centroid is its sub-vector, but for the quantisation error."""
        stored = self._read(templates)
        whole = np.eye(stored.shape[1], dtype=np.float32)
        for row in stored:
            yield Linear(whole, row, self._spread)

    def _nearest(self, faces: FloatArray) -> npt.NDArray[np.intp]:
        """(n, sub-vectors) the number of the nearest centroid."""
        codes = [nearest(faces[:, part], own) for part, own in zip(self._parts, self._centroids, strict=True)]
        return np.stack(codes, axis=1)

    def _values(self, codes: npt.NDArray[np.integer]) -> FloatArray:
        """(n, d) float32: the centroids of codes (n, sub-vectors)."""
        return np.hstack([own[column] for own, column in zip(self._centroids, codes.T, strict=True)])

    def _read(self, templates: Sequence[Template]) -> FloatArray:
        return self._values(read_codes(templates, len(self._parts), self._levels))


def k_means(rows: FloatArray, k: int, rounds: int, rng: np.random.Generator) -> FloatArray:
    """(k, p) float32 centroids of rows (n, p): Lloyd's iterations from k random rows, until none changes its cell.

    A centroid without a row is moved to the row that is furthest from its own.
    """
    rows = np.asarray(rows, dtype=np.float32)
    centroids = rows[rng.choice(len(rows), k, replace=len(rows) < k)]
    cells = np.full(len(rows), -1)
    for _ in range(rounds):
        before, cells = cells, nearest(rows, centroids)
        if (cells == before).all():
            break
        counts = np.bincount(cells, minlength=k)
        sums = np.stack([np.bincount(cells, weights=column, minlength=k) for column in rows.T], axis=1)
        moved = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
        empty = np.flatnonzero(counts == 0)[: len(rows)]
        furthest = np.argsort(-((rows - centroids[cells]) ** 2).sum(axis=1), kind="stable")
        moved[empty] = rows[furthest[: len(empty)]]
        centroids = moved
    return centroids


def nearest(rows: FloatArray, centroids: FloatArray) -> npt.NDArray[np.intp]:
    """(n,) the number of the centroid (k, p) that is nearest to each row (n, p); the first of equal ones."""
    return np.asarray(((centroids**2).sum(axis=1) / 2 - rows @ centroids.T).argmin(axis=1))
