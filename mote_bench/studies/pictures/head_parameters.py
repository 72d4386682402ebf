"""A rendered person as a vector of numbers, and back: the space in which a face is searched."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.faces.head import ETHNICITIES, Head
from mote_bench.faces.people import GENDERS, Looks, Person
from mote_bench.toolkit import stream

_BODY = ("gender", "age", "muscle", "weight", "height", "proportions", *ETHNICITIES)
_COLOURS = ("skin", "hair", "eyes", "lips")
_LEFT_OUT = ("moles", "grain")
"""Marks that no embedding tells of."""


def names(head: Head) -> list[str]:
    """What each number of a vector is."""
    colours = [f"{name} {channel}" for name in _COLOURS for channel in ("red", "green", "blue")]
    return [*(f"body {name}" for name in _BODY), *(f"change {name}" for name in head.changes), *colours, *_numbers()]


def vector(head: Head, person: Person) -> FloatArray:
    """(p,) float64: the head's shape, the colours, and the other looks (switches as 0 or 1)."""
    looks = person.looks
    return np.concatenate(
        [
            [person.body[name] for name in _BODY],
            [person.changes[name] for name in head.changes],
            *(getattr(looks, name) for name in _COLOURS),
            [float(getattr(looks, name)) for name in _numbers()],
        ]
    )


def person(head: Head, numbers: FloatArray, like: Person) -> Person:
    """The person of a vector; what a vector doesn't hold, such as moles, is taken from ``like`` or left out.

    Numbers beyond what a head can be are cut off there.
    """
    body, changes, colours, rest = np.split(numbers, np.cumsum([len(_BODY), len(head.changes), 3 * len(_COLOURS)]))
    shape = dict(zip(_BODY, np.clip(body, 0.0, 1.0).tolist(), strict=True))
    if not any(shape[name] for name in ETHNICITIES):
        shape |= dict.fromkeys(ETHNICITIES, 1 / 3)
    painted: dict[str, Any] = {
        name: np.clip(colour, 0.01, 1.0) for name, colour in zip(_COLOURS, colours.reshape(-1, 3), strict=True)
    }
    kinds = {field.name: field.type for field in fields(Looks)}
    values: dict[str, Any] = {
        name: bool(value > 0.5) if kinds[name] == "bool" else _within(name, float(value))
        for name, value in zip(_numbers(), rest, strict=True)
    }
    blank = replace(
        like.looks, moles=np.empty((0, 3)), grain=stream(0, "grain").standard_normal((32, 32, 32)).astype("f4")
    )
    return Person(
        number=like.number,
        gender=GENDERS[int(shape["gender"] > 0.5)],
        age=float(20 + (shape["age"] - 2 / 3) * 210),
        ethnicity=max(ETHNICITIES, key=lambda name: shape[name]),
        body=shape,
        changes=dict(zip(head.changes, np.clip(changes, -1.0, 1.0).tolist(), strict=True)),
        looks=replace(blank, **painted, **values),
    )


def _numbers() -> list[str]:
    return [field.name for field in fields(Looks) if field.name not in (*_COLOURS, *_LEFT_OUT)]


def _within(name: str, value: float) -> float:
    """Lengths and amounts mustn't be negative, nor a brow end before it begins."""
    if name in ("hairline_temples", "hairline_peak", "hair_length", "beard_edge", "brow_tilt", "brow_height"):
        return value
    least = 0.02 if name in ("brow_thickness", "brow_inner") else 0.6 if name == "brow_outer" else 0.0
    return max(value, least)
