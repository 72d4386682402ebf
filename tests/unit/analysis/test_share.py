"""A figure on the scale between the same attack's floor and ceiling."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mote_bench.analysis.share import share
from mote_bench.analysis.standings import Worst
from mote_bench.contracts import Measurement


@pytest.mark.parametrize(
    ("ends", "word"),
    [
        ((0.5, 1.0), "inconclusive"),
        ((0.4, 0.6), "at the floor"),
        ((0.8, 0.95), "at the ceiling"),
        ((0.6, 0.8), "partial"),
    ],
)
def test_a_share_is_named_by_the_ends_of_its_interval(ends, word):
    one = Measurement("balanced_accuracy", 0.7, *ends, 150, floor=0.5, ceiling=0.9)
    assert share(Worst("gender", "ok", headline=one)).word == word
    mirrored = Measurement("eer", 0.3, 1 - ends[1], 1 - ends[0], 150, floor=0.5, ceiling=0.1)
    assert share(Worst("link", "ok", headline=mirrored)).word == word
    assert share(Worst("link", "ok", headline=replace(one, ceiling=0.51))) is None
