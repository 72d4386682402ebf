"""What the metrics hand around can't be changed, and what holds arrays is equal to itself alone."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import fields, is_dataclass

import pytest

import mote_bench.metrics
from mote_bench.analysis import gate

MODULES = [
    gate,
    *(
        importlib.import_module(f"mote_bench.metrics.{found.name}")
        for found in pkgutil.iter_modules(mote_bench.metrics.__path__)
    ),
]
KINDS = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__
]


def holders_of_arrays() -> list[type]:
    """Kinds with a field that is an array, or is of a kind that has one."""
    told = {"FloatArray", "Index", "NDArray", "Labels"}
    while True:
        found = [kind for kind in KINDS if any(name in str(one.type) for one in fields(kind) for name in told)]
        if told >= (names := {kind.__name__ for kind in found}):
            return [kind for kind in found if kind.__name__ != "Measured"]  # compares its numbers, not its arrays
        told |= names


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_was_measured_can_be_changed(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", holders_of_arrays())
def test_arrays_are_not_asked_whether_they_are_equal(kind: type) -> None:
    """They would answer with as many truths as they have numbers, and couldn't stand in a set."""
    assert kind.__eq__ is object.__eq__
    assert kind.__hash__ is object.__hash__
