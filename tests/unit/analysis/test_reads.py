"""Naive and adaptive: by what an attack stated, by the name for records of the first edition alone."""

from __future__ import annotations

import pytest

from mote_bench.analysis.selection import adaptive, naive, printed_reads, reads
from mote_bench.contracts import ATTACK_READS, Cell, Reads, Record, Status


def record(attack: str, **provenance: str) -> Record:
    cell = Cell("people-1", "synthetic", "biohash", attack, "gender", "algorithm", 0)
    return Record(cell, Status.OK, provenance=provenance)


@pytest.mark.parametrize(
    ("attack", "stated", "expected", "words", "kind"),
    [
        ("my-net", Reads.BYTES, Reads.BYTES, "bytes", "naive"),
        ("my-net", Reads.CLOSED_FORM, Reads.CLOSED_FORM, "closed form", "adaptive"),
        ("their-bytes", Reads.RESPONSES, Reads.RESPONSES, "responses", "adaptive"),  # the statement, not the name
        ("their-bytes", "", None, "", ""),  # an attack of the first edition, run today
        ("their-bytes", "runes", None, "", ""),
        ("their-bytes", None, Reads.BYTES, "bytes", "naive"),  # a record of the first edition
        ("solve-scores", None, Reads.SCORES, "online scores", "adaptive"),
        ("my-net", None, None, "", ""),
    ],
)
def test_what_a_record_says_of_its_attack(attack, stated, expected, words, kind):
    one = record(attack) if stated is None else record(attack, **{ATTACK_READS: str(stated)})
    assert (reads(one), printed_reads(one)) == (expected, words)
    assert (naive(one), adaptive(one)) == (kind == "naive", kind == "adaptive")


@pytest.mark.parametrize("stated", list(Reads))
def test_every_word_is_printed(stated):
    assert printed_reads(record("x", **{ATTACK_READS: stated})) != ""
