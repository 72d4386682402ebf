"""The posterior from few decisions: the update by hand, the order of first faces, and what limits leave."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from mote_attacks._shared.acceptance_link import Link, _probit
from mote_attacks._shared.half_space_filter import HalfSpaceFilter
from mote_attacks._shared.prior import Prior
from mote_attacks.inversion.few_decisions import (
    _ANGLES,
    PosteriorFromFewDecisions,
    _first_faces,
    _normal,
    _Session,
    _Space,
)
from mote_baselines.controls.noise import Noise
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Access, Evidence, Faces, Knowledge, Limits, Shadow
from mote_bench.questions import WhichFace
from mote_bench.toolkit import QueryOracle, unit
from populations import gaussian_faces


def test_an_exact_half_space_leaves_half_of_a_standard_normal() -> None:
    belief = HalfSpaceFilter(np.eye(2))
    belief.see(np.array([1.0, 0.0]), 0.0, 1e-9, accepted=True)
    # The mean of a half-normal is sqrt(2 / pi), its variance 1 - 2 / pi; the other coordinate isn't touched.
    assert belief.mean == pytest.approx([np.sqrt(2 / np.pi), 0])
    np.testing.assert_allclose(belief.covariance, np.diag([1 - 2 / np.pi, 1]), atol=1e-9)


def test_a_rejection_mirrors_an_acceptance() -> None:
    accepted, rejected = HalfSpaceFilter(np.eye(2)), HalfSpaceFilter(np.eye(2))
    accepted.see(np.array([0.6, 0.8]), 0.0, 0.5, accepted=True)
    rejected.see(np.array([0.6, 0.8]), 0.0, 0.5, accepted=False)
    np.testing.assert_allclose(accepted.mean, -rejected.mean)
    np.testing.assert_allclose(accepted.covariance, rejected.covariance)


def test_the_link_of_a_known_curve_is_found() -> None:
    rng = np.random.default_rng(0)
    products = rng.normal(0.2, 0.3, 20000)
    accepted = products + rng.normal(0, 0.1, len(products)) >= 0.4
    bound, width, _ = _probit(products, accepted)
    assert bound == pytest.approx(0.4, abs=0.01)
    assert width == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("centred", [False, True])
def test_the_chances_of_turned_faces_are_those_of_the_link(centred: bool) -> None:
    rng = np.random.default_rng(0)
    prior = Prior.of(unit(rng.standard_normal((50, 6)) + 2))
    space = _Space.of(prior, Link(prior.mean, centred, 0.3, 0.1, 0.2))
    belief = HalfSpaceFilter(space.covariance)
    belief.mean = 0.1 * rng.standard_normal(7)
    belief.see(rng.standard_normal(7), 0.1, 0.3, accepted=True)
    face, sideways = space.expected(belief), rng.standard_normal((3, 6))
    sideways = unit(sideways - (sideways @ face)[:, None] * face)
    h = space.link.directions(
        (np.cos(_ANGLES)[:, None] * face + np.sin(_ANGLES)[:, None] * sideways[:, None]).reshape(-1, 6)
    )
    along = space.coordinates(h)
    spread = np.sqrt(np.einsum("ij,ij->i", along @ belief.covariance, along) + space.width**2)
    due = _normal((along @ belief.mean - space.link.bounds(h)) / spread).reshape(3, -1)
    np.testing.assert_allclose(space._chances(belief, face, sideways), due, atol=1e-12)


def test_first_faces_come_from_the_largest_crowd_first() -> None:
    """Sixty faces about one axis, thirty about another, fifteen about a third; a face accepts only its own crowd."""
    rng = np.random.default_rng(0)
    crowds = np.repeat([0, 1, 2], [60, 30, 15])
    public = Faces(np.eye(3)[crowds] + 0.01 * rng.standard_normal((105, 3)))
    link = Link(np.zeros(3), False, 0.9, 0.01)
    faces = _first_faces(public, Prior.of(public.embeddings), link, 3, rng)
    assert np.abs(faces).argmax(axis=1).tolist() == [0, 1, 2]


@cache
def evidence(scheme: type, budget: int) -> tuple[Evidence, np.ndarray]:
    faces = gaussian_faces(300, 2, dimension=16)
    target, shadow, public = (faces.rows(np.arange(start, end)) for start, end in ((0, 24), (80, 240), (240, 600)))
    fitted = scheme().fit(public, seed=0)

    def enrolled(references, first):
        return tuple(fitted.enroll(references, keys=None, seeds=range(first, first + len(references))))

    own = Shadow(shadow, enrolled(shadow.embeddings, 1000), None)
    threshold = float(np.quantile(fitted.score(own.templates, public.embeddings, keys=None), 0.99))
    oracle = QueryOracle(
        fitted,
        enrolled(target.embeddings, 0),
        keys=None,
        access=Access.DECISIONS,
        threshold=threshold,
        budget=budget,
    )
    given = Evidence(Knowledge.ALGORITHM, scheme=fitted, public=public, shadow=own, oracle=oracle)
    return given, target.embeddings - public.embeddings.mean(axis=0)


def cosines(scheme: type, limits: Limits) -> float:
    given, truth = evidence(scheme, 1024)
    oracle = given.oracle.under(limits, gap=1.0, rng=np.random.default_rng(0))
    answer = PosteriorFromFewDecisions().answer(WhichFace(16), replace(given, oracle=oracle), np.random.default_rng(2))
    assert oracle.used.max() <= (limits.queries or 1024)
    found = unit(answer - given.public.embeddings.mean(axis=0))
    return float((found * unit(truth)).sum(axis=1).mean())


def test_more_queries_and_more_rejections_say_more() -> None:
    few, many = cosines(Cosine, Limits(queries=16)), cosines(Cosine, Limits(queries=256))
    assert few < many
    assert many > 0.65
    assert cosines(Cosine, Limits(queries=256, rejections=3)) < cosines(Cosine, Limits(queries=256, rejections=100))


def test_a_session_ends_with_its_queries_or_when_the_account_is_locked() -> None:
    given, _ = evidence(Cosine, 1024)
    opposite = -given.public.embeddings.mean(axis=0, keepdims=True)  # rejected by every subject
    free = _Session(given.oracle.of_budget(1024), 0, 256)
    assert free.left == 256
    assert free.ask(np.repeat(opposite, 200, axis=0)).tolist() == [False] * 200
    assert free.left == 56
    locked = _Session(given.oracle.under(Limits(rejections=3), gap=1.0, rng=np.random.default_rng(0)), 0, 256)
    assert locked.ask(np.repeat(opposite, 2, axis=0)).tolist() == [False] * 2
    assert locked.left == 254
    assert locked.ask(np.repeat(opposite, 9, axis=0)).tolist() == [False]
    assert locked.left == 0


def test_nothing_is_found_where_decisions_hold_nothing() -> None:
    assert abs(cosines(Noise, Limits(queries=64))) < 0.2
