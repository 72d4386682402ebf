"""Online attacks: what they recover, and that they keep to the budget."""

from functools import partial

import numpy as np
import pytest
from mote_attacks.attributes.from_online_access import LogisticOnScores, VoteOfAcceptedFaces
from mote_attacks.inversion.decision_evolution import EvolutionFromDecisions
from mote_attacks.inversion.online_decisions import BoundaryFromDecisions
from mote_attacks.inversion.online_scores import HillClimbFromScores, LeastSquaresFromScores
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.controls.noise import Noise
from mote_baselines.plain.cosine import Cosine
from mote_baselines.plain.cosine_forms import CosinePCA

from mote_bench.contracts import Access, Evidence, Knowledge, Shadow
from mote_bench.questions import WhichClass, WhichFace
from mote_bench.toolkit import QueryOracle, draw_keys, unit
from populations import gaussian_faces
from rejecting import RejectsAll

D = 32
FACES = gaussian_faces(500, 1, dimension=D)
TARGETS, SHADOW, PUBLIC = (FACES.rows(np.arange(*ends)) for ends in ((0, 40), (40, 140), (140, 500)))
GENDER = WhichClass("gender", ("female", "male"))


def online(scheme, access, budget, threshold=None):
    scheme.fit(PUBLIC, seed=0)
    templates = scheme.enroll(TARGETS.embeddings, keys=None, seeds=range(40))
    own = tuple(scheme.enroll(SHADOW.embeddings, keys=None, seeds=range(100)))
    if threshold is None:
        threshold = float(np.quantile(scheme.score(own, PUBLIC.embeddings, keys=None), 0.99))
    oracle = QueryOracle(scheme, templates, keys=None, access=access, threshold=threshold, budget=budget)
    shadow = Shadow(SHADOW, own, None)
    return oracle, Evidence(Knowledge.ALGORITHM, oracle=oracle, scheme=scheme, public=PUBLIC, shadow=shadow)


def cosines(answer):
    mean = PUBLIC.embeddings.mean(axis=0)
    return (unit(unit(answer) - mean) * unit(TARGETS.embeddings - mean)).sum(axis=1)


def answer(attack, evidence, question=None):
    return attack.answer(question or WhichFace(D), evidence, np.random.default_rng(0))


@pytest.mark.parametrize("scheme", [Cosine, partial(CosinePCA, share=1.0)])
def test_two_queries_a_dimension_solve_a_cosine(scheme):
    """Whether cosines are taken from the origin or from the mean face."""
    oracle, evidence = online(scheme(), Access.SCORES, 8 * D)
    assert cosines(answer(LeastSquaresFromScores(), evidence)).min() > 0.99
    assert oracle.used.tolist() == [2 * D] * 40


def test_equations_of_a_scheme_that_rejects_every_query_give_a_face_for_each_subject():
    """One answer for all would be refused as an attack that did not move."""
    _, evidence = online(RejectsAll(), Access.SCORES, 8 * D)
    faces = answer(LeastSquaresFromScores(), evidence)
    assert np.isfinite(faces).all()
    assert len(np.unique(faces, axis=0)) == len(faces)
    assert abs(cosines(faces).mean()) < 0.15


@pytest.mark.parametrize("attack", [BoundaryFromDecisions, EvolutionFromDecisions])
def test_decisions_that_reject_every_face_give_a_face_for_each_subject(attack):
    _, evidence = online(RejectsAll(), Access.DECISIONS, 64 * D, threshold=0.5)
    faces = answer(attack(), evidence)
    assert len(np.unique(faces, axis=0)) == len(faces)
    assert abs(cosines(faces).mean()) < 0.15


def test_climbing_gets_near_within_the_budget():
    oracle, evidence = online(Cosine(), Access.SCORES, 8 * D)
    assert cosines(answer(HillClimbFromScores(), evidence)).mean() > 0.7
    assert oracle.used.max() <= 8 * D


@pytest.mark.parametrize(("attack", "near"), [(BoundaryFromDecisions, 0.95), (EvolutionFromDecisions, 0.9)])
def test_decisions_alone_lead_to_the_face(attack, near):
    oracle, evidence = online(Cosine(), Access.DECISIONS, 64 * D)
    found = answer(attack(), evidence)
    assert (cosines(found) > near).mean() >= 0.9
    assert oracle.used.max() <= 64 * D


def test_evolution_forgives_scores_in_steps():
    """Bisection trusts every answer, and a hash's scores jump; the keys are stolen."""
    scheme, rng = BioHash().fit(PUBLIC, seed=0), np.random.default_rng(0)
    keys, own_keys = draw_keys(40, rng), draw_keys(100, rng)
    templates = scheme.enroll(TARGETS.embeddings, keys=keys, seeds=range(40))
    own = tuple(scheme.enroll(SHADOW.embeddings, keys=own_keys, seeds=range(100)))
    threshold, reached = float(np.quantile(scheme.score(own, PUBLIC.embeddings, keys=own_keys), 0.99)), {}
    for attack in (BoundaryFromDecisions, EvolutionFromDecisions):
        oracle = QueryOracle(scheme, templates, keys=keys, access=Access.DECISIONS, threshold=threshold, budget=64 * D)
        shadow = Shadow(SHADOW, own, own_keys)
        evidence = Evidence(Knowledge.STOLEN_KEY, oracle=oracle, scheme=scheme, public=PUBLIC, shadow=shadow)
        reached[attack] = cosines(answer(attack(), evidence)).mean()
    assert reached[EvolutionFromDecisions] > reached[BoundaryFromDecisions] + 0.03


@pytest.mark.parametrize("attack", [LeastSquaresFromScores, HillClimbFromScores])
def test_scores_of_nothing_tell_nothing(attack):
    _, evidence = online(Noise(), Access.SCORES, 8 * D)
    assert abs(cosines(answer(attack(), evidence)).mean()) < 4 / np.sqrt(40 * D)


@pytest.mark.parametrize("attack", [BoundaryFromDecisions, EvolutionFromDecisions])
def test_decisions_about_nothing_tell_nothing(attack):
    _, evidence = online(Noise(), Access.DECISIONS, 64 * D)
    assert abs(cosines(answer(attack(), evidence)).mean()) < 4 / np.sqrt(40 * D)


@pytest.mark.parametrize("attack", [BoundaryFromDecisions, EvolutionFromDecisions])
def test_a_budget_too_small_for_a_pass_is_kept(attack):
    oracle, evidence = online(Cosine(), Access.DECISIONS, 100)
    assert np.isfinite(answer(attack(), evidence)).all()
    assert oracle.used.max() <= 100


def test_classes_by_online_access():
    truth = (TARGETS.attributes["gender"] == "male").astype(int)
    for attack, access in ((LogisticOnScores(), Access.SCORES), (VoteOfAcceptedFaces(), Access.DECISIONS)):
        _, evidence = online(Cosine(), access, 64 * D)
        assert (answer(attack, evidence, GENDER).argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.parametrize("attack", [BoundaryFromDecisions, EvolutionFromDecisions])
def test_the_same_again(attack):
    first, second = (answer(attack(), online(Cosine(), Access.DECISIONS, 64 * D)[1]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
