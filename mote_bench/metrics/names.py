"""Parses published metric names, and converts measurements to and from JSON, which holds such names.

Names are made by :func:`mote_bench.contracts.flat`. They are parsed from files (records) and from options such as
``--max fnmr_at_fmr_1e-3=0.1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, NamedTuple

from mote_bench.contracts import Measurement, flat

from .catalogue import METRICS, Metric

_RATE = "_at_fmr_"
_FIGURES = tuple(one.name for one in fields(Measurement) if one.name not in ("metric", "at", "group"))
"""What a measurement holds beside the parts of its published name."""


class Name(NamedTuple):
    """A parsed name: three fields of a :class:`~mote_bench.contracts.Measurement`."""

    metric: str
    at: str | None = None
    group: tuple[str, ...] = ()


def snake_case(label: str) -> str:
    """A label as part of a metric name: ``18-34`` as ``18_34``, ``65+`` as ``65_plus``, ``<18`` as ``under_18``."""
    spelled = label.lower().replace("+", " plus ").replace("<", " under ").replace(">", " over ")
    return re.sub(r"[\W_]+", "_", spelled).strip("_")


@lru_cache(maxsize=4096)
def parse(name: str, attributes: tuple[str, ...] = ()) -> Name:
    """The fields of a published name; :func:`~mote_bench.contracts.flat` makes the same name of them again.

    Parameters
    ----------
    name : str
    attributes : tuple of str
        Known attributes, in snake case. ``fnmr_hair_colour_red`` is read as a group of ``hair_colour`` if that is
        known, otherwise of ``hair``.

    Returns
    -------
    Name
        By the first family of the catalogue that matches. In a name of no family only a false match rate at the end is
        parsed.
    """
    for row in METRICS:
        found = read(name, row, attributes)
        if found is not None:
            return found
    metric, _, at = name.rpartition(_RATE)
    split = Name(metric, at)
    return split if metric and at and flat(*split) == name else Name(name)


def read(name: str, row: Metric, attributes: tuple[str, ...] = ()) -> Name | None:
    """The fields of a published name of this family; ``None`` for any other name."""
    match = _pattern(row, attributes).fullmatch(name)
    if match is None:
        return None
    return Name(row.metric, match["at"] if row.at else None, tuple(match[f"g{k}"] for k in range(len(row.group))))


@lru_cache(maxsize=4096)
def _pattern(row: Metric, attributes: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern of the family's names: its name with an expression in place of each field."""
    known = "|".join(map(re.escape, sorted(attributes, key=len, reverse=True)))
    any_attribute = f"{known}|.+?" if known else ".+?"
    parts = (any_attribute if part == "{attribute}" else _any(part, ".+?") for part in row.group)
    group = tuple(f"(?P<g{k}>{part})" for k, part in enumerate(parts))
    return re.compile(flat(row.metric, row.at and f"(?P<at>{_any(row.at, '.+')})", group))


def _any(part: str, expression: str) -> str:
    """``expression`` for a field that may have any value, otherwise the field's own value."""
    return expression if part.startswith("{") else re.escape(part)


def to_json(one: Measurement) -> dict[str, Any]:
    """A measurement as published files hold it: ``metric`` is the published name."""
    return {"metric": one.name, **{field: getattr(one, field) for field in _FIGURES}}


def from_json(table: Mapping[str, Any], attributes: Iterable[str] = ()) -> Measurement:
    """The measurement in a table read from a published file.

    Parameters
    ----------
    table : mapping
    attributes : iterable of str
        As for :func:`parse`.

    Raises
    ------
    TypeError
        When the table has other columns than a measurement, or a name that is no text.
    """
    if {"at", "group"} & table.keys():
        raise TypeError("a measurement's rate and group stand in its metric's name; expected no columns of their own")
    if not isinstance(name := table.get("metric"), str):
        raise TypeError(f"metric is {name!r}; expected a metric's name")
    metric, at, group = parse(name, tuple(attributes))
    return Measurement(**{**table, "metric": metric}, at=at, group=group)
