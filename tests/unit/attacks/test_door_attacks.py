"""Attacks at the door of the running system: what they recover, and that they keep to the budget."""

import numpy as np
import pytest
from mote_attacks.attributes_at_the_door import FromScores
from mote_attacks.decision_queries import Boundary, Vote
from mote_attacks.score_queries import Climb, Solve
from mote_baselines.cosine import Cosine
from mote_baselines.cosine_forms import HalfPrecision
from mote_baselines.noise import Noise

from mote_bench.contracts import Access, Evidence, Knowledge, Shadow, WhichClass, WhichFace
from mote_bench.door import Door
from mote_bench.toolkit import unit
from populations import gaussian_faces

D = 32
FACES = gaussian_faces(500, 1, dimension=D)
VICTIMS, SHADOW, PUBLIC = (FACES.rows(np.arange(*ends)) for ends in ((0, 40), (40, 140), (140, 500)))
GENDER = WhichClass("gender", ("female", "male"))


def at_the_door(scheme, access, budget):
    scheme.fit(PUBLIC, seed=0)
    templates = scheme.enroll(VICTIMS.embeddings, keys=None, seeds=range(40))
    own = tuple(scheme.enroll(SHADOW.embeddings, keys=None, seeds=range(100)))
    threshold = float(np.quantile(scheme.score(own, PUBLIC.embeddings, keys=None), 0.99))
    door = Door(scheme, templates, keys=None, access=access, threshold=threshold, budget=budget)
    shadow = Shadow(SHADOW, own, None)
    return door, Evidence(Knowledge.ALGORITHM, oracle=door, scheme=scheme, public=PUBLIC, shadow=shadow)


def cosines(answer):
    mean = PUBLIC.embeddings.mean(axis=0)
    return (unit(unit(answer) - mean) * unit(VICTIMS.embeddings - mean)).sum(axis=1)


def answer(attack, evidence, question=None):
    return attack.answer(question or WhichFace(D), evidence, np.random.default_rng(0))


@pytest.mark.parametrize("scheme", [Cosine, HalfPrecision])
def test_two_queries_a_dimension_solve_a_cosine(scheme):
    """Whether cosines are taken from the origin or from the mean face."""
    door, evidence = at_the_door(scheme(), Access.SCORES, 8 * D)
    assert cosines(answer(Solve(), evidence)).min() > 0.99
    assert door.used.tolist() == [2 * D] * 40


def test_climbing_gets_near_within_the_budget():
    door, evidence = at_the_door(Cosine(), Access.SCORES, 8 * D)
    assert cosines(answer(Climb(), evidence)).mean() > 0.7
    assert door.used.max() <= 8 * D


def test_decisions_alone_lead_to_the_face():
    door, evidence = at_the_door(Cosine(), Access.DECISIONS, 64 * D)
    found = answer(Boundary(), evidence)
    assert (cosines(found) > 0.95).mean() >= 0.9
    assert door.used.max() <= 64 * D


@pytest.mark.parametrize("attack", [Solve, Climb])
def test_scores_of_nothing_tell_nothing(attack):
    _, evidence = at_the_door(Noise(), Access.SCORES, 8 * D)
    assert abs(cosines(answer(attack(), evidence)).mean()) < 4 / np.sqrt(40 * D)


def test_a_budget_too_small_for_a_pass_is_kept():
    door, evidence = at_the_door(Cosine(), Access.DECISIONS, 100)
    assert np.isfinite(answer(Boundary(), evidence)).all()
    assert door.used.max() <= 100


def test_classes_at_the_door():
    truth = (VICTIMS.attributes["gender"] == "male").astype(int)
    for attack, access in ((FromScores(), Access.SCORES), (Vote(), Access.DECISIONS)):
        _, evidence = at_the_door(Cosine(), access, 64 * D)
        assert (answer(attack, evidence, GENDER).argmax(axis=1) == truth).mean() > 0.9


def test_the_same_again():
    first, second = (answer(Boundary(), at_the_door(Cosine(), Access.DECISIONS, 64 * D)[1]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
