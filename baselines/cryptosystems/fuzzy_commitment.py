"""Fuzzy commitment: the bits of a face hide a codeword, which a near enough face releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Smooth, Template
from mote_bench.toolkit import orthonormal, stream, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.keyless import SolvedWithoutKeys
from .bch import Bits, bch
from .principal_axes import principal_axes

if TYPE_CHECKING:
    import torch

_DIGEST = hashlib.sha256().digest_size
_LOGISTIC = float(np.pi / np.sqrt(3))
"""By which a logistic variable of scale one is divided to have a standard deviation of one."""
_STARTS, _TURNS = 24, 12


class _Code(Protocol):
    key_bits: int

    def encoded(self, keys: Bits) -> Bits: ...


class FuzzyCommitment(SolvedWithoutKeys):
    """The signs of random projections, added to a codeword of an error-correcting code, and the codeword's hash.

    Juels & Wattenberg, "A fuzzy commitment scheme", ACM CCS 1999. Enrolment draws a key, encodes it to a codeword c and
    stores the pair (b XOR c, SHA-256 of c), where b are the bits of the face. Verification adds the bits b' of the
    probe, which gives c XOR (b XOR b'): the codeword with an error wherever the bits differ. It is decoded, and the
    probe is accepted if the hash is the stored one.

    The code is a BCH code, each of whose bits is repeated and decided by majority, as bits of faces have far more
    errors than a quarter, which no BCH code of use corrects. The bits are the signs of orthonormal projections, drawn
    once for the system and turned anew where there are more bits than dimensions.

    The helper data b XOR c say which of the repeated bits are equal, and nothing else about b beyond the code's checks.
    That is enough: with public faces it gives the whole face away (``solve_without_keys``).

    Parameters
    ----------
    length : int
        Bits of a BCH codeword: 63, 127, 255, ...
    errors : int
        Errors that it corrects. With the length it fixes the key: 36 bits for (127, 15), 16 for (63, 11), 45 for
        (255, 43).
    repeat : int
        How often each of its bits is repeated, odd, at most 127. The code rate is the number of key bits, divided by
        ``length * repeat``.
    centre : bool
        Whether signs are taken as seen from the mean background face.
    """

    decides = True

    def __init__(self, *, length: int = 127, errors: int = 15, repeat: int = 7, centre: bool = True) -> None:
        self.length = length
        self.errors = errors
        self.repeat = repeat
        self.centre = centre

    @property
    def key_bits(self) -> int:
        """Bits of the key that is committed to."""
        return self._code.key_bits

    @property
    def _code(self) -> _Code:
        return bch(self.length, self.errors)

    def _decoded(self, votes: npt.NDArray[np.signedinteger]) -> tuple[Bits, npt.NDArray[np.bool_]]:
        """The codeword of each word of votes (n, length), above 0 for a zero, and whether there is one (n,)."""
        return bch(self.length, self.errors).decoded((votes < 0).astype(np.uint8))

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the system's projections (d, length * repeat); of the background only the mean is used."""
        if not 0 < self.repeat < 128 or self.repeat % 2 == 0:
            raise ValueError(f"repeat={self.repeat}; expected an odd number to 127, so that a majority always decides")
        _ = self._code  # a ValueError where there is no such code
        self._origin = start(background, centre=self.centre)
        d, bits = len(self._origin), self.length * self.repeat
        rng = stream(seed, "projections")
        bases = [orthonormal(rng.standard_normal((d, min(d, bits - done)))) for done in range(0, bits, d)]
        self._projections = np.hstack(bases).astype(np.float32)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d): ceil(length * repeat / 8) bytes and a hash of 32."""
        secret = np.array([stream(seed, "key").integers(0, 2, self.key_bits, dtype=np.uint8) for seed in seeds])
        codewords = self._code.encoded(secret.reshape(len(seeds), self.key_bits))
        helpers = np.packbits(self._bits(references) ^ np.tile(codewords, self.repeat), axis=1)
        return [row.tobytes() + _hash(codeword) for row, codeword in zip(helpers, codewords, strict=True)]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: 1 where the probe releases the key, otherwise 0."""
        helpers, hashes = self._read(templates)
        shown = 1 - 2 * self._bits(probes).astype(np.int8)
        accepted = np.zeros((len(templates), len(shown)), dtype=np.float32)
        for row, (helper, expected) in enumerate(zip(helpers, hashes, strict=True)):
            codewords, found = self._released(helper, shown)
            for column in np.flatnonzero(found):
                accepted[row, column] = _hash(codewords[column]) == expected
        return accepted

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Smooth]:
        """The helper data: all repetitions of a bit have the signs that they say, or all have the opposite ones.

        The checks that the bits of a codeword fulfil are left out.
        """
        import torch

        projections = torch.from_numpy(self._projections)
        for helper in self._read(templates)[0]:
            signs = torch.from_numpy(1 - 2 * helper.astype(np.float32)).reshape(self.repeat, self.length)
            yield Smooth(partial(_either_way, signs, projections, self._origin))

    def unlock(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None
    ) -> Iterator[HalfSpaces | None]:
        """Once probe i has released the codeword of template i, the helper data give every bit: a half-space each."""
        helpers, hashes = self._read(templates)
        shown = 1 - 2 * self._bits(probes).astype(np.int8)
        for helper, expected, one in zip(helpers, hashes, shown, strict=True):
            codewords, found = self._released(helper, one[None])
            if not (found[0] and _hash(codewords[0]) == expected):
                yield None
                continue
            signs = 2 * (helper ^ np.tile(codewords[0], self.repeat)).astype(np.float32) - 1
            normals = signs[:, None] * self._projections.T
            yield HalfSpaces(normals, normals @ self._origin)

    def link(self, templates: Sequence[Template], others: Sequence[Template]) -> FloatArray:
        """(n, m): how near the sum of two helper data is to a codeword, and one more where it is decoded.

        The sum of two commitments is the sum of two codewords, which is one, with an error wherever the bits of the two
        faces differ. So commitments to one face are decoded, whatever their keys: the decodability attack (Kelkboom et
        al., "Preventing the decodability attack based cross-matching in a fuzzy commitment scheme", IEEE TIFS 6, 2011).
        Repetitions that agree say how near the faces are where nothing is decoded.
        """
        (first, _), (second, _) = self._read(templates), self._read(others)
        shown = 1 - 2 * second.astype(np.int8)
        near = np.empty((len(first), len(second)))
        for row, helper in enumerate(first):
            votes = self._votes(helper, shown)
            near[row] = np.abs(votes).mean(axis=1) / self.repeat + self._decoded(votes)[1]
        return near

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d): the face behind each template, by what its repetitions and public faces say.

        The helper data give the sign of each bit's repetitions up to one common sign, and these common signs are the
        codeword. They are searched along the principal axes of public faces (:func:`_aligned`), decoded, and checked
        with the hash. After that every bit is known. Statistics of the code's blocks are the attack of Rathgeb & Uhl
        ("Statistical attack against iris-biometric fuzzy commitment schemes", CVPR workshops 2011). A template that
        isn't opened gets the likeliest face found.
        """
        axes = principal_axes(directions(prior.embeddings, self._origin))
        helpers, hashes = self._read(templates)
        found = [self._opened(helper, expected, axes) for helper, expected in zip(helpers, hashes, strict=True)]
        return np.reshape(found, (len(found), len(self._origin))) + self._origin

    def _opened(self, helper: Bits, expected: bytes, axes: FloatArray) -> FloatArray:
        """(d,) unit: the direction that the helper data's bits say, under the codeword that the hash confirms."""
        signs = 2 * helper.astype(np.float64) - 1
        votes = (signs[:, None] * self._projections.T).reshape(self.repeat, self.length, -1)
        common = _aligned(votes, axes, self.repeat)
        tried = np.vstack([common, -common])
        codewords, found = self._decoded(tried)
        right = [row for row in np.flatnonzero(found) if _hash(codewords[row]) == expected]
        best = 1 - 2 * codewords[right[0]].astype(np.float64) if right else tried[-1 - _STARTS]
        seen = (votes * best[:, None]).reshape(-1, votes.shape[-1])
        inside = seen @ axes
        noise = 2 / np.pi * (inside**2).sum() / len(inside)
        z = np.linalg.solve(noise * np.eye(inside.shape[1]) + inside.T @ inside, inside.sum(axis=0))
        return unit(axes @ z)

    def _bits(self, faces: FloatArray) -> Bits:
        """(n, repeat * length) signs of the projections: all bits of a codeword once, then again."""
        return np.asarray(directions(faces, self._origin) @ self._projections > 0, dtype=np.uint8)

    def _votes(self, helper: Bits, shown: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """(m, length): the repetitions of each bit of the codeword, 1 for a zero and -1 for a one, added up."""
        signs = shown * (1 - 2 * helper.astype(np.int8))
        votes: npt.NDArray[np.int8] = signs.reshape(len(shown), self.repeat, self.length).sum(axis=1, dtype=np.int8)
        return votes

    def _released(self, helper: Bits, shown: npt.NDArray[np.int8]) -> tuple[Bits, npt.NDArray[np.bool_]]:
        """The codewords (m, length) that probes of the signs ``shown`` are decoded to, and whether they are."""
        return self._decoded(self._votes(helper, shown))

    def _read(self, templates: Sequence[Template]) -> tuple[Bits, list[bytes]]:
        """(n, repeat * length) bits and the hashes.

        Raises
        ------
        ValueError
            On a wrong length or on padding bits that are set.
        """
        bits = self.length * self.repeat
        size = -(-bits // 8)
        for row, template in enumerate(templates):
            if len(template) != size + _DIGEST:
                raise ValueError(
                    f"template {row} has {len(template)} bytes; expected {size + _DIGEST} ({bits} bits and a hash)"
                )
        packed = np.frombuffer(b"".join(one[:size] for one in templates), dtype=np.uint8).reshape(-1, size)
        unpacked = np.unpackbits(packed, axis=1)
        if unpacked[:, bits:].any():
            raise ValueError(f"a template has padding bits set after its {bits} bits")
        return unpacked[:, :bits], [one[size:] for one in templates]


def _hash(codeword: Bits) -> bytes:
    return hashlib.sha256(np.packbits(codeword).tobytes()).digest()


def _either_way(
    signs: torch.Tensor, projections: torch.Tensor, origin: FloatArray, faces: torch.Tensor, width: float
) -> torch.Tensor:
    """(k,) log probabilities that repetitions (repeat, length) have these signs or their opposites, with noise added.

    A projection of a direction has the standard deviation one over the root of the number of dimensions. The noise is
    logistic: the log probability of the opposite sign is then that of the sign, less the value itself.
    """
    import torch

    scale = _LOGISTIC * len(projections) ** 0.5 / width
    values = torch_directions(faces, origin) @ projections.to(faces.device) * scale
    agreed = signs.to(faces.device) * values.reshape(len(faces), *signs.shape)
    chances: torch.Tensor = torch.nn.functional.logsigmoid(agreed).sum((1, 2))
    return chances + torch.nn.functional.softplus(-agreed.sum(1)).sum(-1)


def _aligned(votes: FloatArray, axes: FloatArray, repeat: int) -> npt.NDArray[np.intp]:
    """(starts, length): -1 or 1 for each bit of the codeword, from signs times projections (repeat, length, d).

    All repetitions of a bit agree with the face up to one common sign, so the face is a direction along which the sums
    of each bit's votes are largest in size: an eigenvector at first, then signs and face are found in turn.
    """
    seen = votes.reshape(-1, votes.shape[-1]) @ axes  # (repeat * length, r), standard normal coordinates of the face
    blocks = seen.reshape(repeat, -1, seen.shape[1]).sum(axis=0)
    noise = 2 / np.pi * (seen**2).sum() / len(seen)
    solve = np.linalg.inv(noise * np.eye(seen.shape[1]) + seen.T @ seen)
    _, first = np.linalg.eigh(blocks.T @ blocks - seen.T @ seen)
    faces = first[:, -_STARTS:].T
    for _ in range(_TURNS):
        signs = np.where(faces @ blocks.T < 0, -1, 1)
        faces = signs @ blocks @ solve
    return np.where(faces @ blocks.T < 0, -1, 1)
