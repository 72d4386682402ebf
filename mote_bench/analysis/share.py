"""A row in a glance: how much of what a template without protection gives away the strongest attack gets."""

from __future__ import annotations

from dataclasses import dataclass

from .standings import Worst

ALL, PART, NOTHING, UNCLEAR = "all of it", "part of it", "nothing", "can't tell"

_NO_SCALE = 0.02  # where the controls are this close, nothing lies between them


@dataclass(frozen=True)
class Share:
    """A figure between the same attack's floor (0: on ``noise``) and ceiling (1: on ``cosine``).

    Attributes
    ----------
    word : str
        ``all of it``: the interval reaches the ceiling; ``nothing``: it reaches the floor; ``can't tell``: both;
        ``part of it``: neither.
    """

    value: float
    low: float
    high: float
    word: str

    @property
    def percent(self) -> int:
        """From 0 to 100; what lies beyond an end, by luck, is shown as that end."""
        return round(100 * min(max(self.value, 0.0), 1.0))


def share(worst: Worst) -> Share | None:
    """The strongest attack's figure on this scale; nothing where it has none, or its controls don't differ."""
    one = worst.headline
    if one is None or one.floor is None or one.ceiling is None or abs(one.ceiling - one.floor) < _NO_SCALE:
        return None
    floor, width = one.floor, one.ceiling - one.floor
    value, *ends = ((end - floor) / width for end in (one.value, one.low, one.high))
    low, high = sorted(ends)
    reached = (low <= 0, high >= 1)
    word = {(True, True): UNCLEAR, (True, False): NOTHING, (False, True): ALL}.get(reached, PART)
    return Share(value, low, high, word)
