"""Index-of-Max hashing: the index of the largest of a few secret projections of the face, many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Smooth, Template
from mote_bench.toolkit import device, on_sphere, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.keys import EXPANSIONS, rng_of, rows_of_each
from .._shared.packed_integers import FEW, Codes, pack_codes, read_codes, share_equal, times_first_largest

if TYPE_CHECKING:
    import torch

Index = npt.NDArray[np.intp]
_NUMBERS_AT_ONCE = 1 << 24
"""Products that are held at a time: 64 MB of float32."""
_FACES_IN_CACHE = 512
_FACES_OF_ALL_CODES = 128
_NUMBERS_IN_CACHE = 1 << 18
"""Products that are held at a time where only their maximum is needed: 1 MB."""
_GUMBEL = 6**0.5 / np.pi
"""Scale of a Gumbel distribution whose standard deviation is one."""


class GaussianIoM:
    """IoM hashing by Gaussian random projection: Jin et al., IEEE TIFS 13 (2018) 393-407, arXiv 1703.05455.

    A key seeds m groups of q Gaussian vectors. Code i is the index of the vector of group i with the largest product
    with the face, ``t_i = argmax_j <w_ij, x>``. The score is the share of equal codes under the presented key. An
    attacker with the key knows m vectors close to the face. Their sum decodes to a cosine of about ``e m / sqrt((e m)^2
    + m (d - 1))`` with x, e being the mean of the largest of q normal numbers.

    Without the key one template holds no information on the face. Proof: the q products of a group are independent
    normal numbers of mean 0 and one variance, whatever x. So each code is uniform, and the codes are independent.

    Parameters
    ----------
    groups : int
        m. The paper's 300.
    vectors : int
        q per group, 2 or more. The paper's 16.
    centre : bool
        Take x from the background's mean face. Not in the paper, whose features are spread about the origin.
    """

    revocable = True

    def __init__(self, *, groups: int = 300, vectors: int = 16, centre: bool = True) -> None:
        if groups < 1 or not 2 <= vectors <= 1 << 16:
            raise ValueError(f"groups={groups}, vectors={vectors}; expected 1 or more groups of 2 to 65536 vectors")
        self.groups = groups
        self.vectors = vectors
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face; nothing else is learned."""
        self._origin = start(background, centre=self.centre)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(m log2(q) / 8) bytes per row of ``references`` (n, d): 150 for 300 groups of 16."""
        faces, templates = directions(references, self._origin), [b""] * len(references)
        for gaussian, rows in self._gaussians(keys, len(references)):
            for row, template in zip(rows, pack_codes(self._codes(faces[rows], gaussian), self.vectors), strict=True):
                templates[row] = template
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: the share of equal codes, in [0, 1]."""
        stored, faces = self._read(templates), directions(probes, self._origin)
        answers = np.empty((len(templates), len(probes)), dtype=np.float32)
        for gaussian, rows in self._gaussians(keys, len(templates)):
            if _quicker_one_by_one(rows, faces):
                answers[rows] = [self._share_named(faces, gaussian, stored[row]) for row in rows]
            else:
                answers[rows] = share_equal(stored[rows], self._codes(faces, gaussian), self.vectors)
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: towards the sum of the selected vectors under the presented keys."""
        return on_sphere(self._origin, unit(self._selected(templates, keys))).astype(np.float32)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[HalfSpaces]:
        """Each code says that its vector has a larger product with the face than each other one of its group."""
        for key, codes in zip(keys or (), self._read(templates), strict=True):
            gaussian = _gaussian(key, self.groups * self.vectors, len(self._origin))
            vectors = gaussian.reshape(self.groups, self.vectors, -1)
            named = np.arange(self.vectors) == codes[:, None]
            normals = (vectors[named][:, None] - vectors)[~named]
            yield HalfSpaces(normals, normals @ self._origin)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) mean products with the selected vectors.

        The larger the products with the selected vectors, the more of them are their group's largest.
        """
        import torch

        # The mean product with the selected vectors is one product with their mean.
        mean = torch.from_numpy(self._selected(templates, keys) / self.groups).to(device())[:, None]
        return lambda probes: (torch_directions(probes, self._origin) * mean).sum(-1)

    def _gaussians(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[FloatArray, Index]]:
        """Each distinct key's (m q, d) Gaussian vectors, group by group, with the rows it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            yield _gaussian(key, self.groups * self.vectors, len(self._origin)), rows

    def _codes(self, faces: FloatArray, gaussian: FloatArray) -> Codes:
        codes = np.empty((len(faces), self.groups), dtype=_smallest(self.vectors))
        # One vector of every group at a time: numpy is slow at the maximum over a short last axis.
        for some in _slices(len(faces), _FACES_OF_ALL_CODES):
            products = (faces[some] @ gaussian[vector :: self.vectors].T for vector in range(self.vectors))
            codes[some] = _index_of_max(products, codes.dtype)
        return codes

    def _share_named(self, faces: FloatArray, gaussian: FloatArray, named: Codes) -> FloatArray:
        """(n,) the share of groups whose code is the one ``named`` (m,), a few groups and faces at a time."""
        vectors, times = gaussian.reshape(self.groups, self.vectors, -1), np.zeros(len(faces), dtype=np.intp)
        some_faces = [(rows, np.ascontiguousarray(faces[rows].T)) for rows in _slices(len(faces), _FACES_IN_CACHE)]
        for some in _slices(self.groups, _NUMBERS_IN_CACHE // (self.vectors * min(len(faces), _FACES_IN_CACHE))):
            of_some = vectors[some].reshape(-1, gaussian.shape[1])
            for rows, columns in some_faces:
                products = (of_some @ columns).reshape(-1, self.vectors, columns.shape[1])
                times[rows] += times_first_largest(products.transpose(1, 0, 2), named[some])
        return _share(times, self.groups)

    def _read(self, templates: Sequence[Template]) -> Codes:
        return read_codes(templates, self.groups, self.vectors)

    def _selected(self, templates: Sequence[Template], keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32: the sum over groups of the vector that each code names."""
        codes = self._read(templates)
        total = np.empty((len(templates), len(self._origin)), dtype=np.float32)
        for gaussian, rows in self._gaussians(keys, len(templates)):
            for some in _tiles(len(rows), len(gaussian)):
                named = np.arange(self.vectors) == codes[rows[some], :, None]
                total[rows[some]] = named.reshape(len(named), -1).astype(np.float32) @ gaussian
        return total


