"""The template that holds nothing: every attack's floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import FloatArray, Key, Template
from mote_bench.toolkit import stream, unit

from ..plain.cosine import Cosine


class Noise(Cosine):
    """A random direction in place of the embedding, drawn from the person's seed and never from the face.

    It is read, scored and attacked like a plain vector, so what an attack finds in it is what that attack finds in
    nothing: chance, with the spread that chance has at this number of people.
    """

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 4 d bytes per row of ``references`` (n, d), whatever the row holds."""
        directions = np.stack([stream(seed, "noise").standard_normal(references.shape[1]) for seed in seeds])
        return [row.tobytes() for row in unit(directions).astype("<f4")]
