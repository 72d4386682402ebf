"""IronMask: a secret rotation takes the face to a sparse codeword, of which only the hash is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import orthonormal, stream, unit

from .._shared.centring import directions, start
from .._shared.keyless import SolvedWithoutKeys
from .principal_axes import principal_axes

_DIGEST = hashlib.sha256().digest_size
_PER_NONZERO = 32
"""Dimensions per nonzero entry: 16 at 512, as in the paper."""
_TOLERANCE = 0.02
"""By how much the squared lengths of a stored matrix's rows may miss one: it is in half precision."""
_STEPS, _SHARPEST, _RIDGE = 15, 1e-3, 1e-4

Codewords = npt.NDArray[np.int8]
"""(n, d), entries -1, 0 and 1."""


class IronMask(SolvedWithoutKeys):
    """An orthogonal matrix that takes the face to a random sparse codeword, and the codeword's hash.

    Kim, Jeong, Kim, Kim & Seo, "IronMask: modular architecture for protecting deep face template", CVPR 2021 (arXiv
    2104.02239). Codewords have ``nonzeros`` entries of one size and either sign, and zeros. Enrolment draws a codeword
    c and an orthogonal matrix P with P x = c, and stores P and the SHA-256 of c. P is R Q: Q is drawn uniformly from
    all orthogonal matrices, and R is the rotation in the plane of Q x and c that takes the one to the other.
    Verification takes the probe to P x', keeps its largest entries in size and their signs, and compares the hash.

    There are C(d, nonzeros) 2^nonzeros codewords: 2^115 of 16 entries in 512 dimensions, 2^38 of 6 in 192. Fewer
    nonzeros accept a wider cone around the face.

    Parameters
    ----------
    nonzeros : int, optional
        alpha, the number of entries that aren't zero. By default one per 32 dimensions: 16 of 512, 6 of 192, 4 of 128.
    centre : bool
        Whether directions are those seen from the mean background face. The paper's recognisers spread faces over the
        whole sphere, so that it has no need to.
    """

    decides = True

    def __init__(self, *, nonzeros: int | None = None, centre: bool = True) -> None:
        self.nonzeros = nonzeros
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Fix the dimension and the number of nonzero entries; of the background only its mean and lengths are used."""
        self._origin = start(background, centre=self.centre)
        d = len(self._origin)
        self._nonzeros = max(1, d // _PER_NONZERO) if self.nonzeros is None else self.nonzeros
        if not 0 < self._nonzeros <= d:
            raise ValueError(f"nonzeros={self._nonzeros}; expected 1 to {d}, the embedding's dimension")
        length = np.linalg.norm(background.embeddings - self._origin, axis=1)
        self._length, self._spread = float(length.mean()), float(length.std())
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d): a matrix of 2 d^2 bytes, and a hash of 32."""
        faces = directions(references, self._origin).astype(np.float64)
        return [self._enrolled(face, stream(seed, "ironmask")) for face, seed in zip(faces, seeds, strict=True)]

    def _enrolled(self, face: FloatArray, rng: np.random.Generator) -> Template:
        d = len(face)
        codeword = np.zeros(d)
        places = rng.choice(d, self._nonzeros, replace=False)
        codeword[places] = rng.choice([-1.0, 1.0], self._nonzeros)
        drawn = orthonormal(rng.standard_normal((d, d)))
        matrix = _rotated(drawn, unit(drawn @ face), unit(codeword))
        return matrix.astype("<f2").tobytes() + _hash(codeword.astype(np.int8))

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: 1 where the probe's codeword has the stored hash, otherwise 0."""
        shown = directions(probes, self._origin)
        accepted = np.zeros((len(templates), len(shown)), dtype=np.float32)
        for row, (matrix, expected) in enumerate(self._read(templates)):
            accepted[row] = [_hash(one) == expected for one in self._codewords(shown @ matrix.T)]
        return accepted

    def unlock(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None
    ) -> Iterator[Linear | None]:
        """Once probe i has given the codeword c of template i, the face's direction is P^T c; its length isn't known.

        Seen from the mean face, lengths vary a little, and by so much the values are uncertain.
        """
        shown = directions(probes, self._origin)
        for (matrix, expected), one in zip(self._read(templates), shown, strict=True):
            [codeword] = self._codewords(one[None] @ matrix.T)
            yield self._said(matrix, codeword) if _hash(codeword) == expected else None

    def _said(self, matrix: FloatArray, codeword: Codewords) -> Linear:
        values = self._length * unit(codeword.astype(np.float64)) + matrix @ self._origin
        return Linear(matrix, values, max(self._spread, 1e-3) / len(values) ** 0.5)

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d): the face behind one template, by what public faces say of where faces lie.

        First the public faces themselves are presented: one that is accepted gives the codeword, and that the face.
        Then the face is searched that is sparse in the template's basis, among the principal axes of public faces
        (:func:`_sparse`). A recogniser's faces fill few of these, and a sparse vector in a subspace is nearly always
        the only one. Estimates that the hash doesn't confirm are the sparsest found.
        """
        axes = principal_axes(directions(prior.embeddings, self._origin))
        return self._faces(self._solved([template], axes, prior.embeddings) for template in templates)

    def solve_several(
        self, records: Sequence[Sequence[Template]], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d): the faces behind several templates of each subject, made of one photo.

        The face is sparse in the basis of each of them at once, and hardly any other vector is, whatever the prior. The
        probabilistic linear regression attack (Zhu & Wang, PoPETs 2025(4) 728-744, arXiv 2409.12884) guesses which
        entries are zero and solves for the face, again and again. Here :func:`_sparse` does without guesses.
        """
        axes = principal_axes(directions(prior.embeddings, self._origin))
        return self._faces(
            self._solved(list(several), axes, prior.embeddings) for several in zip(*records, strict=True)
        )

    def _faces(self, found: Iterable[FloatArray]) -> FloatArray:
        """(n, d) embeddings in these directions, seen from the origin."""
        return np.asarray(self._origin + self._length * np.stack(list(found)))

    def _solved(self, templates: Sequence[Template], axes: FloatArray, public: FloatArray) -> FloatArray:
        """(d,) unit: the direction of the face behind templates of one photo."""
        read = list(self._read(templates))
        first, expected = read[0]
        shown = self._codewords(directions(public, self._origin) @ first.T)
        for codeword in shown:
            if _hash(codeword) == expected:
                return np.asarray(unit(codeword @ first))
        stacked = np.vstack([matrix @ axes for matrix, _ in read]).astype(np.float64)
        sizes, best, least = len(first), axes[:, 0], np.inf
        for entry in range(sizes):
            values = _sparse(stacked, entry)
            for codeword in self._codewords(np.stack([values[:sizes], -values[:sizes]])):
                if _hash(codeword) == expected:
                    return np.asarray(unit(codeword @ first))
            if (size := np.abs(values).sum()) < least:
                best, least = unit(values[:sizes] @ first), size
        return np.asarray(best)

    def _codewords(self, rotated: FloatArray) -> Codewords:
        """The codeword nearest to each row (m, d)."""
        found = np.zeros(rotated.shape, dtype=np.int8)
        places = np.argpartition(-np.abs(rotated), self._nonzeros - 1, axis=1)[:, : self._nonzeros]
        np.put_along_axis(found, places, np.where(np.take_along_axis(rotated, places, axis=1) < 0, -1, 1), axis=1)
        return found

    def _read(self, templates: Sequence[Template]) -> Iterator[tuple[FloatArray, bytes]]:
        """The matrix (d, d) float32 and the hash of each template.

        Raises
        ------
        ValueError
            On a wrong length, and on a matrix whose rows haven't length one.
        """
        d = len(self._origin)
        size = 2 * d * d
        for row, template in enumerate(templates):
            if len(template) != size + _DIGEST:
                raise ValueError(
                    f"template {row} has {len(template)} bytes; expected {size + _DIGEST} (a matrix and a hash)"
                )
            matrix = np.frombuffer(template[:size], dtype="<f2").reshape(d, d).astype(np.float32)
            if not (np.abs((matrix**2).sum(axis=1) - 1) < _TOLERANCE).all():
                raise ValueError(f"template {row} holds a matrix whose rows haven't length one; expected a rotation")
            yield matrix, template[size:]


