"""Figures of a population: planted attributes are read, random ones are not, identical photos make no error."""

from __future__ import annotations

import numpy as np

from mote_bench.faces import census

RNG = np.random.default_rng(0)


def test_planted_and_random_attributes():
    people, photos, dimension = 120, 3, 24
    heads = RNG.standard_normal((people, dimension))
    rows = np.repeat(heads, photos, axis=0) + 0.05 * RNG.standard_normal((people * photos, dimension))
    planted = np.repeat(np.where(heads[:, 0] > 0, "up", "down"), photos)
    random = np.repeat(RNG.choice(["a", "b"], people), photos)
    identity = np.repeat([f"p{k}" for k in range(people)], photos)
    made = census.measured(rows, identity, {"planted": planted, "random": random})
    assert made["eer"].value == 0
    assert made["eer"].n == people
    assert made["planted"].value > 0.9
    assert made["random"].low < 0.5 < made["random"].high
    assert made["random"].chance == 0.5
