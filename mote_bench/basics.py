"""Errors and names that need no numpy, so that a command line starts without it.

Plug-ins import ``InputError`` and ``flat`` from :mod:`mote_bench.contracts`.
"""

from __future__ import annotations

from collections.abc import Sequence

CPU = "cpu"
"""The device that every machine has, by torch's name of it."""


class InputError(Exception):
    """The user's input can't be used. The message says what was given, what was expected and what to do next."""


InputError.__module__ = "mote_bench.contracts"  # tracebacks name it as plug-ins import it


def first_line(error: Exception) -> str:
    """What an error of a library says, in its first line; its type where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def flat(metric: str, at: str | None = None, group: Sequence[str] = ()) -> str:
    """The published name of a metric. Only this function makes such names; :mod:`mote_bench.metrics.names` reads them.

    >>> flat("fnmr", "1e-2", ("gender", "female"))
    'fnmr_gender_female_at_fmr_1e-2'
    """
    name = "_".join((metric, *group))
    if at is None:
        return name
    # tpr_at_fpr and type_2_success_at_wolf_rate already name the rate that they are taken at.
    return f"{name}_{at}" if "_at_" in metric else f"{name}_at_fmr_{at}"
