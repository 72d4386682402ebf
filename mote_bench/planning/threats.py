"""Which knowledge levels an attacker of a scheme can have, and what each of them grants of the scheme itself."""

from __future__ import annotations

from typing import cast

from mote_bench.contracts import Knowledge, Scheme
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
