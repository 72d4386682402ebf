"""Charts and extra files that can't be made: each costs itself, is named with the reason, and the board stands."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

from mote_bench.formatting import printable, shortened

_LONGEST = 240
Made = TypeVar("Made")


class Lost(UserWarning):
    """A chart or an extra file of a board that is left out, and why."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what, why)
        self.what, self.why = what, why

    def __str__(self) -> str:
        return f"{self.what} is left out ({self.why})"


def attempted(what: str, make: Callable[[], Made]) -> Made | None:
    """What ``make`` gives; ``None`` and a warning :class:`Lost` where it raises an error."""
    try:
        return make()
    except Exception as error:  # whatever it is, the figures are there and are worth more than a chart of them
        why = printable(f"{type(error).__name__}: {error}")
        warnings.warn(Lost(what, shortened(why, _LONGEST)), stacklevel=2)
        return None


def told(lost: Iterable[Lost]) -> list[str]:
    """A line for each reason: what is left out for it, or the first and how many more there are."""
    by_reason: dict[str, list[Lost]] = {}
    for one in lost:
        by_reason.setdefault(one.why, []).append(one)
    return [
        str(first) if not rest else f"{first.what} and {len(rest)} more are left out ({why})"
        for why, (first, *rest) in by_reason.items()
    ]
