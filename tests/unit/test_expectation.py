"""How long a run will take: worked out by hand on a table of round numbers, and the shipped table is complete."""

from __future__ import annotations

import pytest

from mote_bench import expectation, protocol, registry, runner, settings
from mote_bench.contracts import Cell
from mote_bench.expectation import AttackCost, Costs, SchemeCost
from mote_bench.questions.harness import ZERO_EFFORT
from mote_bench.spec import RunSpec

PLAIN = SchemeCost(fit=0, enroll=0, score=0, shared=0, call=0, first=0, columns=1000)
KEYED = SchemeCost(fit=2, enroll=0.5, score=0.003, shared=0.001, call=0.01, first=0.1, columns=3000)


@pytest.fixture(scope="module")
def setting():
    return settings.make(RunSpec(schemes="cosine", questions="verify", people=400))


def _table(setting, share):
    """A table of so many people that those of the setting are ``share`` of them."""
    split = setting.split
    people = sum(len(one.references) for one in (split.target, split.rehearsal, split.shadow))
    attacks = {
        "ask-answers": AttackCost(seconds=1, scores=1000, calls=10, templates=20, per_thousand=0),
        "read-bytes": AttackCost(seconds=1, scores=0, calls=0, templates=0, per_thousand=4),
        ZERO_EFFORT: AttackCost(seconds=5, scores=0, calls=0, templates=0, per_thousand=0),
    }
    return Costs(people / share, 10, 1.0, {"cosine": PLAIN, "keyed": KEYED}, attacks)


def _seconds(setting, *cells, share=1.0, **more):
    made = [Cell("people-2", "d", *cell, 0) for cell in cells]
    arguments = {"jobs": 1, "factor": 1.0, "table": _table(setting, share)} | more
    return expectation.expected(made, setting.split, protocol.load(), **arguments)


ENROLMENT = 2 + 10 * 0.5


@pytest.mark.parametrize(
    ("attack", "knowledge", "seconds"),
    [
        ("ask-answers", "algorithm", 1 + 10 * 0.01 + 1000 * 0.001),
        ("ask-answers", "stolen_key", 1 + 20 * 0.1 + 1000 * 0.003),
        ("ask-answers", "stolen_key (scores only)", 1 + 10 * 0.01 + 1000 * 0.001),
        ("read-bytes", "algorithm", 1 + 4 * 2),
    ],
)
def test_an_attack_by_hand(setting, attack, knowledge, seconds):
    found = _seconds(setting, ("keyed", attack, "gender", knowledge))
    assert found.seconds == pytest.approx(ENROLMENT + seconds)


def test_verification_counts_once_with_fairness(setting):
    cells = [("cosine", ZERO_EFFORT, question, "none") for question in ("verify", "fairness")]
    assert _seconds(setting, *cells, ("cosine", "none", "cost", "none")).seconds == pytest.approx(5)


def test_people_cores_and_machine_scale_it(setting):
    cell = ("keyed", "read-bytes", "gender", "algorithm")
    whole = _seconds(setting, cell)
    half = _seconds(setting, cell, share=0.5, jobs=2, factor=3.0)
    assert half.seconds == pytest.approx((2 + 0.5 * (whole.seconds - 2)) * 3 / 2)


def test_no_attack_takes_longer_than_it_may(setting):
    limit = protocol.load().seconds_per_attack
    many = _seconds(setting, ("keyed", "read-bytes", "gender", "algorithm"), share=1000.0)
    assert many.seconds == pytest.approx(2 + 10 * 0.5 * 1000 + limit)


def test_what_is_not_in_the_table_is_said(setting):
    found = _seconds(setting, ("theirs", "read-bytes", "gender", "algorithm"))
    assert found.unknown == ("theirs",)
    assert "nothing is known of theirs" in expectation.sentence(found, 2)
    assert found.seconds > 0


def test_the_shipped_table_knows_nearly_every_scheme_and_attack():
    """What is newer than the table is said to be unknown; what is gone must leave it."""
    table = expectation.costs()
    for kind, known in (("schemes", set(table.schemes)), ("attacks", set(table.attacks) - {ZERO_EFFORT})):
        own = {one.name for one in registry.names(kind) if one.distribution == "mote-bench"}
        assert known <= own
        assert len(own - known) <= 0.2 * len(own)
    assert {ZERO_EFFORT} <= set(table.attacks)


def test_this_machine_is_no_thousand_times_slower():
    assert 0.01 < expectation.speed() < 1000


def test_a_finished_run_takes_no_time(setting, tmp_path):
    assert runner.unfinished(setting, tmp_path) == list(setting.plan.cells)
    assert expectation.announced(setting, [], 2) == "expected: no time; every cell is finished"
    assert expectation.announced(setting, list(setting.plan.cells), 2).startswith("expected: about ")
