"""The rows that the harness answers itself, without an attacker: verification, fairness and cost."""

from __future__ import annotations

VERIFY, FAIRNESS, COST = "verify", "fairness", "cost"

HARNESS = (VERIFY, FAIRNESS, COST)
"""Their ids: no question may have one of these names."""

COMPARED = (VERIFY, FAIRNESS)
"""Those that compare people with each other, so that the data must say who they show."""

ZERO_EFFORT, NO_ATTACK = "zero-effort", "none"
"""What stands for the attack in their rows: of verification and fairness, and of cost."""
