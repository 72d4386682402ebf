"""Keys under each regime: who shares one, what stays the same as in a run, and what other systems draw."""

from __future__ import annotations

import pytest

from mote_bench.contracts import Key
from mote_bench.engine.key_regimes import KeyRegime, dealt, integer_key
from mote_bench.toolkit import KEY_BYTES, draw_keys, stream

SUBJECTS = {"target": [("target", row) for row in range(50)], "second": [("target", row) for row in range(50)]}


def keys_of(regime: KeyRegime, system: str = "attacked", scheme: str = "biohash") -> dict[str, tuple[Key, ...]]:
    return dealt(regime, SUBJECTS, scheme=scheme, system=system, seed=3)


@pytest.mark.parametrize(
    ("regime", "distinct", "mates_share"),
    [
        (KeyRegime.TEMPLATE, 100, 0),
        (KeyRegime.SUBJECT, 50, 50),
        (KeyRegime.SYSTEM, 1, 50),
        (KeyRegime.INTEGERS, 100, 0),
    ],
)
def test_who_shares_a_key(regime: KeyRegime, distinct: int, mates_share: int) -> None:
    found = keys_of(regime)
    every = [*found["target"], *found["second"]]
    assert len(set(every)) == distinct
    assert sum(map(bytes.__eq__, found["target"], found["second"])) == mates_share
    assert {len(key) for key in every} == {KEY_BYTES}
    assert keys_of(regime) == found


@pytest.mark.parametrize(("regime", "size"), [(KeyRegime.POOL_4, 4), (KeyRegime.POOL_8, 8)])
def test_a_pool_is_used_evenly_and_anew_for_each_template(regime: KeyRegime, size: int) -> None:
    found = keys_of(regime)
    assert len({*found["target"], *found["second"]}) == size == regime.pool
    shared = sum(map(bytes.__eq__, found["target"], found["second"]))
    assert 0 < shared < 50 * 3 / size


def test_fresh_keys_are_those_of_a_run() -> None:
    own = draw_keys(50, stream(3, "keys", "biohash", "second"))
    assert keys_of(KeyRegime.TEMPLATE)["second"] == own


def test_numbers_go_on_from_one_database_to_the_next() -> None:
    found = keys_of(KeyRegime.INTEGERS)
    assert found["target"][0] == integer_key(1)
    assert found["second"] == tuple(map(integer_key, range(51, 101)))


@pytest.mark.parametrize("regime", [KeyRegime.SUBJECT, KeyRegime.SYSTEM, KeyRegime.POOL_4])
def test_another_system_and_another_scheme_have_other_keys(regime: KeyRegime) -> None:
    attacked, copy, other = (
        {key for keys in found.values() for key in keys}
        for found in (keys_of(regime), keys_of(regime, "attacker's"), keys_of(regime, scheme="rand-hash"))
    )
    assert not attacked & copy
    assert not attacked & other
