"""The likelihood ratio of posteriors against the densities of a joint normal distribution."""

import numpy as np
from mote_attacks._shared.face_model import FaceModel
from mote_attacks._shared.posterior import beliefs
from mote_attacks.linkage.posterior import ratios
from scipy.stats import multivariate_normal

from mote_bench.contracts import Linear

D, NOISE = 3, 0.5


def test_the_ratio_is_that_of_two_covariances():
    """Records show the coordinates with noise: of one subject they share the covariance between subjects."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((D, D))
    between = root @ root.T / np.linalg.eigvalsh(root @ root.T).max() * 0.9
    model = FaceModel(np.zeros(D), np.eye(D), between)
    one, other = rng.standard_normal((2, 4, D))
    first, second = (beliefs([Linear(np.eye(D), row, NOISE) for row in rows], model) for rows in (one, other))
    own = (1 + NOISE**2) * np.eye(D)
    same = multivariate_normal(np.zeros(2 * D), np.block([[own, between], [between, own]]))
    alone = multivariate_normal(np.zeros(D), own)
    expected = [[same.logpdf(np.append(a, b)) - alone.logpdf(a) - alone.logpdf(b) for b in other] for a in one]
    np.testing.assert_allclose(ratios(first, second, model), expected, atol=1e-8)
