"""How many decisions reveal a class: by hand, by simulation, and never where acceptance is even."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.planning.protocol import load
from mote_bench.planning.split import split
from mote_bench.studies.decision_bound import QUERIES, measured, needed, render, right
from populations import gaussian_faces


def test_by_hand():
    """One probe each, accepted with 1/2 and 1/4: right 3/8, equal 1/8 + 3/8, of which half counts."""
    assert right(np.array([0.5]), np.array([0.25]), 1)[0] == pytest.approx(3 / 8 + (1 / 8 + 3 / 8) / 2)
    assert right(np.array([0.3]), np.array([0.3]), 7)[0] == pytest.approx(0.5)
    assert right(np.array([1.0]), np.array([0.0]), 3)[0] == pytest.approx(1.0)


def test_the_bound_by_hand():
    """(sqrt(.04) - sqrt(.01))^2 = .01, and ln 10 = 2.303."""
    assert needed(0.04, 0.01) == pytest.approx(230.26, abs=0.01)
    assert needed(0.01, 0.01) == needed(0.01, 0.04) == float("inf")


@pytest.mark.parametrize(("same", "other"), [(0.02, 0.002), (0.01, 0.004), (0.004, 0.0)])
def test_the_bound_holds(same, other):
    rng = np.random.default_rng(0)
    for queries in (50, 200, 800):
        own, theirs = rng.binomial(queries, same, 40_000), rng.binomial(queries, other, 40_000)
        wrong = np.mean(own <= theirs)
        assert wrong <= np.exp(-queries * (np.sqrt(same) - np.sqrt(other)) ** 2) + 0.01
        half = np.mean((own > theirs) + 0.5 * (own == theirs))
        assert right(np.array([same]), np.array([other]), queries)[0] == pytest.approx(half, abs=0.01)


def test_a_vector_tells_and_noise_does_not():
    faces = gaussian_faces(700, 4, dimension=24, spread=0.6)
    parts = split(faces, load(), seed=0)
    lines = measured(parts, "gender", ("cosine", "noise", "biohash"))
    told = {(line.scheme, line.fmr): line for line in lines}
    vector, nothing = told["cosine", "1e-2"], told["noise", "1e-2"]
    assert vector.same > vector.other
    assert vector.measured[QUERIES[-1]] > 0.8
    predicted = vector.predicted[QUERIES[-1]]
    assert predicted.low < predicted.value < predicted.high
    assert vector.measured[QUERIES[-1]] == pytest.approx(predicted.value, abs=0.1)
    assert abs(nothing.measured[QUERIES[-1]] - 0.5) < 0.1
    keyed = told["biohash", "1e-2"]  # impostors bring keys of their own
    assert keyed.needed > 5 * vector.needed
    assert abs(keyed.predicted[QUERIES[-1]].value - 0.5) < 0.15
    files = render("generated", "gender", 200, lines)
    assert "| cosine   | 1e-2" in files["bound-generated-gender.md"]
    assert files["bound-generated-gender.svg"].startswith("<svg xmlns")