def _rotated(matrix: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """(d, d): the matrix, followed by the rotation in the plane of two unit vectors that takes the one to the other."""
    along = float(start @ end)
    across = unit(end - along * start)
    sine = float(across @ end)
    turned = np.outer(along * start + sine * across - start, start @ matrix)
    turned += np.outer(along * across - sine * start - across, across @ matrix)
    return np.asarray(matrix + turned)


def _sparse(stacked: FloatArray, entry: int) -> FloatArray:
    """(m,) of unit length: the sparsest values ``stacked @ z`` (m, r) of which entry ``entry`` isn't zero.

    The sum of their sizes is made small, with that entry at one, by reweighted least squares (Chartrand & Yin, ICASSP
    2008), and a faint penalty on z keeps it among faces.
    """
    fixed, soft = stacked[entry], 1.0
    weight, ridge = np.ones(len(stacked)), _RIDGE * np.eye(stacked.shape[1])
    values = np.zeros(len(stacked))
    for _ in range(_STEPS):
        inverse = np.linalg.solve((stacked.T * weight) @ stacked + ridge, fixed)
        values = stacked @ (inverse / (fixed @ inverse))
        weight = 1 / np.sqrt(values**2 + soft**2)
        soft = max(soft / 2, _SHARPEST)
    return np.asarray(unit(values))


def _hash(codeword: Codewords) -> bytes:
    return hashlib.sha256(codeword.tobytes()).digest()
