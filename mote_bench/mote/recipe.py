"""How MOTE's nets are trained, and on which faces; the training itself needs torch and is another module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.mote.kde import Density
from mote_bench.mote.objective import CROSS_ENTROPY, Objective

WIDTH_RANGE = 10
"""``random_widths`` draws each hidden width within this much of its nominal one."""

PEOPLE_AT_ONCE = 64
_POSITIVE_BYTES = 2**27
_LEVELS = 256


@dataclass(frozen=True)
class Recipe:
    """How one subject's net is built and trained; see :class:`mote_bench.mote.scheme.MOTE` for what each means.

    With ``batch_norm`` each hidden layer is normalised over the batch before its ReLU.
    """

    hidden: tuple[int, ...] = (128, 64, 16)
    random_widths: bool = False
    dropout: float = 0.5
    epochs: int = 20
    patience: int = 5
    batch_norm: bool = False
    objective: Objective = CROSS_ENTROPY

    @property
    def widest(self) -> tuple[int, ...]:
        """The hidden widths that every net is padded to at least: the same whichever nets are trained together."""
        return tuple(width + WIDTH_RANGE * self.random_widths for width in self.hidden)

    @property
    def dropped(self) -> int:
        """Of 256 values of a random byte, how many drop a unit."""
        return round(_LEVELS * self.dropout)

    @property
    def scale(self) -> float:
        """What the surviving units are multiplied with in training."""
        return _LEVELS / (_LEVELS - self.dropped)


@dataclass(frozen=True, eq=False)
class Crowd:
    """Background subjects to train against.

    Attributes
    ----------
    faces : (n, d) float32
        The negatives.
    spread : mapping of group -> Density
        The variation between images of one subject, in each group.
    """

    faces: FloatArray
    spread: Mapping[str, Density]


def positives(
    reference: FloatArray, crowd: Crowd, *, shares: Mapping[str, float], rng: np.random.Generator
) -> FloatArray:
    """(n/2, d) float32: the reference plus draws from the groups' densities, for the n negatives of ``crowd``.

    As in the released code the sums are not scaled back to length one.
    """
    ends = np.round(np.cumsum([0.0, *shares.values()]) * (len(crowd.faces) // 2)).astype(int)
    drawn = [crowd.spread[group].sample(n, rng) for group, n in zip(shares, np.diff(ends), strict=True)]
    return np.asarray(reference + np.concatenate(drawn), dtype=np.float32)


def people_at_once(training: Crowd, validation: Crowd) -> int:
    """How many nets are trained side by side: as many as keep the products large and the memory small."""
    rows = (len(training.faces) + len(validation.faces)) // 2
    return int(np.clip(_POSITIVE_BYTES // (4 * rows * training.faces.shape[1]), 1, PEOPLE_AT_ONCE))
