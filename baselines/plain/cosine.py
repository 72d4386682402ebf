"""The plain vector: the embedding itself as the template, compared by cosine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import device, unit

from .._shared.float_vectors import read_vectors

if TYPE_CHECKING:
    import torch

_ROUNDING = 1e-6
"""Of a value in single precision, at most; a bound that keeps the posterior's precision finite."""


class Cosine:
    """The embedding as little-endian float32: it protects nothing, and so is the ceiling control of every attack.

    Most deployed recognisers store this. An attacker with the template has the embedding.
    """

    revocable = False

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Keep the dimension d; nothing is learned."""
        self._dimension = background.embeddings.shape[1]
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 4 d bytes per row of ``references`` (n, d)."""
        return [row.tobytes() for row in unit(references).astype("<f4")]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 cosines in [-1, 1]."""
        return self.reconstruct(templates, keys=None) @ unit(probes).astype(np.float32).T

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32: the stored vectors."""
        return read_vectors(templates, self._dimension)

    def readings(self, templates: Sequence[Template]) -> tuple[FloatArray]:
        """(n, d) float32: the stored vectors."""
        return (self.reconstruct(templates, keys=None),)

    def solve(
        self,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        prior: FloatArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """(n, d) float32: the stored vectors; there is nothing to undo."""
        return self.reconstruct(templates, keys=None)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """Each template is the embedding, but for rounding."""
        whole = np.eye(self._dimension, dtype=np.float32)
        for row in self.reconstruct(templates, keys=None):
            yield Linear(whole, row, _ROUNDING)

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d) float32: the stored vectors; there is no key."""
        return self.reconstruct(templates, keys=None)

    def solve_several(
        self, records: Sequence[Sequence[Template]], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d) float32: the mean of each subject's stored vectors."""
        return np.asarray(np.mean([self.reconstruct(templates, keys=None) for templates in records], axis=0))

    def link(self, templates: Sequence[Template], others: Sequence[Template]) -> FloatArray:
        """(n, m) float32: cosines."""
        return self.reconstruct(templates, keys=None) @ self.reconstruct(others, keys=None).T

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) cosines, differentiable."""
        import torch

        stored = torch.from_numpy(self.reconstruct(templates, keys=None)).to(device())[:, None]
        return lambda probes: (torch.nn.functional.normalize(probes, dim=-1) * stored).sum(-1)
