"""An attack that names `limits` is tried under each of them too, each time from the start."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import BY_LIMITS, Access, Evidence, Faces, Knowledge, Limits, Measurement, Shadow
from mote_bench.engine import scoring, tasks
from mote_bench.metrics.measured import Measured
from mote_bench.questions import WhichFace
from mote_bench.questions.staging import Attacked
from mote_bench.toolkit import QueryOracle

QUESTION = WhichFace(3)
TWO, NOISY, LOCKED, NONE = Limits(digits=0), Limits(noise=0.5), Limits(rejections=1), Limits(queries=99)


class Asks:
    """Presents the face halfway between the first two axes, twice."""

    question, knowledge, access = WhichFace, (Knowledge.ALGORITHM,), Access.SCORES
    limits: tuple[Limits, ...] = (TWO, NOISY, LOCKED, NONE)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> Any:
        assert not evidence.prepared
        assert evidence.oracle is not None
        assert not evidence.oracle.used.any()  # type: ignore[attr-defined]
        given = evidence.oracle.ask(np.array([[0, 0, 1.0], [0.6, 0.8, 0]]))
        return np.column_stack([given, np.ones(evidence.people)])


def evidence(access: Access = Access.SCORES, *, seconds: bool = True) -> Evidence:
    faces = Faces(np.eye(3))
    scheme = Cosine().fit(faces, seed=0)
    templates = tuple(scheme.enroll(faces.embeddings, keys=None, seeds=[0, 1, 2]))
    oracle = QueryOracle(scheme, templates, keys=None, access=access, threshold=0.7, budget=9)
    shadow = Shadow(faces, templates, None, faces if seconds else None)
    return Evidence(Knowledge.ALGORITHM, scheme=scheme, oracle=oracle, shadow=shadow)


def limited(given: Evidence) -> dict[Limits, np.ndarray]:
    outcome = tasks.attack(Asks(), QUESTION, given, None, seed=0, limit=None)
    assert outcome.error is None
    return dict(outcome.value.limited)


def test_the_system_enforces_each_limit_from_the_start() -> None:
    found = limited(evidence())
    # A number of queries that is no limit isn't tried.
    assert list(found) == [TWO, NOISY, LOCKED]
    assert found[TWO][:, :2].tolist() == [[0, 1], [0, 1], [1, 0]]
    off = found[NOISY][:, :2] - [[0, 0.6], [0, 0.8], [1, 0]]
    # The gap of these subjects is 1, so the noise has a standard deviation of 0.5.
    assert 0.2 < np.abs(off).max() < 2
    np.testing.assert_allclose(found[LOCKED][:, :2], [[0, 0.6], [0, 0.8], [1, 0]], atol=1e-6)


def test_decisions_are_locked() -> None:
    # The first probe is rejected by the first two, and locks their accounts.
    assert limited(evidence(Access.DECISIONS))[LOCKED][:, :2].tolist() == [[0, 0], [0, 0], [1, 0]]


def test_noise_needs_second_photos_of_shadow_subjects_to_be_stated() -> None:
    assert list(limited(evidence(seconds=False))) == [TWO, LOCKED]
    assert list(limited(replace(evidence(), shadow=None))) == [TWO, LOCKED]


def test_equal_seeds_give_equal_noise() -> None:
    first, again = limited(evidence())[NOISY], limited(evidence())[NOISY]
    assert first.tolist() == again.tolist()


def test_an_attack_without_limits_or_without_an_oracle_is_run_once() -> None:
    class Once(Asks):
        limits = ()

    assert tasks.attack(Once(), QUESTION, evidence(), None, seed=0, limit=None).value.limited == {}


def test_a_wrong_shape_under_a_limit_fails_the_attack() -> None:
    class Short(Asks):
        def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> Any:
            given = super().answer(question, evidence, rng)
            return given[:1] if evidence.oracle.released.digits == 0 else given  # type: ignore[union-attr]

    error = tasks.attack(Short(), QUESTION, evidence(), None, seed=0, limit=None).error
    assert error is not None
    assert "digits=0" in error
    assert "has shape (1, 3); expected (3, 3)" in error


def test_each_limit_is_scored_like_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(question: Any, attacked: Attacked, staged: Any, **more: Any) -> Measured:
        return Measured((Measurement("success_gain", float(attacked.answer[0, 0]), 0.1, 0.9, 3, at="1e-3"),), {})

    monkeypatch.setattr(scoring, "measure", measure)
    given = Attacked(np.ones((3, 3)), None, {}, {}, {Limits(queries=8, digits=2): np.full((3, 3), 0.25)})
    nothing: Any = SimpleNamespace()
    found = scoring.with_less(QUESTION, given, nothing, panel=nothing, rules=nothing, seed=0)
    assert found == {
        BY_LIMITS: [
            {
                "limits": {"queries": 8, "digits": 2, "noise": 0.0, "rejections": None},
                "measurements": {"success_gain_at_fmr_1e-3": [0.25, 0.1, 0.9]},
            }
        ]
    }
