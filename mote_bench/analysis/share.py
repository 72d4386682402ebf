"""The strongest attack's result as a share of what the same attack gets from unprotected templates."""

from __future__ import annotations

from dataclasses import dataclass

from mote_bench.contracts import Measurement

from .standings import Worst

ALL, PART, NOTHING, UNCLEAR = "at the ceiling", "partial", "at the floor", "inconclusive"

_NO_SCALE = 0.02  # controls closer than this define no scale


@dataclass(frozen=True)
class Share:
    """A figure between the same attack's floor (0: on ``noise``) and ceiling (1: on ``cosine``).

    Attributes
    ----------
    word : str
        Which controls the 95 % interval reaches: ``at the ceiling``, ``at the floor``, ``inconclusive``
        (both) or ``partial`` (neither).
    """

    value: float
    low: float
    high: float
    word: str

    @property
    def percent(self) -> int:
        """From 0 to 100; values beyond a control are clipped, as they are sampling error."""
        return round(100 * min(max(self.value, 0.0), 1.0))


def share(worst: Worst) -> Share | None:
    """The share of the strongest attack; None where it has no figure, or its controls do not differ."""
    return share_of(worst.headline)


def share_of(one: Measurement | None) -> Share | None:
    """The share of a figure with its floor and ceiling; None where it lacks one, or the two do not differ."""
    if one is None or one.floor is None or one.ceiling is None or abs(one.ceiling - one.floor) < _NO_SCALE:
        return None
    floor, width = one.floor, one.ceiling - one.floor
    value, *ends = ((end - floor) / width for end in (one.value, one.low, one.high))
    low, high = sorted(ends)
    reached = (low <= 0, high >= 1)
    word = {(True, True): UNCLEAR, (True, False): NOTHING, (False, True): ALL}.get(reached, PART)
    return Share(value, low, high, word)
