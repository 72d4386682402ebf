"""Scorers that are random, saturated, two-valued or flat are named, and each is met with an attack that works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine
from planted import GENDER, World, load, make_world, question_of, steal, success

from mote_bench.contracts import FloatArray, Key, Knowledge, Template
from mote_bench.metrics.scorer import diagnose
from mote_bench.metrics.verification import Scores


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


class Randomised(Cosine):
    """Every answer is off by a fresh error as large as impostor scores vary."""

    def fit(self, background: Any, *, seed: int) -> Any:
        self._rng = np.random.default_rng(seed)
        return super().fit(background, seed=seed)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        scores = super().score(templates, probes, keys=None)
        return scores + 0.25 * self._rng.standard_normal(scores.shape)


class Saturated(Cosine):
    """Below a high cosine every face gets the same answer: nearly all public faces do."""

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return np.maximum(super().score(templates, probes, keys=None), 0.45)


class TwoValued(Cosine):
    """Yes or no."""

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return (super().score(templates, probes, keys=None) > 0.45).astype(np.float64)


class Flat(Cosine):
    """Impostor scores are all but equal; only near its subject does a template's score rise."""

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        cosines = super().score(templates, probes, keys=None).astype(np.float64)
        noise = np.sin(1e4 * cosines)  # as much as impostor scores differ, and nothing of them in it
        return 1e-3 * noise + np.maximum(cosines - 0.45, 0)


MASKS = {Randomised: "randomised", Saturated: "saturated", TwoValued: "two-valued", Flat: "flat"}


def names(scheme: type[Cosine], world: World) -> tuple[str, ...]:
    masked = scheme().fit(world.public, seed=0)
    n = len(world.target)
    templates = masked.enroll(world.target.embeddings, keys=None, seeds=range(n))
    answers = masked.score(templates, world.seconds.embeddings, keys=None)
    again = [masked.score(templates[:20], world.seconds.embeddings, keys=None) for _ in range(2)]
    return diagnose(Scores(answers, np.arange(n), np.arange(n)), *again).names


@pytest.mark.parametrize("scheme", MASKS)
def test_the_mask_is_named(scheme: type[Cosine], world: World) -> None:
    """What is saturated is flat too."""
    found = set(names(scheme, world))
    assert MASKS[scheme] in found
    assert found <= {MASKS[scheme], "flat"}


def test_a_bare_face_has_no_mask(world: World) -> None:
    assert names(Cosine, world) == ()


@pytest.mark.parametrize(
    ("scheme", "attack"),
    [
        (Randomised, "ridge-answers"),  # a thousand probes average the errors out
        (Randomised, "sampled-answers"),
        (Saturated, "sampled-answers"),  # draws come nearer than public faces
        (Saturated, "search-answers"),
        (TwoValued, "sampled-answers"),
        (Flat, "search-answers"),
        (Flat, "sampled-answers"),
    ],
)
def test_the_mask_is_met(scheme: type[Cosine], attack: str, world: World) -> None:
    evidence, one = steal(scheme(), world, Knowledge.ALGORITHM), load(attack)
    question = question_of(one, world)
    assert success(one.answer(question, evidence, np.random.default_rng(0)), question, world) >= 0.6


@pytest.mark.parametrize("scheme", [Saturated, TwoValued, Flat])
def test_the_mask_hampers_answers_to_public_faces(scheme: type[Cosine], world: World) -> None:
    """So it takes the other attacks: the ridge loses what it takes from a plain cosine."""
    question = question_of(load("ridge-answers"), world)

    def taken(masked: Cosine) -> float:
        evidence = steal(masked, world, Knowledge.ALGORITHM)
        return success(load("ridge-answers").answer(question, evidence, np.random.default_rng(0)), question, world)

    assert taken(scheme()) < taken(Cosine()) - 0.15


@pytest.mark.slow
@pytest.mark.parametrize("scheme", MASKS)
def test_gender_behind_the_mask_is_found(scheme: type[Cosine], world: World) -> None:
    evidence = steal(scheme(), world, Knowledge.ALGORITHM)
    answer = load("logistic-searched").answer(GENDER, evidence, np.random.default_rng(0))
    assert success(answer, GENDER, world) >= 0.85
