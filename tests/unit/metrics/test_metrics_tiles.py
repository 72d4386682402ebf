"""Error rates from tiles are those of the whole matrix, whatever the tiles, ties and numbers of trials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mote_bench.contracts import InputError
from mote_bench.metrics.fairness import measure_fairness
from mote_bench.metrics.tiles import Tiles
from mote_bench.metrics.verification import (
    Scores,
    det_points,
    measure_verification,
    operating_points,
    threshold_at_fmr,
)


@st.composite
def compared(draw):
    """Scores of people with some templates and probes each, in any order; often with ties, sometimes apart."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people = draw(st.integers(4, 30))
    enrolled = np.concatenate([np.arange(people), rng.integers(0, people, draw(st.integers(0, 20)))])
    shown = np.concatenate([np.arange(people), rng.integers(0, people + 3, draw(st.integers(0, 60)))])
    enrolled, shown = rng.permutation(enrolled), rng.permutation(shown)
    values = rng.standard_normal((len(enrolled), len(shown)))
    values += draw(st.sampled_from([0.0, 1.0, 3.0, 30.0, -30.0])) * (enrolled[:, None] == shown)
    values = np.round(values, draw(st.sampled_from([0, 1, 12])))
    return Scores(values, enrolled, shown)


def tiled(scores, most):
    return Tiles(lambda rows, columns: scores.values[np.ix_(rows, columns)], scores.enrolled, scores.shown, most)


def close(one, other):
    for this, that in zip(one.measurements, other.measurements, strict=True):
        assert this.name == that.name
        assert [this.value, this.low, this.high] == pytest.approx([that.value, that.low, that.high], abs=1e-9)
        assert (this.n, this.chance) == (that.n, that.chance)


@given(scores=compared(), most=st.sampled_from([1, 7, 50, 100_000]), threshold=st.floats(-3, 3))
@settings(max_examples=60, deadline=None)
def test_the_same_figures(scores, most, threshold):
    thresholds = {"1e-2": threshold, "all": -1e3, "none": 1e3}
    whole = measure_verification(scores, thresholds, np.random.default_rng(0))
    parts = measure_verification(tiled(scores, most), thresholds, np.random.default_rng(0))
    close(parts, whole)
    assert parts.measurements[0].value == whole.measurements[0].value  # the EER to the last bit
    assert parts.details["counts"] == whole.details["counts"]
    for name, influence in whole.influence.items():
        np.testing.assert_allclose(parts.influence[name], influence, atol=1e-12)


@given(scores=compared(), most=st.sampled_from([1, 7, 50]))
@settings(max_examples=30, deadline=None)
def test_points_lie_on_the_curve(scores, most):
    _, false_matches, false_non_matches = operating_points(scores.genuine, scores.impostor)
    for fmr, fnmr in tiled(scores, most).errors({}).det:
        reached = np.interp(fnmr - fmr, false_non_matches - false_matches, false_non_matches)
        assert reached == pytest.approx(fnmr, abs=1e-12)
    assert len(det_points(scores.genuine, scores.impostor)) > 1


@given(scores=compared(), most=st.sampled_from([1, 7, 50]), fmr=st.sampled_from([0.5, 0.1, 0.02]))
@settings(max_examples=30, deadline=None)
def test_the_same_threshold_from_the_highest_scores(scores, most, fmr):
    impostors = len(scores.impostor)
    highest, trials = tiled(scores, most).highest(int(fmr * impostors + 1e-6) + 1)
    assert trials == impostors
    try:
        expected = threshold_at_fmr(scores.impostor, fmr)
    except InputError:
        with pytest.raises(InputError):
            threshold_at_fmr(highest, fmr, trials=trials)
    else:
        assert threshold_at_fmr(highest, fmr, trials=trials) == expected


def counted(most: int) -> tuple[Tiles, list[tuple[int, int]]]:
    """Tiles of 90 people with two templates and three probes each, and the shapes that were asked for."""
    rng = np.random.default_rng(0)
    enrolled, shown = rng.permutation(np.repeat(np.arange(90), 2)), rng.permutation(np.repeat(np.arange(90), 3))
    values = rng.standard_normal((180, 270)) + 2 * (enrolled[:, None] == shown)
    asked = []

    def ask(rows, columns):
        asked.append((len(rows), len(columns)))
        return values[np.ix_(rows, columns)]

    return Tiles(ask, enrolled, shown, most), asked


@pytest.mark.parametrize(("most", "tiles"), [(48_600, 1), (48_599, 4), (12_150, 4), (5400, 9), (1, 90 * 90)])
def test_tiles_hold_about_as_many_scores_as_they_may(most, tiles):
    """All 180 x 270 = 48,600 scores once; as many groups of people by as many as keep a tile below its limit."""
    made, asked = counted(most)
    seen = np.zeros((180, 270), dtype=int)
    for tile in made.each():
        seen[np.ix_(tile.rows.rows, tile.columns.columns)] += 1
        mated = made.enrolled[tile.rows.rows][:, None] == made.shown[tile.columns.columns]
        assert (mated == tile.mated).all() if tile.mated is not None else not mated.any()
    assert (seen == 1).all()
    assert len(asked) == tiles
    assert max(rows * columns for rows, columns in asked) <= max(most, 6)  # six: a person's own


def test_scores_are_asked_for_a_few_times_only():
    made, asked = counted(5400)
    made.errors({"1e-2": 1.0, "1e-3": 2.0})
    assert 3 * 48_600 <= sum(rows * columns for rows, columns in asked) <= 5 * 48_600


@pytest.mark.parametrize("count", [1, 7, 500, 47_000, 60_000])
def test_the_highest_impostor_scores(count):
    made, _ = counted(5400)
    impostors = np.concatenate(
        [tile.scores.ravel() if tile.mated is None else tile.scores[~tile.mated] for tile in made.each()]
    )
    highest, trials = made.highest(count)
    assert trials == 180 * 267
    assert np.sort(highest) == pytest.approx(np.sort(impostors)[-count:])


def test_groups_alike():
    rng = np.random.default_rng(1)
    enrolled, shown = np.arange(60), np.repeat(np.arange(60), 3)
    scores = Scores(rng.standard_normal((60, 180)) + 2 * (enrolled[:, None] == shown), enrolled, shown)
    groups = {"gender": np.where(rng.random(60) < 0.5, "a", "b"), "age": np.where(rng.random(60) < 0.1, "x", "y")}
    made = [measure_fairness(one, groups, 1.5, rng=np.random.default_rng(0)) for one in (tiled(scores, 500), scores)]
    close(*made)
    assert made[0].details["left_out"] == made[1].details["left_out"]


def test_one_gallery_of_impostors():
    with pytest.raises(ValueError, match="no genuine or no impostor"):
        Tiles(lambda r, c: np.zeros((len(r), len(c))), np.arange(3), np.arange(3, 6)).errors({})


def test_scores_that_are_no_numbers():
    with pytest.raises(ValueError, match="NaN"):
        Tiles(lambda r, c: np.full((len(r), len(c)), np.nan), np.arange(3), np.arange(3)).errors({})
