"""The correlation by which records are compared."""

from __future__ import annotations

import numpy as np
import pytest
from mote_attacks.linkage.compare import _correlation


def test_correlation_is_numpys_and_zero_for_constant_rows() -> None:
    rng = np.random.default_rng(0)
    rows, others = rng.standard_normal((4, 9)), rng.standard_normal((3, 9))
    assert _correlation(rows, others) == pytest.approx(np.corrcoef(rows, others)[:4, 4:])
    assert _correlation(np.ones((1, 9)), others).tolist() == [[0.0, 0.0, 0.0]]
