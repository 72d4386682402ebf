"""PE-MIU: the embedding's blocks in a random order that is not stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce
from itertools import combinations

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import on_sphere, stream, unit

from .._shared.centring import directions
from .._shared.vector_scheme import VectorScheme

_MOST_BY_SUBSETS = 8
_NUMBERS_AT_ONCE = 1 << 23
_PAIRS_AT_ONCE = 1 << 13
"""So many sums of each subset stay in a core's cache."""
_PATH = ["einsum_path", (0, 1)]
"""One product of two tables; numpy would look for it at every call."""


class PEMIU(VectorScheme):
    """Store an embedding's blocks (minimum information units) in a random order.

    Terhörst, Riehl, Damer, Rot, Bortolato, Kirchbuchner, Struc & Kuijper, "PE-MIU: A Training-Free Privacy-Enhancing
    Face Recognition Approach Based on Minimum Information Units", IEEE Access 8, 2020. The face is cut into blocks of
    equal length. Each template has its own order, drawn from the subject's seed and then discarded. A probe is compared
    under the assignment of its blocks to the stored ones with the least squared distance, which has the largest inner
    product. A classifier that reads templates by position sees another order each time. The order is no secret, though:
    a block's values show its position, because each position has its own distribution (:meth:`solve`). Embeddings are
    not centred, as in the paper.

    Where the dimension is no multiple of the block's length, the last block is filled up with zeros. That changes no
    score, but the zeros show which of a template's blocks is the last.

    Parameters
    ----------
    block : int
        Length of a block. Up to 8 blocks are assigned by their subsets, for many pairs at once: 0.3 microseconds a pair
        for 6 blocks. More blocks take the Hungarian method, about 10 microseconds a pair, except where each stored
        block's nearest block is another one.
    """

    centred = False

    def __init__(self, *, block: int = 32) -> None:
        if block < 1:
            raise ValueError(f"block={block}; expected 1 or more")
        self.block = block

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        self._length = -(-faces.shape[1] // self.block) * self.block

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        blocks = self._blocks(faces)
        orders = [stream(seed, "pe-miu").permutation(blocks.shape[1]) for seed in seeds]
        return np.array([row[order].ravel() for row, order in zip(blocks, orders, strict=True)]).reshape(
            len(faces), self._length
        )

    def _back(self, stored: FloatArray) -> FloatArray:
        return stored[:, : len(self._origin)]

    def _blocks(self, faces: FloatArray) -> FloatArray:
        """(n, blocks, block) the rows cut into blocks, filled up with zeros."""
        if faces.shape[1] < self._length:
            faces = np.pad(faces, ((0, 0), (0, self._length - faces.shape[1])))
        return faces.reshape(len(faces), self._length // self.block, self.block)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 cosines under the best order of blocks."""
        stored, shown = unit(self._read(templates)), directions(probes, self._origin)
        scores = np.empty((len(stored), len(shown)), dtype=np.float32)
        step = max(1, _NUMBERS_AT_ONCE // max(1, len(shown) * (stored.shape[1] // self.block) ** 2))
        for first in range(0, len(stored), step):
            some = slice(first, first + step)
            products = np.einsum("nib,mjb->nmij", self._blocks(stored[some]), self._blocks(shown), optimize=_PATH)
            scores[some] = _assigned(products)
        return scores

    def solve(
        self,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        prior: FloatArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """(n, d) float32: blocks at their likeliest positions, by a Gaussian of each position fitted to ``prior``.

        The attack on block orders assigns blocks to positions by log likelihood. It follows the Hungarian matching
        against mean blocks of a population that methods papers use; the covariance separates positions with equal
        means.
        """
        from scipy.optimize import linear_sum_assignment

        public, stored = self._blocks(directions(prior, self._origin)), self._blocks(self._read(templates))
        likelihood = np.stack([_log_density(stored, public[:, place]) for place in range(public.shape[1])], axis=2)
        ordered = np.empty_like(stored)
        for row, table in enumerate(likelihood):
            blocks, places = linear_sum_assignment(-table)
            ordered[row, places] = stored[row, blocks]
        faces = self._back(ordered.reshape(len(stored), self._length))
        return on_sphere(self._origin, unit(faces)).astype(np.float32)


def _assigned(products: FloatArray) -> FloatArray:
    """(n, m) for each (k, k) table the largest sum of k entries, one of each row and column."""
    n, m, k, _ = products.shape
    tables = products.reshape(n * m, k, k)
    if k > _MOST_BY_SUBSETS:
        return _one_by_one(tables).reshape(n, m)
    best = np.empty(len(tables), dtype=np.float32)
    for first in range(0, len(tables), _PAIRS_AT_ONCE):
        some = slice(first, first + _PAIRS_AT_ONCE)
        best[some] = _by_subsets(np.ascontiguousarray(tables[some].transpose(1, 2, 0)))
    return best.reshape(n, m)


def _by_subsets(tables: FloatArray) -> FloatArray:
    """(p,) the largest sums of tables (k, k, p): for each set of columns, the best sum of as many first rows.

    Rounding keeps order, so these are the very sums that trying all orders finds: it takes ``2^(k-1) k`` additions a
    table (Held & Karp, "A dynamic programming approach to sequencing problems", 1962).
    """
    best = [np.zeros(tables.shape[2], dtype=tables.dtype)]
    for row, ways_of_sets in zip(tables, _sets(len(tables)), strict=True):
        best = [reduce(np.maximum, [best[others] + row[last] for others, last in ways]) for ways in ways_of_sets]
    return best[0]


@cache
def _sets(k: int) -> list[list[list[tuple[int, int]]]]:
    """For each row of tables of k columns, the sets of columns of it and the rows before it, in order.

    Of each set, the columns that the row may take, each with the number of the set that is left to the rows before.
    """
    numbers: dict[tuple[int, ...], int] = {(): 0}
    rows = []
    for row in range(k):
        sets = list(combinations(range(k), row + 1))
        rows.append([[(numbers[tuple(one for one in own if one != last)], last) for last in own] for own in sets])
        numbers = {own: number for number, own in enumerate(sets)}
    return rows


def _one_by_one(tables: FloatArray) -> FloatArray:
    """(p,) the largest sums of tables (p, k, k), by the Hungarian method where rows want the same column."""
    from scipy.optimize import linear_sum_assignment

    wanted = np.sort(tables.argmax(axis=2), axis=1)
    best = tables.max(axis=2).sum(axis=1)
    for row in np.flatnonzero((wanted != np.arange(tables.shape[1])).any(axis=1)):
        best[row] = tables[row][linear_sum_assignment(tables[row], maximize=True)].sum()
    return np.asarray(best)


def _log_density(blocks: FloatArray, public: FloatArray) -> FloatArray:
    """(n, k) log density of each block (n, k, b) at a position where public faces have ``public`` (m, b)."""
    from sklearn.covariance import ledoit_wolf

    mean, covariance = public.mean(axis=0), ledoit_wolf(public.astype(np.float64))[0]
    away = blocks - mean
    distance = (away @ np.linalg.inv(covariance) * away).sum(axis=2)
    return np.asarray(-0.5 * (distance + np.linalg.slogdet(covariance)[1]))
