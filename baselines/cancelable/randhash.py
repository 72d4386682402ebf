"""Secret Gaussian projections of the face, as they are (random projection) or as signs (Rand-Hash)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Template
from mote_bench.toolkit import device, on_sphere, orthonormal, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.keys import EXPANSIONS, rng_of, rows_of_each
from .._shared.packed_integers import Codes, pack_codes, read_codes, read_signs, share_equal

if TYPE_CHECKING:
    import torch

Index = npt.NDArray[np.intp]


class RandomProjection:
    """Random projection: Teoh & Yuang, "multispace random projections", IEEE TSMC-B 37 (2007) 1096-1106.

    A key seeds a Gaussian (m, d) matrix R with m < d. The template is ``y = R x``, and the score its cosine with the
    probe's projection under the presented key. Angles are kept up to about 1 / sqrt(m) (Johnson & Lindenstrauss
    1984), so a stolen key costs little accuracy. It is meant to be irreversible because there are fewer equations than
    unknowns. But an attacker with the key solves them by the pseudo-inverse. The solution is the face's projection on
    the m known directions, at a cosine of sqrt(m / d) to the face.

    Without the key one template holds no information on the face. Proof: for a unit vector x the entries of R x are
    independent normal numbers of variance 1 / m, whatever x. Orthonormal rows are uniform among all such (Haar
    measure), so R x and R O x have one distribution for every rotation O.

    Parameters
    ----------
    dimension : int, optional
        m, at most d. By default d / 2.
    orthonormal : bool
        Orthonormalise the rows of R; with m = d the template is then a rotated embedding and angles are kept exactly.
    centre : bool
        Take x from the background's mean face.
    """

    revocable = True

    def __init__(self, *, dimension: int | None = None, orthonormal: bool = False, centre: bool = True) -> None:
        self.dimension = dimension
        self.orthonormal = orthonormal
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and fix the number of projections."""
        self._origin = start(background, centre=self.centre)
        d = len(self._origin)
        self._dimension = max(1, d // 2) if self.dimension is None else self.dimension
        if not 0 < self._dimension <= d:
            raise ValueError(f"dimension={self._dimension}; expected 1 to {d}, the embedding's dimension")
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 2 m bytes (little-endian float16) per row of ``references`` (n, d)."""
        faces, templates = directions(references, self._origin), [b""] * len(references)
        for matrix, rows in self._matrices(keys, len(references)):
            for row, projected in zip(rows, (faces[rows] @ matrix.T).astype("<f2"), strict=True):
                templates[row] = projected.tobytes()
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: cosines of the projections, in [-1, 1]."""
        stored, faces = unit(self._read(templates)), directions(probes, self._origin)
        answers = np.empty((len(templates), len(probes)), dtype=np.float32)
        for matrix, rows in self._matrices(keys, len(templates)):
            answers[rows] = stored[rows] @ unit(faces @ matrix.T).T
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: R^+ y, the shortest face that the projections allow, under the presented keys."""
        stored = self._read(templates)
        estimate = np.empty((len(templates), len(self._origin)), dtype=np.float32)
        for matrix, rows in self._matrices(keys, len(templates)):
            estimate[rows] = _solved(matrix, stored[rows])
        return on_sphere(self._origin, unit(estimate)).astype(np.float32)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) products of y with R x.

        The score up to the length of R x, which differs little between faces.
        """
        import torch

        back = np.empty((len(templates), len(self._origin)), dtype=np.float32)
        stored = unit(self._read(templates))
        for matrix, rows in self._matrices(keys, len(templates)):
            back[rows] = stored[rows] @ matrix
        towards = torch.from_numpy(back).to(device())[:, None]
        return lambda probes: (torch_directions(probes, self._origin) * towards).sum(-1)

    def _matrices(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[FloatArray, Index]]:
        """Each distinct key's (m, d) matrix, with the rows it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            matrix = _gaussian(key, self._dimension, len(self._origin))
            yield orthonormal(matrix.T).T if self.orthonormal else matrix, rows

    def _read(self, templates: Sequence[Template]) -> FloatArray:
        """(n, m) float32; ValueError on a wrong length and on numbers that are not finite."""
        size = 2 * self._dimension
        for row, template in enumerate(templates):
            if len(template) != size:
                raise ValueError(f"template {row} has {len(template)} bytes; expected {size} (float16 vector)")
        stored = np.frombuffer(b"".join(templates), dtype="<f2").reshape(-1, self._dimension).astype(np.float32)
        if not np.isfinite(stored).all():
            raise ValueError("a template holds values that are not finite; expected a float16 vector")
        return stored


class RandHash:
    """Rand-Hash: signs of user-specific random projections, without an orthonormal basis.

    Otroshi Shahreza et al., "Benchmarking of Cancelable Biometrics for Deep Templates" (2023), arXiv 2302.13286,
    introduce as a baseline "user-specific random transformations followed by binarization". The abstract says no more:
    the distribution of the transformation and its threshold are this project's interpretation. A key seeds a Gaussian
    (m, d) matrix R, and the bits are ``[R x > 0]``. This is BioHashing without the orthonormalisation: cheaper, and m
    may exceed d. Each bit is the side of one hyperplane, and two faces differ in angle / pi of the bits (Charikar,
    STOC 2002). An attacker with the key sums the hyperplanes' normals by their bits: :meth:`reconstruct`.

    Without the key one template holds no information on the face. Proof: for a unit vector x the entries of R x are
    independent normal numbers of mean 0 and one variance, so the bits are m tosses of a fair coin, whatever x.

    Parameters
    ----------
    bits : int, optional
        m. By default d.
    centre : bool
        Take x from the background's mean face.
    """

    revocable = True

    def __init__(self, *, bits: int | None = None, centre: bool = True) -> None:
        if bits is not None and bits < 1:
            raise ValueError(f"bits={bits}; expected 1 or more")
        self.bits = bits
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and fix the number of bits."""
        self._origin = start(background, centre=self.centre)
        self._bits = len(self._origin) if self.bits is None else self.bits
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(m / 8) bytes per row of ``references`` (n, d)."""
        faces, templates = directions(references, self._origin), [b""] * len(references)
        for matrix, rows in self._matrices(keys, len(references)):
            for row, template in zip(rows, pack_codes(_signs(faces[rows] @ matrix.T), 2), strict=True):
                templates[row] = template
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: the share of equal bits, in [0, 1]."""
        stored, faces = read_codes(templates, self._bits, 2), directions(probes, self._origin)
        answers = np.empty((len(templates), len(probes)), dtype=np.float32)
        for matrix, rows in self._matrices(keys, len(templates)):
            answers[rows] = share_equal(stored[rows], _signs(faces @ matrix.T), 2)
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: R^+ sign(b) for m < d, else R^T sign(b), under the presented keys.

        With as many bits as dimensions R is nearly singular, and its inverse would magnify the error of the signs.
        """
        signs = read_signs(templates, self._bits)
        estimate = np.empty((len(templates), len(self._origin)), dtype=np.float32)
        for matrix, rows in self._matrices(keys, len(templates)):
            few = self._bits <= len(self._origin) // 2
            estimate[rows] = _solved(matrix, signs[rows]) if few else signs[rows] @ matrix
        return on_sphere(self._origin, unit(estimate)).astype(np.float32)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[HalfSpaces]:
        """Each bit is the side of one hyperplane through the origin of the directions, under the presented keys."""
        for key, signs in zip(keys or (), read_signs(templates, self._bits), strict=True):
            normals = signs[:, None] * _gaussian(key, self._bits, len(self._origin))
            yield HalfSpaces(normals, normals @ self._origin)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) means of sign(b) times projection: the score before the threshold."""
        import torch

        signs = read_signs(templates, self._bits)
        back = np.empty((len(templates), len(self._origin)), dtype=np.float32)
        for matrix, rows in self._matrices(keys, len(templates)):
            back[rows] = signs[rows] @ matrix / self._bits
        towards = torch.from_numpy(back).to(device())[:, None]
        return lambda probes: (torch_directions(probes, self._origin) * towards).sum(-1)

    def _matrices(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[FloatArray, Index]]:
        """Each distinct key's (m, d) Gaussian matrix, with the rows it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            yield _gaussian(key, self._bits, len(self._origin)), rows


def _gaussian(key: Key, rows: int, columns: int) -> FloatArray:
    """Normal numbers of variance 1 / rows, which keep lengths on average."""

    def drawn() -> tuple[FloatArray]:
        return (rng_of(key).standard_normal((rows, columns), dtype=np.float32) / np.float32(np.sqrt(rows)),)

    [matrix] = EXPANSIONS.get(("projection", key, rows, columns), drawn)
    return matrix


def _signs(projected: FloatArray) -> Codes:
    return (projected > 0).view(np.uint8)


def _solved(matrix: FloatArray, projected: FloatArray) -> FloatArray:
    """(n, d): the shortest solutions x of ``matrix x = projected``, for a matrix with no more rows than columns."""
    return np.asarray(projected @ np.linalg.pinv(matrix).T)
