"""The evolution strategy: within its budget, and a generation by hand."""

import numpy as np
import pytest
from mote_attacks.inversion.score_evolution import EvolutionFromScores, _State, _Strategy

from mote_bench.contracts import Access, Evidence, Faces, Knowledge, Shadow
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit


class Bowl:
    """An oracle whose scores fall with the distance from a point, monotonely bent."""

    def __init__(self, centres, budget):
        self.centres, self.people, self.budget, self.used = centres, len(centres), budget, np.zeros(len(centres), int)

    @property
    def left(self):
        return self.budget - self.used

    def ask(self, probes, person=None):
        rows = slice(None) if person is None else slice(person, person + 1)
        self.used[rows] += len(probes)
        assert self.used.max() <= self.budget
        answers = np.exp(5 * self.centres[rows] @ np.asarray(probes, dtype=float).T)
        return answers if person is None else answers[0]


def test_the_evolution_strategy_climbs_within_its_budget():
    rng, d = np.random.default_rng(5), 16
    public, centres = unit(rng.standard_normal((400, d))), unit(rng.standard_normal((5, d)))
    oracle = Bowl(centres, 60 * d)
    evidence = Evidence(
        Knowledge.ALGORITHM,
        oracle=oracle,
        public=Faces(public),
        shadow=Shadow(Faces(public[:2]), (b"", b""), None),
    )
    assert EvolutionFromScores.access is Access.SCORES
    found = EvolutionFromScores().answer(WhichFace(d), evidence, np.random.default_rng(0))
    assert (unit(found) * centres).sum(axis=1).min() > 0.95
    assert oracle.used.max() <= 60 * d


def test_a_generation_by_hand():
    """All parents at one point: the mean moves there, one step long; nothing else sets the direction."""
    strategy = _Strategy.of(4)
    assert strategy.weights.sum() == pytest.approx(1)
    start = _State.at(np.zeros((1, 4)))
    moves = np.tile([2.0, 0, 0, 0], (1, len(strategy.weights), 1))
    after = strategy.next(start, moves)
    np.testing.assert_allclose(after.place, [[1.0, 0, 0, 0]])  # half a standard deviation a step
    assert after.scale[0, 0] > after.scale[0, 1]
    assert after.step[0] > start.step[0]
