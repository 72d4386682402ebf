"""The density of how images of one person differ, and the choice of its bandwidth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neighbors import KernelDensity

from mote_bench.mote import kde
from mote_bench.mote.kde import BANDWIDTHS, Density, cross_validated, held_out_log_likelihoods, residuals

# leaf_size=1000 makes sklearn compare every pair: walking its tree, release 1.9 is off by up to 12 in the log density
# of the points below.


def simplex(points: int, distance: float) -> np.ndarray:
    """Points that are all ``distance`` apart, in as many dimensions."""
    return (np.eye(points) * distance / np.sqrt(2)).astype(np.float32)


def test_candidates_are_the_released_forty() -> None:
    assert len(BANDWIDTHS) == 40
    assert BANDWIDTHS[[0, -1]] == pytest.approx([10**-2.5, 10**0.4])


def test_log_likelihood_equals_sklearn(rng: np.random.Generator) -> None:
    points, queries = rng.standard_normal((300, 7)).astype(np.float32), rng.standard_normal((1100, 7))
    ours = Density(points, 0.3).log_likelihood(queries)
    sklearn = KernelDensity(bandwidth=0.3, leaf_size=1000).fit(points).score_samples(queries)
    np.testing.assert_allclose(ours, sklearn, atol=1e-5)


def test_log_likelihood_far_from_every_point_does_not_underflow() -> None:
    density = Density(np.zeros((1, 2), dtype=np.float32), 0.01)
    # log N((3,4); 0, 0.01^2 I) = -25/(2*1e-4) - log(2 pi 1e-4) = -125000 - log(2 pi 1e-4)
    expected = -125000 - np.log(2 * np.pi * 1e-4)
    assert density.log_likelihood(np.array([[3.0, 4.0]]))[0] == pytest.approx(expected)


@pytest.mark.parametrize("index", [5, 20, 35])
def test_bandwidth_recovers_the_known_optimum(index: int, rng: np.random.Generator) -> None:
    # All points are a apart in d dimensions, so every left-out point has the log-likelihood
    # -d/2 log(2 pi h^2) - a^2/(2 h^2); its derivative in h is 0 at h = a/sqrt(d).
    d = 30
    points = simplex(d, BANDWIDTHS[index] * np.sqrt(d))
    assert cross_validated(points, person=np.arange(d), rng=rng).bandwidth == BANDWIDTHS[index]


def test_two_images_of_one_person_never_stand_on_both_sides(rng: np.random.Generator) -> None:
    # Every image twice: were the copies split, the smallest bandwidth would be best.
    d = 30
    points = np.repeat(simplex(d, BANDWIDTHS[20] * np.sqrt(d)), 2, axis=0)
    assert cross_validated(points, person=np.repeat(np.arange(d), 2), rng=rng).bandwidth == BANDWIDTHS[20]


def test_scores_equal_sklearns_grid_search_on_the_same_folds() -> None:
    person = np.repeat(np.arange(40), 3)
    points = (np.random.default_rng(3).standard_normal((120, 5)) * 0.2).astype(np.float32)
    ours = held_out_log_likelihoods(points, person=person, rng=np.random.default_rng(7))
    fold = (np.random.default_rng(7).permutation(40) % 5)[person]
    estimator = KernelDensity(leaf_size=1000)
    grid = GridSearchCV(estimator, {"bandwidth": BANDWIDTHS}, cv=PredefinedSplit(fold)).fit(points)
    # sklearn gives the mean of the five folds' sums.
    np.testing.assert_allclose(ours / 5, grid.cv_results_["mean_test_score"], rtol=1e-6)


def test_large_populations_are_thinned_by_people(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    d = 30
    points, person = np.repeat(simplex(d, BANDWIDTHS[20] * np.sqrt(d)), 4, axis=0), np.repeat(np.arange(d), 4)
    monkeypatch.setattr(kde, "MOST_IMAGES", 50)
    rows = kde._few_images(person, rng)
    people, images = np.unique(person[rows], return_counts=True)
    assert len(people) == 12  # 12 people x 4 images = 48 are the most that fit into 50
    assert (images == 4).all()
    assert len(cross_validated(points, person=person, rng=rng).points) == len(points)


def test_one_person_cannot_be_cross_validated(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="1 people"):
        cross_validated(np.eye(3, dtype=np.float32), person=np.zeros(3, dtype=int), rng=rng)


def test_residuals_by_hand() -> None:
    embeddings = np.array([[1, 0], [3, 0], [5, 5], [0, 2], [0, 4], [0, 6]], dtype=np.float32)
    # Person 0: centroid (2, 0); person 1, one image: centroid itself; person 2: centroid (0, 4).
    expected = [[-1, 0], [1, 0], [0, 0], [0, -2], [0, 0], [0, 2]]
    np.testing.assert_array_equal(residuals(embeddings, np.array([0, 0, 1, 2, 2, 2])), expected)


def test_samples_have_the_spread_of_points_and_bandwidth(rng: np.random.Generator) -> None:
    points = np.array([[-1, 0], [1, 0]], dtype=np.float32)
    drawn = Density(points, 0.5).sample(40_000, rng)
    assert drawn.dtype == np.float32
    # Variance: 1 + 0.25 along the points, 0.25 across; its standard error at n = 40,000 is under 0.01.
    np.testing.assert_allclose(drawn.var(axis=0), [1.25, 0.25], atol=0.03)
    np.testing.assert_allclose(drawn.mean(axis=0), [0, 0], atol=0.03)
