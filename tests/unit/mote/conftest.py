"""Small people, nets and recipes for the tests of MOTE."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.contracts import Faces
from mote_bench.mote.kde import Density
from mote_bench.mote.recipe import Crowd, Recipe
from mote_bench.mote.scheme import MOTE
from populations import gaussian_faces


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20250526)


@pytest.fixture(scope="session")
def background() -> Faces:
    return gaussian_faces(60, 4, dimension=16)


@pytest.fixture(scope="session")
def subjects() -> Faces:
    """The people to be enrolled and to be probed with: one image each."""
    return gaussian_faces(40, 1, dimension=16, seed=1)


@pytest.fixture(scope="session")
def fitted(background: Faces) -> MOTE:
    return MOTE(hidden=(24, 16), epochs=4).fit(background, seed=0)


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(hidden=(24, 16), epochs=3)


@pytest.fixture
def crowds(rng: np.random.Generator) -> dict[str, Crowd]:
    """200 negatives (so 300 training rows: batches of 128, 128 and 44) and 50 for validation, one group."""

    def crowd(n: int) -> Crowd:
        spread = Density((rng.standard_normal((60, 16)) * 0.1).astype(np.float32), 0.05)
        return Crowd(rng.standard_normal((n, 16)).astype(np.float32), {"everyone": spread})

    return {"training": crowd(200), "validation": crowd(50)}
