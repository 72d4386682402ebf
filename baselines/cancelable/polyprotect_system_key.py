"""PolyProtect with a system-specific key: one pair of coefficients and exponents for all subjects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import stream

from .polyprotect_inversion import Inverter
from .polyprotect_tried_keys import PolyProtectTriedKeys

if TYPE_CHECKING:
    import torch

_VECTORS = 50
_KEY_BYTES = 32


class PolyProtectSystemKey(PolyProtectTriedKeys):
    """PolyProtect with the same coefficients and exponents for all subjects, so that duplicates can be found.

    Hahn, Maceiras & Marcel, "Is it possible to generate irreversible PolyProtected templates from face embeddings using
    system-specific keys?" (arXiv 2610.01385). Of the paper's three ways to choose the pair, this is the second: pairs
    are tried on random vectors whose values are distributed as those of faces. Templates of these are inverted by a
    numerical solver. The pair is kept under which the fewest are found, at a threshold whose false match rate is 20 %.

    The pair is a public parameter: the attacker who knows the algorithm has it. Templates of one face are equal in all
    databases of the system, and nothing can be renewed.

    Parameters
    ----------
    overlap, terms, largest, centre
        As of :class:`~mote_baselines.cancelable.polyprotect.PolyProtect`.
    rate : float
        The false match rate of the threshold from which a vector counts as found.
    attempts : int
        How many pairs are tried. With one, the pair is simply drawn.
    """

    revocable = False

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face, and choose the pair."""
        super().fit(background, seed=seed)
        inverter = self._inverter_of(background, seed)
        tried = [stream(seed, "system key", number).bytes(_KEY_BYTES) for number in range(self.attempts)]
        self._key = min(tried, key=lambda key: self._found(key, inverter, seed))
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 4 ceil((d - o) / (m - o)) bytes per row of ``references`` (n, d)."""
        return super().enroll(references, keys=[self._key] * len(references), seeds=seeds)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 cosines in [-1, 1]."""
        return super().score(templates, probes, keys=[self._key] * len(templates))

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k): the score itself."""
        return super().surrogate(templates, keys=[self._key] * len(templates))

    def _found(self, key: Key, inverter: Inverter, seed: int) -> tuple[float, float]:
        """The share of random vectors that are found under a key, and the mean cosine of what is found."""
        vectors, starts = (
            np.array([inverter.drawn(stream(seed, what, number)) for number in range(_VECTORS)])
            for what in ("vector", "start")
        )
        values = self._values(self._powers(vectors.astype(np.float32)), self.secret(key))
        alike = inverter.cosines(values, [self.secret(key)] * _VECTORS, vectors, starts)
        return float((alike >= inverter.threshold).mean()), float(alike.mean())
