"""Faithfulness of an attribution: remove or insert the most important parts first, and score again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mote_bench.contracts import FloatArray
from mote_bench.explain.attribution import Answer
from mote_bench.metrics.intervals import Interval, percentile_interval, person_weights

_REPLICATES = 1000


@dataclass(frozen=True, eq=False)
class Curves:
    """Scores while parts are removed and inserted, most important first.

    Attributes
    ----------
    deletion, insertion : (n, k, points) float64
        From the whole probe to the blank one, and from the blank one to the whole.
    """

    deletion: FloatArray
    insertion: FloatArray

    @property
    def rise(self) -> FloatArray:
        """(n, k) by how much the whole probe scores higher than a blank one."""
        return self.deletion[..., 0] - self.insertion[..., 0]


@torch.no_grad()
def curves(answer: Answer, probes: Tensor, blank: Tensor, importance: Tensor, *, points: int = 21) -> Curves:
    """Deletion and insertion (Petsiuk, Das and Saenko, RISE, BMVC 2018), for vectors and pictures alike.

    Parameters
    ----------
    probes : (n, k, d) or (n, k, channels, height, width)
    blank : (d,) or (channels, height, width)
        What replaces a removed part.
    importance : (n, k, d) or (n, k, height, width)
        Where a probe scores lower than a blank one, the parts that lower the score most are taken first.
    points : int
        How many shares of the parts are scored, both ends included.
    """
    n, k, *shape = importance.shape
    ends = answer(torch.stack([probes, blank.expand_as(probes)], dim=2).flatten(1, 2)).reshape(n, k, 2)
    towards = torch.sign(ends[..., 0] - ends[..., 1])
    flat = importance.flatten(2) * towards[..., None]
    place = torch.argsort(torch.argsort(flat, dim=2, descending=True, stable=True), dim=2, stable=True)
    deletion, insertion = [], []
    for share in np.linspace(0, 1, points):
        first = (place < round(share * place.shape[2])).reshape(n, k, *shape)
        first = first if probes.dim() == 3 else first[:, :, None]
        deletion.append(answer(torch.where(first, blank, probes)))
        insertion.append(answer(torch.where(first, probes, blank)))
    return Curves(torch.stack(deletion, dim=2).double().numpy(), torch.stack(insertion, dim=2).double().numpy())


def faithfulness(found: Curves) -> tuple[float, Interval]:
    """Area between insertion and deletion, in units of the rise, with its 95 % interval over subjects.

    0 for a random order, 1 where the first part decides everything, negative where the order is wrong. It exceeds 1
    where some parts lower the score, so that a part of the probe scores higher than the whole. Areas and rises are
    averaged before they are divided: a probe that scores like a blank one has nothing to explain.
    """
    sign = np.sign(found.rise)
    area = (np.trapezoid(found.insertion - found.deletion, axis=2) / (found.deletion.shape[2] - 1) * sign).sum(axis=1)
    rise = np.abs(found.rise).sum(axis=1)
    if not rise.sum():
        return 0.0, (0.0, 0.0)
    weights = person_weights(np.random.default_rng(0), len(rise), _REPLICATES)
    total = weights @ rise
    return float(area.sum() / rise.sum()), percentile_interval((weights @ area)[total > 0] / total[total > 0])
