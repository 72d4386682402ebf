"""The origin that directions are measured from: the background's mean face, or zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mote_bench.contracts import Faces, FloatArray
from mote_bench.toolkit import unit

if TYPE_CHECKING:
    import torch


def start(background: Faces, *, centre: bool) -> FloatArray:
    """(d,) float32: the mean of the background's unit embeddings, or zeros where ``centre`` is false.

    Some recognisers put all faces into a narrow cone: non-mated faces have a cosine of about 0.83 in dlib's space.
    Nearly all random half-spaces then hold both faces or neither, and a hash bit holds little information. Seen from
    the mean face, non-mated faces are nearly orthogonal.
    """
    mean = background.embeddings.mean(axis=0, dtype=np.float64)
    return np.asarray(mean if centre else np.zeros_like(mean), dtype=np.float32)


def directions(vectors: FloatArray, origin: FloatArray) -> FloatArray:
    """(n, d) float32 unit rows: the direction of each embedding, seen from ``origin`` (d,)."""
    return unit(unit(np.asarray(vectors, dtype=np.float32)) - origin).astype(np.float32)


def torch_directions(probes: torch.Tensor, origin: FloatArray) -> torch.Tensor:
    """:func:`directions` of the last axis of a tensor, differentiable."""
    import torch

    normalize = torch.nn.functional.normalize
    return normalize(normalize(probes, dim=-1) - torch.from_numpy(origin).to(probes.device), dim=-1)
