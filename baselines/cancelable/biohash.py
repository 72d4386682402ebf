"""BioHash: signs of secret random projections, renewable by changing the key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Template
from mote_bench.toolkit import device, orthonormal, unit

from .._shared.keys import EXPANSIONS, rng_of, rows_of_each

if TYPE_CHECKING:
    import torch

Bits = npt.NDArray[np.uint8]


class BioHash:
    """Signs of secret orthonormal projections of the face (BioHash).

    Teoh, Ngo & Goh, "BioHashing", Pattern Recognition 37 (2004) 2245-2255.

    A key seeds a Gaussian (d, m) matrix whose orthonormalised columns are Q. The template is the m bits ``b = [Q^T x >
    threshold]``. The score is one minus the normalised Hamming distance to the probe's bits under the presented key.
    With the key each bit is a known half-space, and Q sign(b) decodes to a cosine of sqrt(2 m / (pi d)) with x.

    Without the key one template holds no information on the face. Proof: Q is uniform among all orthonormal columns
    (Haar measure), so O Q is distributed as Q for every rotation O. A rotation takes any unit vector x to any other y
    = O^T x, and Q^T y = (O Q)^T x is distributed as Q^T x. So the bits of both have one distribution over keys.

    Parameters
    ----------
    bits : int, optional
        m, at most d. By default d, the most that orthonormal columns allow.
    threshold : float
        The threshold of each projection.
    """

    revocable = True

    def __init__(self, *, bits: int | None = None, threshold: float = 0.0) -> None:
        self.bits = bits
        self.threshold = threshold

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Fix the dimension d and the number of bits; nothing is learned."""
        self._dimension = background.embeddings.shape[1]
        self._bits = self._dimension if self.bits is None else self.bits
        if not 0 < self._bits <= self._dimension:
            raise ValueError(f"bits={self._bits}; expected 1 to {self._dimension}, the embedding's dimension")
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(m / 8) bytes per row of ``references`` (n, d)."""
        templates: list[Template] = [b""] * len(references)
        for projection, rows in self._projections(keys, len(references)):
            for row, packed in zip(rows, self._packed(unit(references[rows]) @ projection), strict=True):
                templates[row] = packed.tobytes()
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: the share of equal bits, in [0, 1]."""
        stored, probes = self._read(templates), unit(probes)
        answers = np.empty((len(templates), len(probes)), dtype=np.float32)
        for projection, rows in self._projections(keys, len(templates)):
            shown = self._packed(probes @ projection)
            for row in rows:
                answers[row] = 1 - np.bitwise_count(shown ^ stored[row]).sum(axis=1) / self._bits
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32: Q sign(b), the least-squares decode under the presented keys."""
        signs = self._signs(templates)
        estimate = np.empty((len(templates), self._dimension), dtype=np.float32)
        for projection, rows in self._projections(keys, len(templates)):
            estimate[rows] = signs[rows] @ projection.T
        return estimate

    def solve(
        self,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        prior: FloatArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """(n, d) float32: the closed form is the published attack."""
        return self.reconstruct(templates, keys=keys)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[HalfSpaces]:
        """Each bit is the half-space on one side of a projection's threshold, under the presented keys."""
        for key, signs in zip(keys or (), self._signs(templates), strict=True):
            normals = signs[:, None] * _projection(key, self._dimension, self._bits).T
            yield HalfSpaces(normals, signs * self.threshold)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) means of sign(b) times projection: the score before the threshold.

        The bits themselves have no gradient, so an optimiser of the score itself would not move.
        """
        import torch

        # The mean of sign(b) times (Q^T x - threshold) is one product with Q sign(b), instead of one product per bit.
        signs = torch.from_numpy(self._signs(templates)).to(device())
        decoded = torch.from_numpy(self.reconstruct(templates, keys=keys)).to(device())[:, None] / self._bits
        offset = self.threshold * signs.mean(dim=1, keepdim=True)
        return lambda probes: (torch.nn.functional.normalize(probes, dim=-1) * decoded).sum(-1) - offset

    def _projections(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[FloatArray, npt.NDArray[np.intp]]]:
        """Each distinct key's (d, m) orthonormal columns, with the rows it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            yield _projection(key, self._dimension, self._bits), rows

    def _packed(self, projected: FloatArray) -> Bits:
        return np.packbits(projected > self.threshold, axis=1)

    def _read(self, templates: Sequence[Template]) -> Bits:
        """(n, ceil(m / 8)) bytes; ValueError on a wrong length or on padding bits that are set."""
        size = -(-self._bits // 8)
        for row, template in enumerate(templates):
            if len(template) != size:
                raise ValueError(f"template {row} has {len(template)} bytes; expected {size} ({self._bits} bits)")
        stored = np.frombuffer(b"".join(templates), dtype=np.uint8).reshape(len(templates), size)
        if self._bits % 8 and (stored[:, -1] & (0xFF >> self._bits % 8)).any():
            raise ValueError(f"a template has padding bits set after its {self._bits} bits")
        return stored

    def _signs(self, templates: Sequence[Template]) -> FloatArray:
        bits = np.unpackbits(self._read(templates), axis=1, count=self._bits)
        return 2 * bits.astype(np.float32) - 1


def _projection(key: Key, dimension: int, bits: int) -> FloatArray:
    """(dimension, bits) orthonormal columns, float32."""

    def drawn() -> tuple[FloatArray]:
        gaussian = rng_of(key).standard_normal((dimension, bits))
        return (orthonormal(gaussian).astype(np.float32),)

    [columns] = EXPANSIONS.get(("biohash", key, dimension, bits), drawn)
    return columns
