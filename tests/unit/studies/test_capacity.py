"""Templates that hold less: recognition falls before privacy comes."""

from __future__ import annotations

from mote_bench.planning.protocol import load
from mote_bench.planning.split import split
from mote_bench.studies import capacity
from populations import gaussian_faces


def test_less_is_read_where_less_is_stored() -> None:
    parts = split(gaussian_faces(250, 4, dimension=24), load(), seed=0)
    few, many = capacity.measure(parts, "gender", widths=(2, 64))
    assert few.bytes < many.bytes == 8 + 32
    assert few.fnmr.value > many.fnmr.value
    assert few.cosine[0] < many.cosine[0]
    assert many.attribute[0] > 0.9
    text = capacity.render("generated", "gender", 50, [few, many])
    assert "| 64" in text
    assert "wolf rate" in text
