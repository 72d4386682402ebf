"""Charts and extra files that can't be made: each costs itself, is named with the reason, and the board stands."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

from mote_bench.formatting import printable, shortened

_LONGEST = 240
Made = TypeVar("Made")


class Lost(UserWarning):
    """A chart or an extra file of a board that is left out, and why."""


def attempted(what: str, make: Callable[[], Made]) -> Made | None:
    """What ``make`` gives; ``None`` and a warning :class:`Lost` where it raises an error."""
    try:
        return make()
    except Exception as error:  # whatever it is, the figures are there and are worth more than a chart of them
        why = printable(f"{type(error).__name__}: {error}")
        warnings.warn(f"{what} is left out ({shortened(why, _LONGEST)})", Lost, stacklevel=2)
        return None
