"""Long templates are read at several scales."""

from __future__ import annotations

import numpy as np
from mote_attacks._shared.pooling import at_scales


class TestScales:
    def test_short_templates_are_read_once(self) -> None:
        assert len(at_scales(np.zeros((2, 2048)))) == 1

    def test_long_ones_also_by_runs_and_combs(self) -> None:
        row = np.arange(2080.0)[None]
        table, runs, combs, *_ = at_scales(row)
        assert table is row
        # 2080 = 65 runs of 32. Run 0 is 0..31: 15.5; run 1 is 32..63: 47.5. Comb 0 is 0, 32, .., 2048: 32 * 32 = 1024.
        assert runs.shape == (1, 65)
        assert runs[0, :2].tolist() == [15.5, 47.5]
        assert combs.shape == (1, 32)
        assert combs[0, :2].tolist() == [1024.0, 1025.0]

    def test_a_rest_that_fills_no_run_is_left_out(self) -> None:
        assert [scale.shape[1] for scale in at_scales(np.zeros((1, 2100)))[1:5]] == [65, 32, 32, 64]
