"""The smallest difference that a ranking resolves: by hand, and that shared subjects make it smaller."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mote_bench.analysis.resolution import median_half_width, resolution
from mote_bench.contracts import Measurement
from mote_bench.report.columns import resolves

ONE = Measurement("balanced_accuracy", 0.70, 0.65, 0.75, 100)
ROWS = [ONE, replace(ONE, value=0.8, low=0.75, high=0.85), replace(ONE, value=0.9, low=0.85, high=0.95, n=90)]


def test_a_half_width_by_hand():
    """Differences from 0 to 1 and from 0 to 3 evenly: the half widths of 95 % are 0.475 and 1.425."""
    steps = np.linspace(0, 1, 4001)
    drawn = np.stack([np.zeros(4001), steps, 4 * steps], axis=1)
    assert median_half_width(drawn) == pytest.approx((0.475 + 1.425) / 2)


def test_rows_that_move_on_their_own_add_their_errors():
    """Two intervals of +-0.05 that share no subject: the difference has one of +-0.05 times the square root of 2."""
    found = resolution("gender", [(one, {}) for one in ROWS], data="people")
    assert found is not None
    assert (found.n, found.pairs) == (90, 2)
    assert found.value == pytest.approx(0.05 * 2**0.5, rel=0.06)
    assert resolves(found) == f"resolves {found.value:.3f}"


def test_subjects_that_move_all_rows_alike_cancel():
    influence = {1: 0.02, 4: -0.03, 8: 0.01}
    found = resolution("gender", [(one, influence) for one in ROWS], data="people")
    assert found is not None
    assert found.value == pytest.approx(0, abs=1e-9)


def test_one_row_has_no_ranking():
    assert resolution("gender", [(ONE, {})], data="people") is None
    assert resolves(None) == ""
