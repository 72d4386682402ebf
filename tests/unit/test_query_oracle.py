"""The running system answers, counts and refuses."""

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Access, Faces, Limits, Released
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


def limited(embeddings, limits, *, access=Access.SCORES, gap=1.0):
    return oracle(embeddings, access=access, budget=9).under(limits, gap=gap, rng=np.random.default_rng(0))


def test_scores_are_rounded_to_the_digits_and_their_error_is_that_of_rounding(embeddings):
    probe = np.array([0.6, 0.8, 0])
    assert limited(embeddings, Limits(digits=0)).ask(probe).tolist() == [[1], [1]]
    assert limited(embeddings, Limits(digits=1)).ask(np.array([0.28, 0.96, 0])).ravel() == pytest.approx([0.3, 1.0])
    # A uniform number's variance is a twelfth of the square of its range.
    assert Released(digits=2).spread == pytest.approx(0.01 / 12**0.5)
    assert Released(digits=1, noise=0.3).spread == pytest.approx((0.09 + 0.01 / 12) ** 0.5)
    assert Released().spread == 0


def test_noise_is_stated_in_gaps_and_differs_in_each_query(embeddings):
    system = oracle(embeddings, budget=4000).under(Limits(noise=0.5), gap=0.4, rng=np.random.default_rng(0))
    assert system.released == Released(None, 0.2)
    given = system.ask(np.repeat(embeddings[:1], 4000, axis=0), 0)
    assert given.mean() == pytest.approx(1, abs=0.01)
    assert given.std() == pytest.approx(0.2, rel=0.05)


def test_the_gap_is_the_mean_genuine_less_the_mean_impostor_score(embeddings):
    system = oracle(embeddings)
    templates = Cosine().fit(Faces(embeddings), seed=0).enroll(embeddings[:2], keys=None, seeds=[0, 1])
    probes = np.array([[0.8, 0.6, 0], [0, 0.6, 0.8]])
    # Genuine 0.8 and 0.6; impostor: the second probe on the first template 0, the first on the second 0.6.
    assert system.gap(templates, probes, keys=None) == pytest.approx(0.7 - 0.3)


def test_after_so_many_rejections_everything_is_rejected_unseen(embeddings):
    system = limited(embeddings, Limits(rejections=2), access=Access.DECISIONS)
    mine, others = embeddings[0], embeddings[1]
    # Rejected, accepted, rejected (the second: locked), and then the account's own face is rejected too.
    assert system.ask(np.stack([others, mine, others, mine]), 0).tolist() == [0, 1, 0, 0]
    assert system.used.tolist() == [3, 0]
    assert system.left.tolist() == [0, 9]
    assert system.ask(mine, 0).tolist() == [0]
    assert system.used.tolist() == [3, 0]
    assert system.rejections == 2


def test_an_acceptance_does_not_set_the_count_of_rejections_back(embeddings):
    system = limited(embeddings, Limits(rejections=2), access=Access.DECISIONS)
    for probe, decision in ((1, 0), (0, 1), (1, 0), (0, 0)):
        assert system.ask(embeddings[probe], 0).tolist() == [decision]


def test_both_accounts_are_locked_each_by_its_own_rejections(embeddings):
    system = limited(embeddings, Limits(rejections=1), access=Access.DECISIONS)
    # Account 0 is asked with its own face first, account 1 with another's.
    assert system.ask(embeddings[:2]).tolist() == [[1, 0], [0, 0]]
    assert system.left.tolist() == [0, 0]
    assert system.used.tolist() == [2, 1]


def test_a_limit_of_queries_is_a_smaller_budget_and_limits_start_anew(embeddings):
    system = oracle(embeddings)
    system.ask(embeddings, 0)
    fresh = system.under(Limits(queries=2), gap=0.0, rng=np.random.default_rng(0))
    assert (fresh.budget, fresh.used.tolist()) == (2, [0, 0])
    with pytest.raises(ValueError, match="3 queries of one subject; the budget is 2"):
        fresh.ask(embeddings)
    assert system.under(Limits(queries=99), gap=0.0, rng=np.random.default_rng(0)).budget == 5
