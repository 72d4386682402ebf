"""Every built-in scheme takes embeddings of any dimension: it pads, or chooses its blocks, where it needs a form."""

from __future__ import annotations

import numpy as np
import pytest
from mote_baselines.suppression.pe_miu import PEMIU

from mote_bench import registry
from mote_bench.contracts import NOISE_LEVELS, Faces
from mote_bench.engine import dry_run, tasks
from mote_bench.toolkit import unit
from populations import gaussian_faces

DIMENSIONS = (127, 128, 192, 256, 512, 513, 2622)
FORMED = (
    "pe-miu",
    "bloom",
    "slerpface",
    "polyprotect",
    "iom-urp",
    "biohash",
    "bfv",
    "cosine-int8",
    "cosine-binary",
    "lattice-extractor",
)
"""Schemes that cut an embedding into blocks, pack it, or choose from its coordinates."""
HUGE = {"mote-features-int8", "mote-features-int4"}
"""Schemes that invert a matrix of a side four or eight times the dimension: gigabytes at 2622."""
LONG = 1024
"""From this dimension on one template is made, and not two: the layers of one key take a quarter of a minute."""
DEAR = {"lightphe-paillier"}
"""Schemes that take a hundredth of a second per value."""
ALIKE = set(NOISE_LEVELS[1:])
"""They differ from the first level by one number alone."""
SLOW = [
    (one.name, d)
    for one in registry.names("schemes")
    for d in DIMENSIONS
    if one.distribution == "mote-bench"
    and one.name not in ALIKE
    and not (one.name in HUGE and d > 513)
    and not (one.name in DEAR and d > 128)
]


def tried(scheme: str, dimension: int) -> str | None:
    """The error of fit, enrolment or scores at a dimension."""
    background = dry_run.small(gaussian_faces(60, 2, dimension=dimension))
    made = registry.load("schemes", scheme)
    references = background.embeddings[: 2 if dimension < LONG else 1]
    outcome = tasks.attempt(made, background, references, 0, 600)
    assert not outcome.timed_out
    return outcome.error


@pytest.mark.parametrize("dimension", [127, 192])
@pytest.mark.parametrize("scheme", FORMED)
def test_a_scheme_of_blocks_takes_any_dimension(scheme: str, dimension: int) -> None:
    assert tried(scheme, dimension) is None


@pytest.mark.slow(minutes=0.003)
@pytest.mark.parametrize(("scheme", "dimension"), SLOW)
def test_every_scheme_takes_every_dimension(scheme: str, dimension: int) -> None:
    assert tried(scheme, dimension) is None


@pytest.mark.parametrize("dimension", [127, 128, 130])
def test_pe_miu_with_a_short_last_block(dimension: int) -> None:
    """Zeros change no score: the template's own face has cosine 1, and the blocks come back to their places."""
    rng = np.random.default_rng(0)
    means = np.repeat(np.linspace(-0.5, 0.5, -(-dimension // 16)), 16)[:dimension]
    faces = unit(means + 0.02 * rng.standard_normal((80, dimension))).astype(np.float32)
    scheme = PEMIU(block=16).fit(Faces(faces), seed=0)
    templates = scheme.enroll(faces[:5], keys=None, seeds=range(5))
    assert {len(one) for one in templates} == {4 * 16 * -(-dimension // 16)}
    scores = scheme.score(templates, faces[:5], keys=None)
    np.testing.assert_allclose(np.diag(scores), 1, atol=1e-6)
    assert (scores >= faces[:5] @ faces[:5].T - 1e-6).all()
    solved = scheme.solve(templates, keys=None, prior=faces, rng=rng)
    np.testing.assert_allclose(solved, faces[:5], atol=1e-6)
    assert scheme.reconstruct(templates, keys=None).shape == (5, dimension)
    assert scheme.enroll(faces[:0], keys=None, seeds=[]) == []
