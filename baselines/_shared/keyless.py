"""What schemes without keys share: the published attack is the attack that needs no key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template


class SolvedWithoutKeys(ABC):
    """A scheme without keys whose construction is attacked by ``solve_without_keys``; subclasses define that."""

    @abstractmethod
    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d): the face behind each template."""

    def solve(
        self,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        prior: FloatArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """(n, d): :meth:`solve_without_keys`; there is no key."""
        return self.solve_without_keys(templates, prior=Faces(prior), rng=rng)
