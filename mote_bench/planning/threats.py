"""Which knowledge levels an attacker of a scheme can have, what each grants of the scheme, and a cell's controls."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from mote_bench.contracts import FLOOR, Cell, Knowledge, Scheme, Threat
from mote_bench.questions.harness import NO_ATTACK, ZERO_EFFORT
from mote_bench.questions.installed import ceiling_of
from mote_bench.toolkit import revocable


def levels(scheme: Scheme) -> tuple[Knowledge, ...]:
    """The knowledge levels that apply to a scheme; one without keys, say, has no ``stolen_key`` level."""
    absent = set() if revocable(scheme) else {Knowledge.STOLEN_KEY}
    absent |= set() if hasattr(scheme, "public") else {Knowledge.FULL_DISCLOSURE}
    return tuple(level for level in Knowledge if level not in absent)


def granted(scheme: Scheme, knowledge: Knowledge) -> Scheme:
    """The scheme as the attacker gets it: without the system's own secrets below ``full_disclosure``."""
    if knowledge is Knowledge.FULL_DISCLOSURE or not hasattr(scheme, "public"):
        return scheme
    return cast(Scheme, scheme.public())


def controls_of(cell: Cell) -> tuple[Cell, Cell]:
    """The same cell on the floor and on the ceiling control.

    Controls have neither keys nor secrets. So the strongest knowledge level that they have replaces ``stolen_key`` and
    ``full_disclosure``.

    Raises
    ------
    ValueError
        When the cell names no known threat.
    """
    knowledge = cell.knowledge
    if cell.attack == ZERO_EFFORT:
        knowledge = "none"
    elif cell.attack != NO_ATTACK:
        threat = Threat.parse(knowledge)
        if threat.knowledge in (Knowledge.STOLEN_KEY, Knowledge.FULL_DISCLOSURE):
            knowledge = replace(threat, knowledge=Knowledge.ALGORITHM).name
    floor, ceiling = FLOOR, ceiling_of(cell.question)
    return replace(cell, scheme=floor, knowledge=knowledge), replace(cell, scheme=ceiling, knowledge=knowledge)
