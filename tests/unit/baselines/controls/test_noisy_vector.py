"""The levels of noise: their order, their size, and what an attacker who knows it is told."""

from __future__ import annotations

import numpy as np
import pytest
from mote_baselines.controls.noisy_vector import NoisyVector
from mote_baselines.suppression.dp_noise import GaussianMechanism

from mote_bench import registry
from mote_bench.contracts import NOISE_LEVELS
from mote_bench.toolkit import unit
from populations import gaussian_faces

FACES = gaussian_faces(400, 1, dimension=64, seed=3)


def test_the_levels_are_registered_and_rise_by_the_number_in_their_names() -> None:
    sigmas = [registry.load("schemes", name).sigma for name in NOISE_LEVELS]
    assert sigmas == [int(name.removeprefix("noisy-vector-")) / 100 for name in NOISE_LEVELS]
    assert sigmas == sorted(sigmas)
    assert len(sigmas) >= 8
    registered = {
        entry.name for entry in registry.names("schemes") if entry.target.startswith("mote_baselines.controls.noisy")
    }
    assert registered == set(NOISE_LEVELS)


@pytest.mark.parametrize("sigma", [0.05, 0.4])
def test_references_have_the_noise_and_probes_have_none(sigma: float) -> None:
    """64 values of 400 references: the standard deviation is known to a hundredth; probes score as directions."""
    scheme = NoisyVector(sigma=sigma).fit(FACES, seed=0)
    templates = scheme.enroll(FACES.embeddings, keys=None, seeds=range(400))
    mean = FACES.embeddings.mean(axis=0, dtype=np.float64)
    direction = unit(FACES.embeddings - mean)
    stored = np.frombuffer(b"".join(templates), dtype="<f4").reshape(400, 64)
    assert (stored - direction).std() == pytest.approx(sigma, rel=0.02)
    np.testing.assert_allclose(
        scheme.score(templates, FACES.embeddings, keys=None), unit(stored) @ direction.T, atol=1e-4
    )


def test_the_likelihood_states_the_noise() -> None:
    """In units of its spread, what a template misses of the face has a standard deviation of 1."""
    scheme = NoisyVector(sigma=0.2).fit(FACES, seed=0)
    templates = scheme.enroll(FACES.embeddings, keys=None, seeds=range(400))
    told = list(scheme.likelihood(templates, keys=None))
    missed = [(one.values - one.matrix @ face) / one.spread for one, face in zip(told, FACES.embeddings, strict=True)]
    assert np.std(missed) == pytest.approx(1, rel=0.03)


def test_the_gaussian_mechanism_is_a_level_of_its_own() -> None:
    """Templates are the same, byte for byte, where the size of the noise is."""
    mechanism = GaussianMechanism(epsilon=100).fit(FACES, seed=0)
    level = NoisyVector(sigma=mechanism.sigma).fit(FACES, seed=0)
    ours, theirs = (one.enroll(FACES.embeddings[:3], keys=None, seeds=range(3)) for one in (level, mechanism))
    assert ours == theirs


@pytest.mark.parametrize("sigma", [0.0, -0.1, float("nan"), float("inf")])
def test_noise_of_no_size_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match="expected a number above 0"):
        NoisyVector(sigma=sigma)
