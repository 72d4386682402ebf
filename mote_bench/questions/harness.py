"""The questions that the harness answers itself, without an attacker: verification, fairness and cost."""

from __future__ import annotations

VERIFY, FAIRNESS, COST = "verify", "fairness", "cost"

HARNESS = (VERIFY, FAIRNESS, COST)
"""Their ids; no other question may have one of these names."""

COMPARED = (VERIFY, FAIRNESS)
"""Those that compare people with each other, which needs identities."""

LEFT_OUT = "scheme_left_out"
"""The detail of a record whose scheme can't take the run's data: why it can't, in words."""

ZERO_EFFORT, NO_ATTACK = "zero-effort", "none"
"""The attack's name in their cells: for verification and fairness, and for cost."""
