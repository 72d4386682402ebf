"""The template that holds no information: the floor control of every attack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import FloatArray, Key, Template
from mote_bench.toolkit import stream, unit

from ..plain.cosine import Cosine


class Noise(Cosine):
    """A random direction in place of the embedding, drawn from the subject's seed and never from the face.

    It is read, scored and attacked like a plain vector. So an attack's result on it is the result by chance, with the
    spread of chance at this number of subjects.
    """

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 4 d bytes per row of ``references`` (n, d), whose values are not used."""
        directions = np.stack([stream(seed, "noise").standard_normal(references.shape[1]) for seed in seeds])
        return [row.tobytes() for row in unit(directions).astype("<f4")]
