"""The posterior from few scores: what the formula says, what a score's noise does to it, and with fewer queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mote_attacks._shared.prior import Prior
from mote_attacks.inversion.few_scores import PosteriorFromFewScores, _Line
from mote_baselines.controls.noise import Noise
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Access, Evidence, Knowledge, Limits, Shadow
from mote_bench.questions import WhichFace
from mote_bench.toolkit import QueryOracle
from populations import gaussian_faces
from rejecting import RejectsAll


def test_the_expected_embedding_is_that_of_the_joint_gaussian() -> None:
    rng = np.random.default_rng(0)
    half = rng.standard_normal((3, 3))
    prior = Prior(np.array([0.3, -0.2, 0.5]), np.linalg.cholesky(half @ half.T + np.eye(3)))
    probes, line = rng.standard_normal((2, 3)), _Line(0.4, 1.7, 0.3)
    covariance = prior.axes @ prior.axes.T
    # Scores and embedding are jointly Gaussian: condition the block matrix.
    cross = line.slope * covariance @ probes.T
    own = line.slope**2 * probes @ covariance @ probes.T + line.noise**2 * np.eye(2)
    scores = np.array([[0.9, -0.1]])
    expected = cross @ np.linalg.inv(own) @ (scores[0] - line.offset - line.slope * probes @ prior.mean)
    np.testing.assert_allclose(line.posterior(prior, probes)(scores)[0], expected, rtol=1e-10)


def test_a_line_through_scores_is_found() -> None:
    rng = np.random.default_rng(1)
    products = rng.normal(0.5, 0.2, (200, 30))
    line = _Line.fitted(products, 3 + 20 * products + rng.normal(0, 0.5, products.shape))
    assert line.slope == pytest.approx(20, rel=0.01)
    assert line.offset == pytest.approx(3, abs=0.1)
    assert line.noise == pytest.approx(0.5, rel=0.03)


def evidence(scheme, budget: int) -> tuple[Evidence, np.ndarray]:
    faces = gaussian_faces(300, 2, dimension=32)
    people = [faces.rows(np.arange(start, end)) for start, end in ((0, 80), (80, 240), (240, 600))]
    target, shadow, public = people
    fitted = scheme.fit(public, seed=0)

    def enrolled(references, first):
        return tuple(fitted.enroll(references, keys=None, seeds=range(first, first + len(references))))

    oracle = QueryOracle(
        fitted, enrolled(target.embeddings, 0), keys=None, access=Access.SCORES, threshold=None, budget=budget
    )
    own = Shadow(shadow, enrolled(shadow.embeddings, 1000), None)
    given = Evidence(Knowledge.ALGORITHM, scheme=fitted, public=public, shadow=own, oracle=oracle)
    mean = public.embeddings.mean(axis=0)
    return given, target.embeddings - mean


def cosines(scheme, budget: int, limits: Limits | None = None) -> float:
    given, truth = evidence(scheme, budget)
    if limits is not None:
        given = replace(given, oracle=given.oracle.under(limits, gap=0.5, rng=np.random.default_rng(3)))
    answer = PosteriorFromFewScores().answer(WhichFace(32), given, np.random.default_rng(2))
    assert given.oracle.used.max() <= budget
    found = answer - given.public.embeddings.mean(axis=0)
    return float(np.mean((found * truth).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(truth, axis=1)))


def test_more_queries_say_more_and_all_axes_say_all() -> None:
    few, more, every = (cosines(Cosine(), budget) for budget in (4, 12, 64))
    assert few < more < every
    assert few > 0.2
    assert every > 0.999


def test_nothing_is_found_where_scores_hold_nothing() -> None:
    assert abs(cosines(Noise(), 64)) < 0.15


def test_where_every_query_is_rejected_the_answers_stand_at_chance() -> None:
    assert abs(cosines(RejectsAll(), 16)) < 0.1


def test_an_error_of_the_scores_adds_to_the_variance_of_the_line() -> None:
    assert _Line(0.0, 2.0, 0.3).with_error(0.4).noise == pytest.approx(0.5)
    assert _Line(0.0, 2.0, 0.3).with_error(0.0) == _Line(0.0, 2.0, 0.3)


class Quarter(Cosine):
    """Scores up to a quarter: all of them round to zero."""

    def score(self, templates, probes, *, keys):
        return 0.25 * super().score(templates, probes, keys=keys)


def test_fewer_digits_and_more_noise_leave_less_and_no_digit_leaves_chance() -> None:
    found = [cosines(Quarter(), 64, Limits(digits=digits)) for digits in (0, 1, 2)]
    assert abs(found[0]) < 0.15
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.95
    noisy = [cosines(Cosine(), 64, Limits(noise=share)) for share in (1.0, 0.1)]
    assert noisy[0] < noisy[1]


def test_rounding_is_overcome_by_more_queries_than_axes() -> None:
    assert cosines(Cosine(), 256, Limits(digits=1)) > cosines(Cosine(), 32, Limits(digits=1))
