"""A fuzzy extractor for Euclidean distance: the face minus a secret lattice point, and the point's hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Smooth, Template
from mote_bench.toolkit import on_sphere, orthonormal, stream, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.keyless import SolvedWithoutKeys
from .lattices import BLOCK, LATTICES, Doubled

if TYPE_CHECKING:
    import torch

_DIGEST = hashlib.sha256().digest_size
_UNITS = 1 << 15
"""Of the helper data, per unit of the lattice; they are kept up to 2, so that a coordinate is two bytes."""
_OFF_AXES = 0.1
"""Variance added in each dimension to that of public faces, relative to its mean over dimensions."""
_MOST_TURNS = 30


class LatticeExtractor(SolvedWithoutKeys):
    """The face minus a random point of a lattice, block by block, and the point's hash.

    The code-offset construction (Dodis, Ostrovsky, Reyzin & Smith, "Fuzzy extractors", SIAM J. Computing 38 (2008)
    97-139, section 4) with a lattice for a code. Zhang, Cui & Yu, "Facial template protection via lattice-based fuzzy
    extractors", IACR ePrint 2021/1559, take dense lattices, E8 among them, for the Euclidean distance of faces.
    Enrolment draws lattice points c and stores ``x - c`` and the SHA-256 of c. Verification subtracts the helper data
    from the probe, which gives ``c + (x' - x)``, and takes the nearest lattice points. The probe is accepted if their
    hash is the stored one. So each block of x' - x must lie in the cell around zero.

    x is the direction from the mean face, turned by a rotation drawn for the system and scaled so that a coordinate has
    a standard deviation of ``1 / scale``. It is cut into blocks of eight. Points are drawn and stored up to vectors of
    even whole numbers, all of which E8 holds: a key has 8 bits per block, and helper data say x up to the lattice and
    nothing else.

    That is enough. To accept a subject's other photos, a cell must hold the difference of two photos. This isn't much
    smaller than a face's distance from the mean face, so few of the points x - c + lattice are likely for a face.
    Public faces tell which (``solve_without_keys``), and the hash confirms it. Several templates of one photo say no
    more than one.

    Only the abstract of the ePrint could be read. The rotation, the scale, the hash in place of an extractor and the
    reduction by even vectors are choices made here. Its Leech lattice is left out.

    Parameters
    ----------
    scale : float
        Of a lattice unit, in standard deviations of a coordinate. Larger cells reject fewer mated comparisons and
        accept more non-mated ones. The default is the largest half step at which the built-in population has an FMR
        below 1e-2.
    lattice : str
        ``"E8"``, or ``"Z8"`` for whole numbers, with cells of the same volume and a smaller packing radius.
    centre : bool
        Whether directions are those seen from the mean background face.
    """

    decides = True

    def __init__(self, *, scale: float = 4.5, lattice: str = "E8", centre: bool = True) -> None:
        if not 0 < scale < np.inf or lattice not in LATTICES:
            raise ValueError(
                f"scale={scale}, lattice={lattice!r}; expected a finite scale above 0 and one of {', '.join(LATTICES)}"
            )
        self.scale = scale
        self.lattice = lattice
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the rotation; of the background only mean and covariance are used, the latter for attacks alone."""
        self._origin = start(background, centre=self.centre)
        d = len(self._origin)
        self._blocks = -(-d // BLOCK)
        rotation = orthonormal(stream(seed, "rotation").standard_normal((d, d))) * (d**0.5 / self.scale)
        self._matrix = np.hstack([rotation, np.zeros((d, self._blocks * BLOCK - d))]).astype(np.float32)
        self._precision = self._precision_of(background)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d): two bytes a coordinate, and a hash of 32 bytes."""
        kind, made = LATTICES[self.lattice], []
        for values, seed in zip(self._values(references).astype(np.float64), seeds, strict=True):
            points = kind.points[stream(seed, "lattice points").integers(0, 256, self._blocks)]
            helper = np.rint((values - points / 2) * _UNITS).astype(np.int64) % (2 * _UNITS)
            made.append(helper.astype("<u2").tobytes() + _hash(points))
        return made

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: 1 where the probe gives the enrolled lattice points, otherwise 0."""
        shown = self._values(probes)
        accepted = np.zeros((len(templates), len(shown)), dtype=np.float32)
        for row, (helper, expected) in enumerate(self._read(templates)):
            found = _doubled(self._nearest(shown - helper))
            accepted[row] = [_hash(points) == expected for points in found]
        return accepted

    def unlock(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None
    ) -> Iterator[Linear | None]:
        """Once probe i has given the lattice points of template i, the helper data give every coordinate."""
        for (helper, expected), shown in zip(self._read(templates), self._values(probes), strict=True):
            points = self._nearest(shown - helper)
            yield self._said(helper + points) if _hash(_doubled(points)) == expected else None

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear | Smooth]:
        """The coordinates, where the background's faces tell the lattice points; otherwise those up to the lattice."""
        for helper, expected in self._read(templates):
            values, confirmed = self._opened(helper, expected, self._precision)
            if confirmed:
                yield self._said(values)
            else:
                yield Smooth(partial(self._up_to_lattice, helper), numbers=self._blocks * BLOCK)

    def link(self, templates: Sequence[Template], others: Sequence[Template]) -> FloatArray:
        """(n, m): minus the squared distance of the difference of two helper data from the lattice.

        The difference is that of the two faces, minus a lattice point, whatever the two keys: the decodability attack
        on code offsets (Kelkboom et al., IEEE TIFS 6, 2011).
        """
        first, second = (
            np.reshape([one for one, _ in self._read(several)], (len(several), self._blocks, BLOCK))
            for several in (templates, others)
        )
        near = np.empty((len(templates), len(others)))
        for row, helper in enumerate(first):
            apart = second - helper
            near[row] = -((apart - self._nearest(apart)) ** 2).sum(axis=(1, 2))
        return near

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d): the face behind each template, by what public faces say of the lattice points (:meth:`_opened`)."""
        precision = self._precision_of(prior)
        found = [self._opened(*one, precision)[0] for one in self._read(templates)]
        return self._back(np.reshape(found, (len(found), self._blocks, BLOCK)))

    def _opened(self, helper: FloatArray, expected: bytes, precision: FloatArray) -> tuple[FloatArray, bool]:
        """(blocks, 8) the likeliest coordinates found, and whether the hash confirms them.

        At first each block is taken as near to the mean face as it can be. Then one after the other gets the lattice
        point nearest to what the other blocks say it is, under a normal distribution of faces, until none changes.
        """
        values = helper - self._nearest(helper)
        flat = values.reshape(-1)  # the same numbers
        for _ in range(_MOST_TURNS):
            before = flat.copy()
            for block in range(self._blocks):
                own = slice(block * BLOCK, (block + 1) * BLOCK)
                away = np.linalg.solve(precision[own, own], precision[own] @ flat)
                values[block] -= self._nearest(away[None])[0]
            if (flat == before).all():
                break
        return values, _hash(_doubled(values - helper)) == expected

    def _nearest(self, vectors: FloatArray) -> FloatArray:
        return LATTICES[self.lattice].nearest(vectors)

    def _values(self, faces: FloatArray) -> FloatArray:
        """(n, blocks, 8) float32 coordinates, in units of the lattice."""
        return (directions(faces, self._origin) @ self._matrix).reshape(-1, self._blocks, BLOCK)

    def _precision_of(self, faces: Faces) -> FloatArray:
        """(8 blocks, 8 blocks): the inverse covariance of these faces' coordinates."""
        values = self._values(faces.embeddings).reshape(len(faces), self._blocks * BLOCK).astype(np.float64)
        covariance = values.T @ values / max(1, len(values))
        least = _OFF_AXES * max(float(np.trace(covariance)) / len(covariance), 1e-9)
        return np.asarray(np.linalg.inv(covariance + least * np.eye(len(covariance))))

    def _said(self, values: FloatArray) -> Linear:
        """All coordinates give the direction, and that is of one embedding of unit length."""
        return Linear(np.eye(len(self._origin)), self._back(values[None])[0], 1 / _UNITS)

    def _back(self, values: FloatArray) -> FloatArray:
        """(n, d) float64 unit embeddings of these coordinates (n, blocks, 8)."""
        turned = values.reshape(len(values), self._blocks * BLOCK).astype(np.float64) @ self._matrix.T
        return on_sphere(self._origin.astype(np.float64), unit(turned))

    def _up_to_lattice(self, helper: FloatArray, faces: torch.Tensor, width: float) -> torch.Tensor:
        """(k,) log likelihoods of faces (k, d), with normal noise of ``width`` standard deviations of a coordinate."""
        import torch

        turned = torch_directions(faces, self._origin) @ torch.from_numpy(self._matrix).to(faces)
        values = turned.reshape(len(faces), self._blocks, BLOCK)
        apart = values - torch.from_numpy(helper).to(values)
        points = torch.from_numpy(self._nearest(apart.detach().cpu().numpy())).to(values)
        missed: torch.Tensor = (apart - points).square().sum((1, 2))
        return -missed * (self.scale / width) ** 2 / 2

    def _read(self, templates: Sequence[Template]) -> Iterator[tuple[FloatArray, bytes]]:
        """The helper data (blocks, 8) from 0 to 2, and the hash, of each template.

        Raises
        ------
        ValueError
            On a wrong length.
        """
        size = 2 * BLOCK * self._blocks
        for row, template in enumerate(templates):
            if len(template) != size + _DIGEST:
                raise ValueError(
                    f"template {row} has {len(template)} bytes; expected {size + _DIGEST} "
                    f"({BLOCK * self._blocks} coordinates of two bytes and a hash)"
                )
            units = np.frombuffer(template[:size], dtype="<u2")
            yield units.reshape(self._blocks, BLOCK) / np.float32(_UNITS), template[size:]


def _doubled(points: FloatArray) -> Doubled:
    """Lattice points up to vectors of even whole numbers, times two."""
    return (np.rint(2 * points).astype(np.int32) & 3).astype(np.uint8)


def _hash(points: Doubled) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(points).tobytes()).digest()
