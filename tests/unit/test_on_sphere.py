"""Where a direction from the mean meets the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mote_bench.toolkit import on_sphere, unit


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.99))
def test_on_sphere_keeps_length_and_centred_direction(seed: int, length: float) -> None:
    rng = np.random.default_rng(seed)
    mean, directions = length * unit(rng.standard_normal(6)), unit(rng.standard_normal((5, 6)))
    points = on_sphere(mean, directions)
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.ones(5))
    assert unit(points - mean) == pytest.approx(directions, abs=1e-6)
