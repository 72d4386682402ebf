"""The running system answers, counts and refuses."""

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Access, Faces
from mote_bench.toolkit import QueryOracle


@pytest.fixture
def embeddings():
    return Faces(np.eye(3)).embeddings


def oracle(embeddings, **more):
    scheme = Cosine().fit(Faces(embeddings), seed=0)
    templates = scheme.enroll(embeddings[:2], keys=None, seeds=[0, 1])
    return QueryOracle(
        scheme, templates, **{"keys": None, "access": Access.SCORES, "threshold": 0.6, "budget": 5} | more
    )


def test_scores_are_the_schemes_and_are_counted(embeddings):
    system = oracle(embeddings)
    np.testing.assert_allclose(system.ask(embeddings), [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    assert system.used.tolist() == [3, 3]
    np.testing.assert_allclose(system.ask(embeddings[:2], 1), [0, 1], atol=1e-6)
    assert system.left.tolist() == [2, 0]


def test_only_the_direction_of_a_probe_counts(embeddings):
    np.testing.assert_allclose(oracle(embeddings).ask(7 * embeddings[0]), [[1], [0]], atol=1e-6)


def test_decisions_are_ones_and_zeros_at_the_threshold(embeddings):
    system = oracle(embeddings, access=Access.DECISIONS)
    probes = np.array([[0.6, 0.8, 0], [0.61, 0.7, 0]])
    assert system.ask(probes[0]).tolist() == [[float(np.float32(0.6) >= 0.6)], [1.0]]
    assert set(np.ravel(system.ask(probes)).tolist()) <= {0.0, 1.0}


def test_what_the_budget_forbids_is_not_asked_at_all(embeddings):
    system = oracle(embeddings)
    system.ask(embeddings, 0)
    with pytest.raises(ValueError, match="6 queries of one subject; the budget is 5"):
        system.ask(embeddings)
    assert system.used.tolist() == [3, 0]


def test_decisions_need_a_threshold(embeddings):
    with pytest.raises(ValueError, match="decisions need a threshold"):
        oracle(embeddings, access=Access.DECISIONS, threshold=None)


def test_nothing_but_the_interface_can_be_read_by_name(embeddings):
    public = {name for name in vars(oracle(embeddings)) if not name.startswith("_")}
    assert public == {"people", "budget"}


def test_the_same_system_with_another_budget_has_been_asked_nothing(embeddings):
    system = oracle(embeddings, access=Access.DECISIONS)
    system.ask(embeddings)
    fewer = system.of_budget(2)
    assert (fewer.people, fewer.budget, fewer.used.tolist()) == (2, 2, [0, 0])
    assert fewer.ask(embeddings[:2]).tolist() == [[1, 0], [0, 1]]
    assert (system.used.tolist(), system.budget) == ([3, 3], 5)
