"""Infers what an attack reads from its name, for records of the first edition, which don't state it."""

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
    "-unkeyed": Reads.CLOSED_FORM,
    "-posterior": Reads.POSTERIOR,
    "-photo": Reads.RESPONSES,
    "-member": Reads.RESPONSES,
    "-dictionary": Reads.RESPONSES,
    "-construction": Reads.CLOSED_FORM,
    "-linked": Reads.BYTES,
}


def reads(attack: str) -> Reads | None:
    """What an attack works on, by the ending of its name; ``None`` for every other name.

    Only for records that don't state it: since the second edition an attack states it (``Attack.reads``) and its
    records hold the statement.
    """
    return next((what for ending, what in _READS.items() if attack.endswith(ending)), None)
