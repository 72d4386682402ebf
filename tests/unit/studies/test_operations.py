"""Multiplications and additions, counted by hand."""

from __future__ import annotations

from mote_bench.mote import solved
from mote_bench.mote.closed_form import ClosedFormMOTE
from mote_bench.mote.compressed import CompressedMOTE
from mote_bench.mote.scheme import MOTE
from mote_bench.studies.operations import enrolment, scoring, weights


def test_operations_by_hand() -> None:
    """A net 4-3-1 has 15 weights: 12 and 3. One background face brings half a positive of the subject's own."""
    net = MOTE(hidden=(3,))
    assert weights((4, 3, 1)) == 15
    assert scoring(net, 2, 5, 4) == 2 * 2 * 5 * 15
    # Two templates take the whitening of 3 units up, five probes have units of 4 inputs, and each pair is 3 products.
    assert scoring(ClosedFormMOTE(features=3), 2, 5, 4) == 2 * (2 * 9 + 5 * 12 + 10 * 3)
    assert scoring(ClosedFormMOTE(features=0), 2, 5, 4) == 2 * (2 * 16 + 10 * 4)
    # Answers, weights' slopes and units' slopes, but not those of the inputs; validation answers only.
    assert enrolment(net, 10, 2, 4) == 2 * (15 * (15 + 15 + 3) + 3 * 15)
    assert enrolment(CompressedMOTE(hidden=(3,)), 10, 2, 4) == enrolment(net, 10, 2, 4)
    assert enrolment(solved.SolvedMOTE(hidden=(3,)), 10, 2, 4) > 2 * solved.POSITIVES * 4**2
