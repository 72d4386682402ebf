"""Fuzzy commitment: the bits of a face hide a codeword, which a near enough face releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Smooth, Template
from mote_bench.toolkit import orthonormal, stream

from .._shared.centring import directions, start, torch_directions
from .bch import Bits, bch

if TYPE_CHECKING:
    import torch

_DIGEST = hashlib.sha256().digest_size


class FuzzyCommitment:
    """The signs of random projections, added to a codeword of an error-correcting code, and the codeword's hash.

    Juels & Wattenberg, "A fuzzy commitment scheme", ACM CCS 1999. Enrolment draws a key, encodes it to a codeword c and
    stores the pair (b XOR c, SHA-256 of c), where b are the bits of the face. Verification adds the bits b' of the
    probe, which gives c XOR (b XOR b'): the codeword with an error wherever the bits differ. It is decoded, and the
    probe is accepted if the hash is the stored one.

    The code is a BCH code, each of whose bits is repeated and decided by majority, as bits of faces have far more
    errors than a quarter, which no BCH code of use corrects. The bits are the signs of orthonormal projections, drawn
    once for the system and turned anew where there are more bits than dimensions.

    The helper data b XOR c say which of the repeated bits are equal, and nothing else about b beyond the code's checks.

    Parameters
    ----------
    length : int
        Bits of a BCH codeword: 63, 127, 255, ...
    errors : int
        Errors that it corrects. With the length it fixes the key: 36 bits for (127, 15), 16 for (63, 11), 45 for
        (255, 43).
    repeat : int
        How often each of its bits is repeated, odd. The code rate is the number of key bits, divided by ``length *
        repeat``.
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
        return bch(self.length, self.errors).key_bits

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the system's projections (d, length * repeat); of the background only the mean is used."""
        if self.repeat < 1 or self.repeat % 2 == 0:
            raise ValueError(f"repeat={self.repeat}; expected an odd number, so that a majority always decides")
        bch(self.length, self.errors)
        self._origin = start(background, centre=self.centre)
        d, bits = len(self._origin), self.length * self.repeat
        rng = stream(seed, "projections")
        bases = [orthonormal(rng.standard_normal((d, d))) for _ in range(-(-bits // d))]
        self._projections = np.hstack(bases)[:, :bits].astype(np.float32)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d): ceil(length * repeat / 8) bytes and a hash of 32."""
        secret = np.array([stream(seed, "key").integers(0, 2, self.key_bits, dtype=np.uint8) for seed in seeds])
        codewords = bch(self.length, self.errors).encoded(secret.reshape(len(seeds), self.key_bits))
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

    def _bits(self, faces: FloatArray) -> Bits:
        """(n, repeat * length) signs of the projections: all bits of a codeword once, then again."""
        return np.asarray(directions(faces, self._origin) @ self._projections > 0, dtype=np.uint8)

    def _votes(self, helper: Bits, shown: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """(m, length): the repetitions of each bit of the codeword, 1 for a zero and -1 for a one, added up."""
        signs = shown * (1 - 2 * helper.astype(np.int8))
        return signs.reshape(len(shown), self.repeat, self.length).sum(axis=1, dtype=np.int8)

    def _decoded(self, votes: npt.NDArray[np.int8]) -> tuple[Bits, npt.NDArray[np.bool_]]:
        return bch(self.length, self.errors).decoded((votes < 0).astype(np.uint8))

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

    A projection of a direction has the standard deviation one over the root of the number of dimensions.
    """
    import torch

    values = torch_directions(faces, origin) @ projections.to(faces.device) * len(projections) ** 0.5 / width
    agreed = signs.to(faces.device) * values.reshape(len(faces), *signs.shape)
    ways = [torch.special.log_ndtr(sign * agreed).sum(1) for sign in (1, -1)]
    chances: torch.Tensor = torch.logaddexp(*ways).sum(-1)
    return chances