class PermutationIoM:
    """IoM hashing by uniformly random permutation: Jin et al., IEEE TIFS 13 (2018), arXiv 1703.05455.

    A key seeds m sets of p permutations. A set's permuted copies of the face are multiplied entry by entry (Hadamard
    product), and the code is the index of the largest among the first k products. It is scored like
    :class:`GaussianIoM`. The codes depend on products of entries alone. So for even p a face and its opposite have
    equal codes, and an attacker with the key reconstructs the face up to its sign at best.

    Without the key one template holds no information on the face, but for equal products. Proof: reorder the k places
    of a hash's window in the same way in all of its p permutations. They are as likely as before (exchangeability), and
    the code follows the largest product to its new place. So each code is uniform, and hashes are independent. Of equal
    products the first counts, which favours low codes: for p = 2 those of two entries that meet in both orders. How
    often the largest product is one of them depends on the face, by about k / d^2 at most.

    Parameters
    ----------
    hashes : int
        m.
    permutations : int
        p of each hash.
    window : int, optional
        k, 2 to d. By default a quarter of d (128 of 512 dimensions).
    centre : bool
        Take x from the background's mean face. Not in the paper, whose features are spread about the origin.
    """

    revocable = True

    def __init__(
        self, *, hashes: int = 600, permutations: int = 2, window: int | None = None, centre: bool = True
    ) -> None:
        if hashes < 1 or permutations < 1:
            raise ValueError(f"hashes={hashes}, permutations={permutations}; expected 1 or more of each")
        self.hashes = hashes
        self.permutations = permutations
        self.window = window
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and fix the window k."""
        self._mean = start(background, centre=True)
        self._origin = start(background, centre=self.centre)
        dimension = len(self._origin)
        self._window = max(2, dimension // 4) if self.window is None else self.window
        if not 2 <= self._window <= min(dimension, 1 << 16):
            raise ValueError(f"window={self._window}; expected 2 to {dimension}, the embedding's dimension")
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(m log2(k) / 8) bytes per row of ``references`` (n, d): 525 for m = 600, k = 128."""
        faces, templates = directions(references, self._origin), [b""] * len(references)
        for places, rows in self._places(keys, len(references)):
            for row, template in zip(rows, pack_codes(self._codes(faces[rows], places), self._window), strict=True):
                templates[row] = template
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: the share of equal codes, in [0, 1]."""
        stored, faces = self._read(templates), directions(probes, self._origin)
        answers = np.empty((len(templates), len(probes)), dtype=np.float32)
        for places, rows in self._places(keys, len(templates)):
            if _quicker_one_by_one(rows, faces):
                answers[rows] = [self._share_named(faces, places, stored[row]) for row in rows]
            else:
                answers[rows] = share_equal(stored[rows], self._codes(faces, places), self._window)
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows from the entries that each code shows to be large, under the presented keys.

        For p = 1 the entries are counted. For p = 2 pairs of entries are counted: both entries of a code are large and
        of one sign. So the leading eigenvector of the table of counts is near x up to its sign; of the two signs, the
        one nearer to the mean face is returned. For larger p the table counts every two of the p entries, whose signs
        no longer agree, and the estimate is near chance.
        """
        guess = np.empty((len(templates), len(self._origin)))
        for row, named in enumerate(self._named(templates, keys)):
            guess[row] = _leading(self._counts(named))
        if self.permutations > 1:
            guess *= np.where(guess @ self._mean < 0, -1, 1)[:, None]
        return on_sphere(self._origin, unit(guess)).astype(np.float32)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) means of the products at the codes."""
        import torch

        named = torch.from_numpy(self._named(templates, keys).astype(np.int64)).to(device())

        def answer(probes: torch.Tensor) -> torch.Tensor:
            faces = torch_directions(probes, self._origin) * len(self._origin) ** 0.5
            product: torch.Tensor = faces.new_ones(())
            for entries in named.unbind(1):
                product = product * faces.gather(2, entries[:, None].expand(-1, faces.shape[1], -1))
            return product.mean(-1)

        return answer

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Smooth]:
        """The probability that each code names its window's largest product, under the presented keys.

        For even p a face and its opposite, as seen from the mean face, are equally likely.
        """
        import torch

        shape = (self.permutations, self.hashes, self._window)
        for key, codes in zip(keys or (), self._read(templates), strict=True):
            places = torch.from_numpy(_windows(key, shape, len(self._origin)).copy())
            named = torch.from_numpy(codes.astype(np.int64))
            yield Smooth(partial(_of_largest, places, named, self._origin), numbers=self.hashes * self._window)

    def _places(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[Index, Index]]:
        """Each distinct key's (p, m, k) first k entries of every permutation, with the rows it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            yield _windows(key, (self.permutations, self.hashes, self._window), len(self._origin)), rows

    def _codes(self, faces: FloatArray, places: Index) -> Codes:
        codes = np.empty((len(faces), self.hashes), dtype=_smallest(self._window))
        for some in _slices(len(faces), _FACES_OF_ALL_CODES):
            products = _products(np.ascontiguousarray(faces[some].T), places)
            codes[some] = _index_of_max(products, codes.dtype).T
        return codes

    def _share_named(self, faces: FloatArray, places: Index, named: Codes) -> FloatArray:
        """(n,) the share of hashes whose code is the one ``named`` (m,), a few hashes and faces at a time."""
        by_place, times = places.transpose(0, 2, 1), np.zeros(len(faces), dtype=np.intp)
        for rows in _slices(len(faces), _FACES_IN_CACHE):
            entries = np.ascontiguousarray(faces[rows].T)
            for some in _slices(self.hashes, _NUMBERS_IN_CACHE // (self._window * entries.shape[1])):
                products = entries.take(by_place[0, :, some], axis=0)
                for more in by_place[1:, :, some]:
                    products *= entries.take(more, axis=0)
                times[rows] += times_first_largest(products, named[some])
        return _share(times, self.hashes)

    def _read(self, templates: Sequence[Template]) -> Codes:
        return read_codes(templates, self.hashes, self._window)

    def _named(self, templates: Sequence[Template], keys: Sequence[Key] | None) -> Index:
        """(n, p, m) entries of the face whose product was the largest of its hash."""
        codes = self._read(templates)
        named = np.empty((len(templates), self.permutations, self.hashes), dtype=np.intp)
        for places, rows in self._places(keys, len(templates)):
            named[rows] = places[:, np.arange(self.hashes), codes[rows]].transpose(1, 0, 2)
        return named

    def _counts(self, named: Index) -> FloatArray:
        """(d,) how often each entry is named, beyond chance; (d, d) how often each two are, where p > 1."""
        d = len(self._origin)
        if self.permutations == 1:
            return np.bincount(named[0], minlength=d) - self.hashes / d
        table = np.zeros((d, d))
        for i in range(self.permutations):
            for j in range(i):
                np.add.at(table, (named[i], named[j]), 1)
        return np.asarray(table + table.T - 2 * table.sum() / d**2)


def _gaussian(key: Key, rows: int, columns: int) -> FloatArray:
    """(rows, columns) float32."""

    def drawn() -> tuple[FloatArray]:
        return (rng_of(key).standard_normal((rows, columns), dtype=np.float32),)

    [vectors] = EXPANSIONS.get(("iom-grp", key, rows, columns), drawn)
    return vectors


def _windows(key: Key, shape: tuple[int, int, int], dimension: int) -> Index:
    """(p, m, k) first k entries of each of p m permutations."""
    permutations, hashes, window = shape

    def drawn() -> tuple[Index]:
        unmoved = np.tile(np.arange(dimension, dtype=np.intp), (permutations * hashes, 1))
        return (rng_of(key).permuted(unmoved, axis=1)[:, :window].reshape(shape),)

    [places] = EXPANSIONS.get(("iom-urp", key, shape, dimension), drawn)
    return places


def _products(entries: FloatArray, places: Index) -> Iterator[FloatArray]:
    """Of entries (d, n) the products (m, n) of all hashes at one place of the window after the other."""
    for first, *others in places.transpose(2, 0, 1):
        product = entries[first]
        for other in others:
            product *= entries[other]
        yield product


def _of_largest(
    places: torch.Tensor, named: torch.Tensor, origin: FloatArray, faces: torch.Tensor, width: float
) -> torch.Tensor:
    """(k,) log probabilities of the codes (m,) if Gumbel noise is added to each product of the faces (k, d).

    The places are (p, m, window). The largest of values with Gumbel noise is distributed like a softmax (Luce & Suppes
    1965; McFadden 1974).
    """
    # Entries of variance one, whose products have variance one too; one row an entry, for all faces at once.
    entries = (torch_directions(faces, origin) * len(origin) ** 0.5).T.contiguous()
    product: torch.Tensor = entries.new_ones(())
    for own in places:
        product = product * entries.index_select(0, own.flatten()).view(*own.shape, -1)
    chances = (product / (_GUMBEL * width)).log_softmax(1)
    return chances.gather(1, named[:, None, None].expand(-1, 1, len(faces))).sum((0, 1))


def _index_of_max(values: Iterator[FloatArray], dtype: npt.DTypeLike) -> Codes:
    """Which of several tables holds the largest number, at each place; the first of equal ones, and 0 for NaN."""
    best = next(values)
    codes = np.zeros(best.shape, dtype=dtype)
    for code, value in enumerate(values, start=1):
        # As larger codes come later, this is quicker than to write where a number is larger.
        np.maximum(codes, (value > best) * codes.dtype.type(code), out=codes)
        np.maximum(best, value, out=best)
    return codes


def _smallest(levels: int) -> type[np.unsignedinteger]:
    """The type in which codes from 0 to ``levels - 1`` take the least memory."""
    return np.uint8 if levels <= 1 << 8 else np.uint16


def _leading(counts: FloatArray) -> FloatArray:
    """A list of counts as it is; of a table its eigenvector of the largest eigenvalue."""
    return counts if counts.ndim == 1 else np.asarray(np.linalg.eigh(counts)[1][:, -1])


def _quicker_one_by_one(rows: Index, faces: FloatArray) -> bool:
    """Whether few templates share a key, and all faces are finite (the codes of a NaN face are zero)."""
    return len(faces) > 0 and len(rows) <= FEW and bool(np.isfinite(faces).all())


def _share(times: Index, of: int) -> FloatArray:
    """As :func:`~mote_baselines._shared.packed_integers.share_equal` rounds it."""
    return np.asarray(1 - (of - times) / of, dtype=np.float32)


def _tiles(n: int, each: int) -> Iterator[slice]:
    """Slices of ``n`` rows of ``each`` numbers, so that the memory held at a time is bounded."""
    return _slices(n, _NUMBERS_AT_ONCE // each)


def _slices(n: int, step: int) -> Iterator[slice]:
    step = max(1, step)
    return (slice(first, first + step) for first in range(0, n, step))
