"""Parts of all pairs, whatever the groups and the order, leave the same error rates as all pairs at once."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mote_bench.metrics.blocks import Part, Positions, parts_of
from mote_bench.metrics.intervals import Proportion
from mote_bench.metrics.passes import Scale, Top
from mote_bench.metrics.tiles import Tiles, error_rates

THRESHOLDS = {"1e-2": 1.0, "all": -1e3, "none": 1e3}


@st.composite
def compared(draw):
    """Scores of people with a template each or more, their tiles, and random groups of the people."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people = draw(st.integers(6, 30))
    enrolled = rng.permutation(np.concatenate([np.arange(people), rng.integers(0, people, draw(st.integers(0, 10)))]))
    shown = rng.permutation(np.concatenate([np.arange(people), rng.integers(0, people, draw(st.integers(0, 40)))]))
    values = rng.standard_normal((len(enrolled), len(shown)))
    values += draw(st.sampled_from([0.0, 2.0, 30.0])) * (enrolled[:, None] == shown)
    values = np.round(values, draw(st.sampled_from([0, 1, 12])))
    tiles = Tiles(lambda rows, columns: values[np.ix_(rows, columns)], enrolled, shown, draw(st.sampled_from([9, 999])))
    cuts = np.sort(rng.choice(np.arange(1, people), size=draw(st.integers(0, 5)), replace=False))
    return tiles, np.split(np.arange(people), cuts), rng


def in_parts(tiles, groups, thresholds, *, rng, members=(None,)):
    """The error rates among all or some, from parts in a random order; the passes run side by side."""
    layouts = [tiles.layout if member is None else tiles.layout.inside(member) for member in members]
    under_way = [error_rates(layout, thresholds) for layout in layouts]
    wanted = [next(one) for one in under_way]
    found = []
    while not found:
        totals = [one.start(layout) for one, layout in zip(wanted, layouts, strict=True)]
        for part in rng.permutation(np.array(parts_of(groups), dtype=object)):
            among = [None if member is None else member[part.people] for member in members]
            if part.own or not wanted[0].own_only:
                seen = tiles.part(part).seen(list(zip(among, wanted, strict=True)))
                for total, one, layout in zip(totals, seen, layouts, strict=True):
                    total.merge(one, Positions.of(layout, part.people))
        wanted = []
        for one, total in zip(under_way, totals, strict=True):
            try:
                wanted.append(one.send(total))
            except StopIteration as done:
                found.append(done.value)
    return found


def bits(errors):
    """Every figure, to the last bit."""
    found = {}
    for one in fields(errors):
        value = getattr(errors, one.name)
        rates = value if isinstance(value, dict) else {"": value}
        for name, rate in rates.items():
            if isinstance(rate, Proportion):
                rate = (rate.value, rate.effective, rate.influence.tobytes())
            found[one.name, name] = rate.tobytes() if isinstance(rate, np.ndarray) else rate
    return found


@given(made=compared())
@settings(max_examples=30, deadline=None)
def test_any_parts_in_any_order_give_equal_error_rates(made):
    tiles, groups, rng = made
    assert bits(in_parts(tiles, groups, THRESHOLDS, rng=rng)[0]) == bits(tiles.errors(THRESHOLDS))


@given(made=compared())
@settings(max_examples=8, deadline=None)
def test_groups_of_subjects_from_the_same_parts(made):
    tiles, groups, rng = made
    some = np.arange(len(tiles.people)) % 2 == 0
    everyone, first, second = in_parts(tiles, groups, THRESHOLDS, rng=rng, members=(None, some, ~some))
    assert bits(everyone) == bits(tiles.errors(THRESHOLDS))
    assert bits(first) == bits(tiles.inside(some).errors(THRESHOLDS))
    assert bits(second) == bits(tiles.inside(~some).errors(THRESHOLDS))


@given(made=compared(), count=st.sampled_from([1, 5, 100, 10_000]))
@settings(max_examples=20, deadline=None)
def test_the_highest_scores_of_parts_each_told_of_the_highest_so_far(made, count):
    tiles, groups, rng = made
    total = Top(count).start(tiles.layout)
    for part in rng.permutation(np.array(parts_of(groups), dtype=object)):
        here = tiles.part(part)
        total.merge(here.seen([(None, Top(count, total.cut))])[0], Positions.of(tiles.layout, part.people))
    values, impostors = tiles.highest(count)
    assert np.sort(total.values).tolist() == np.sort(values).tolist()
    assert total.impostors == impostors


def test_parts_of_three_groups_by_hand():
    parts = parts_of([np.array([0, 1]), np.array([2]), np.array([3, 4])])
    assert [(part.people.tolist(), part.first) for part in parts] == [
        ([0, 1, 2], 2),
        ([0, 1, 3, 4], 2),
        ([2, 3, 4], 1),
        ([0, 1], 2),
        ([2], 1),
        ([3, 4], 2),
    ]
    assert [part.own for part in parts] == [False] * 3 + [True] * 3


def test_a_part_of_two_groups_compares_them_both_ways_and_nobody_within_a_group():
    tiles = Tiles(lambda rows, columns: np.add.outer(10 * rows, columns), np.arange(4), np.arange(4))
    found = [tile.scores.ravel().tolist() for tile in tiles.part(Part(np.array([0, 1, 3]), 2)).each()]
    assert found == [[3, 13], [30, 31]]


@pytest.mark.parametrize(("scores", "size"), [(0, 1 << 10), (1 << 20, 1 << 17), (1 << 40, 1 << 20)])
def test_a_few_scores_take_few_bins(scores, size):
    assert Scale.of(0.0, 1.0, scores).size == size
