"""The likelihood ratio of posteriors against the densities of a joint normal distribution."""

import numpy as np
import pytest
from mote_attacks._shared.face_model import FaceModel
from mote_attacks._shared.posterior import beliefs
from mote_attacks.linkage.posterior import ratios
from scipy.stats import multivariate_normal

from mote_bench.contracts import Linear

D, NOISE = 3, 0.5


@pytest.mark.parametrize("noises", [[NOISE] * 4, [NOISE, 0.1, 1.0, 2.0]], ids=["alike", "different"])
def test_the_ratio_is_that_of_two_covariances(noises: list[float]) -> None:
    """Records show the coordinates with noise: of one subject they share the covariance between subjects."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((D, D))
    between = root @ root.T / np.linalg.eigvalsh(root @ root.T).max() * 0.9
    model = FaceModel(np.zeros(D), np.eye(D), between)
    one, other = rng.standard_normal((2, 4, D))
    first, second = (
        beliefs([Linear(np.eye(D), row, noise) for row, noise in zip(rows, given, strict=True)], model)
        for rows, given in ((one, noises), (other, [NOISE] * 4))
    )
    right = (1 + NOISE**2) * np.eye(D)
    expected = np.empty((4, 4))
    for i, (a, noise) in enumerate(zip(one, noises, strict=True)):
        left = (1 + noise**2) * np.eye(D)
        same = multivariate_normal(np.zeros(2 * D), np.block([[left, between], [between, right]]))
        alone, other_alone = (multivariate_normal(np.zeros(D), own) for own in (left, right))
        expected[i] = [same.logpdf(np.append(a, b)) - alone.logpdf(a) - other_alone.logpdf(b) for b in other]
    np.testing.assert_allclose(ratios(first, second, model), expected, atol=1e-8)
    np.testing.assert_allclose(ratios(second, first, model), expected.T, atol=1e-8)
