"""Reads templates that are plain float32 vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import FloatArray, Template


def read_vectors(templates: Sequence[Template], dimension: int) -> FloatArray:
    """(n, dimension) float32 from little-endian bytes.

    Raises
    ------
    ValueError
        When a template isn't ``4 * dimension`` bytes long or holds a value that isn't finite.
    """
    for row, template in enumerate(templates):
        if len(template) != 4 * dimension:
            raise ValueError(f"template {row} has {len(template)} bytes; expected {4 * dimension} (float32 vector)")
    vectors = np.frombuffer(b"".join(templates), dtype="<f4").reshape(len(templates), dimension).astype(np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError("a template holds values that are not finite; expected a float32 vector")
    return vectors
