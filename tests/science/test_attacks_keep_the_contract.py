"""Attacks at the door and on the further questions, by the kit that third parties run."""

import pytest
from planted import ALL_ATTACKS, ATTACKS, load

from mote_bench.testing import check_attack

UNREPEATABLE = {"deterministic", "keeps_no_state", "order_of_records"}


@pytest.mark.parametrize("name", [name for name in ALL_ATTACKS if name not in ATTACKS])
def test_keeps_the_contract(name):
    attack = load(name)
    if not set(getattr(attack, "needs", ())) <= {"score", "reconstruct", "surrogate"}:
        pytest.skip("needs a scheme method that the kit's schemes don't have; tested with a scheme that has it")
    excused = set() if getattr(attack, "repeatable", True) else UNREPEATABLE
    broken = [
        finding for finding in check_attack(lambda: load(name)) if not finding.ok and finding.check not in excused
    ]
    assert broken == []
