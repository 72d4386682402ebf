"""An attack that names `budgets` is tried with fewer online queries too, each time from the start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import BY_QUERIES, Access, Evidence, Faces, Knowledge, Measurement, Prepared
from mote_bench.engine import scoring, tasks
from mote_bench.metrics.measured import Measured
from mote_bench.questions import WhichFace
from mote_bench.questions.staging import Attacked
from mote_bench.toolkit import QueryOracle, with_preparations

QUESTION = WhichFace(3)


@dataclass(frozen=True)
class Spends:
    """Prepared with one query; then as many as are left."""

    name = "first"
    per_database = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        return Prepared({"scores": evidence.oracle.ask(np.eye(3)[:1])})


class Asks:
    question, knowledge, access = WhichFace, (Knowledge.ALGORITHM,), Access.SCORES
    budgets: tuple[int, ...] = (2, 3, 6, 9)
    prepares = (Spends(),)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> Any:
        assert not evidence.prepared or evidence.oracle.used.max()  # nothing that more queries have prepared
        with_preparations(evidence, self.prepares, rng)
        left = min(int(evidence.oracle.left.min()), 5)
        evidence.oracle.ask(np.repeat(np.eye(3)[1:2], left, axis=0))
        return np.full((evidence.people, 3), float(evidence.oracle.used.max()))


def evidence(access: Access = Access.SCORES) -> Evidence:
    faces = Faces(np.eye(3))
    scheme = Cosine().fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings, keys=None, seeds=[0, 1, 2])
    oracle = QueryOracle(scheme, templates, keys=None, access=access, threshold=0.5, budget=9)
    return Evidence(Knowledge.ALGORITHM, scheme=scheme, oracle=oracle)


@pytest.mark.parametrize("access", [Access.SCORES, Access.DECISIONS])
def test_fewer_queries_than_were_made_are_tried_each_from_the_start(access: Access) -> None:
    outcome = tasks.attack(Asks(), QUESTION, evidence(access), None, seed=0, limit=None)
    assert outcome.error is None
    assert outcome.value.queries.tolist() == [6, 6, 6]
    # Not 6 and 9: the attack itself makes 6.
    assert {queries: answer[0, 0] for queries, answer in outcome.value.fewer.items()} == {2: 2.0, 3: 3.0}


def test_an_attack_without_budgets_or_without_an_oracle_is_run_once() -> None:
    class Once(Asks):
        budgets = ()

    assert tasks.attack(Once(), QUESTION, evidence(), None, seed=0, limit=None).value.fewer == {}

    class Offline(Asks):
        def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> Any:
            return np.ones((3, 3))

    held = replace(evidence(), oracle=None, templates=(b"a", b"b", b"c"))
    assert tasks.attack(Offline(), QUESTION, held, None, seed=0, limit=None).value.fewer == {}


def test_a_wrong_shape_with_fewer_queries_fails_the_attack() -> None:
    class Short(Asks):
        def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> Any:
            given = super().answer(question, evidence, rng)
            return given if evidence.oracle.budget == 9 else given[:1]

    error = tasks.attack(Short(), QUESTION, evidence(), None, seed=0, limit=None).error
    assert error is not None
    assert "answer with 2 queries has shape (1, 3); expected (3, 3)" in error


def test_each_number_of_queries_is_scored_like_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(question: Any, attacked: Attacked, staged: Any, **more: Any) -> Measured:
        return Measured((Measurement("success_gain", float(attacked.answer[0, 0]), 0.1, 0.9, 3, at="1e-3"),), {})

    monkeypatch.setattr(scoring, "measure", measure)
    answers = {8: np.full((3, 3), 0.25), 16: np.full((3, 3), 0.5)}
    given = Attacked(np.ones((3, 3)), None, {}, answers)
    nothing: Any = SimpleNamespace()
    found = scoring.with_less(QUESTION, given, nothing, panel=nothing, rules=nothing, seed=0)
    assert found == {
        BY_QUERIES: [
            {"queries": 8, "measurements": {"success_gain_at_fmr_1e-3": [0.25, 0.1, 0.9]}},
            {"queries": 16, "measurements": {"success_gain_at_fmr_1e-3": [0.5, 0.1, 0.9]}},
        ]
    }
