"""The smallest difference between two schemes that a board's subjects resolve, beside each ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import stream

from .resampling import Influenced, redrawn

_ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class Resolution:
    """What the ranking of one question resolves.

    Attributes
    ----------
    value : float
        Median half width of the paired 95 % intervals of the differences between neighbours in the order, in the
        headline's unit. A smaller difference isn't distinguished by most pairs.
    n : int
        The smallest number of subjects of a row.
    pairs : int
        How many pairs of neighbours there are.
    """

    question: str
    value: float
    n: int
    pairs: int


def resolution(question: str, figures: Sequence[Influenced], *, data: str) -> Resolution | None:
    """What the ranking by these figures resolves; ``None`` with fewer than two of them.

    The interval of a difference is a paired bootstrap over subjects (:func:`~.resampling.redrawn`).

    Parameters
    ----------
    data : str
        The data's name, from which the random stream is derived.
    """
    if len(figures) < 2:
        return None
    in_order = sorted(figures, key=lambda one: one[0].value)
    drawn = redrawn(in_order, stream(0, "resolution", question, data))
    return Resolution(question, median_half_width(drawn), min(one.n for one, _ in in_order), len(in_order) - 1)


def median_half_width(drawn: FloatArray) -> float:
    """Median half width of the 95 % intervals of differences of neighbouring columns (draws, k), k >= 2."""
    low, high = np.quantile(np.diff(drawn, axis=1), _ENDS, axis=0)
    return float(np.median((high - low) / 2))
