"""Resampling of a board's subjects: how figures of several records move together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mote_bench.contracts import FloatArray, Measurement, Record

DRAWS = 4000
_Z = 1.959964

Influenced = tuple[Measurement, Mapping[int, float]]
"""A figure, and the influence of each subject on it, by subject number; empty where the record holds none."""


def influenced(record: Record | None, one: Measurement) -> Influenced:
    """A record's figure with the influence of its subjects."""
    held = {} if record is None else record.details.get("influence", {})
    return one, dict(zip(held.get("people", ()), held.get(one.name, ()), strict=False))


def redrawn(figures: Sequence[Influenced], rng: np.random.Generator) -> FloatArray:
    """(draws, figures) values under resampling of the subjects.

    Every subject gets a random weight, which moves all figures that the subject has influence on (multiplier bootstrap;
    van der Vaart & Wellner, "Weak convergence and empirical processes", 1996, section 2.9). So figures of the same
    subjects are paired. The spread of a figure is that of its published interval. A figure without influences moves
    on its own.
    """
    people = sorted({person for _, influence in figures for person in influence})
    place = {person: k for k, person in enumerate(people)}
    weights = rng.standard_normal((DRAWS, len(people)))
    made = []
    for one, influence in figures:
        length = float(np.sqrt(sum(value * value for value in influence.values())))
        if length > 0:
            share = np.zeros(len(people))
            share[[place[person] for person in influence]] = list(influence.values())
            moved = weights @ share / length
        else:
            moved = rng.standard_normal(DRAWS)
        made.append(one.value + moved * np.where(moved > 0, one.high - one.value, one.value - one.low) / _Z)
    return np.array(made).T
