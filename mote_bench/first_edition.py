"""What records of the first edition don't say of themselves, read off what they do say."""

from __future__ import annotations

from mote_bench.contracts import Reads

_READS = {
    "-bytes": Reads.BYTES,
    "-answers": Reads.RESPONSES,
    "-inverted": Reads.INVERSION,
    "-scores": Reads.SCORES,
    "-decisions": Reads.DECISIONS,
    "-searched": Reads.SEARCH,
    "-closed-form": Reads.CLOSED_FORM,
    "-photo": Reads.RESPONSES,
    "-member": Reads.RESPONSES,
    "-dictionary": Reads.RESPONSES,
}


def reads(attack: str) -> Reads | None:
    """What an attack works on, by how its name ends; ``None`` for every other name.

    For records without a statement only: since the second edition an attack states it (``Attack.reads``), and its
    records carry the statement.
    """
    return next((what for ending, what in _READS.items() if attack.endswith(ending)), None)
