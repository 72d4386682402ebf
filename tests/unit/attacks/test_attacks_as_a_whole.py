"""What every attack keeps: order says nothing, equal seeds give equal answers, the world outside stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mote_attacks._shared.probing import granted
from mote_attacks.inversion.closed_form import ClosedFormInversion
from mote_attacks.inversion.gradient import GradientInversion
from mote_attacks.linkage.compare import CompareResponses
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.plain.cosine import Cosine

from mote_bench import registry
from mote_bench.contracts import Access, Evidence, FloatArray, Key, Knowledge, Scheme, Shadow, Template
from mote_bench.questions import SamePerson, WhichClass, WhichFace
from mote_bench.toolkit import draw_keys, revocable
from populations import gaussian_faces

ALL_ATTACKS = [one.name for one in registry.names("attacks") if one.target.startswith("mote_attacks.")]
QUESTIONS = {
    WhichClass: WhichClass("gender", ("female", "male")),
    WhichFace: WhichFace(16),
    SamePerson: SamePerson(),
}


def _load(name: str) -> Any:
    return registry.load("attacks", name)


def _holds_one_record(name: str) -> bool:
    attack = _load(name)
    of_records = getattr(attack, "access", Access.RECORD) is Access.RECORD and not getattr(attack, "several", False)
    needs = set(getattr(attack, "needs", ()))
    by_the_clock = not getattr(attack, "repeatable", True)
    return (
        of_records
        and not by_the_clock
        and attack.question in QUESTIONS
        and needs <= {"score", "reconstruct", "surrogate", "likelihood"}
    )


ATTACKS = [name for name in ALL_ATTACKS if _holds_one_record(name)]
"""The others keep the same rules by the conformance kit."""


def _steal(scheme: Scheme, knowledge: Knowledge) -> Evidence:
    faces, rng = gaussian_faces(160, 2, dimension=16), np.random.default_rng(1)
    scheme.fit(faces.rows(np.arange(160)), seed=0)

    def enrolled(rows: Any) -> tuple[tuple[Template, ...], tuple[Key, ...] | None]:
        keys = draw_keys(len(rows), rng) if revocable(scheme) else None
        seeds = range(len(rows))
        return tuple(scheme.enroll(faces.embeddings[rows], keys=keys, seeds=seeds)), keys

    targets, mine = np.arange(160, 200, 2), np.arange(200, 320, 2)
    (stolen, keys), (others, other_keys) = enrolled(targets), enrolled(targets[:15] + 1)
    if knowledge is Knowledge.BYTES_ONLY:
        return Evidence(knowledge, stolen, others)
    if knowledge is not Knowledge.STOLEN_KEY:
        keys = other_keys = None
    shadow = Shadow(faces.rows(mine), *enrolled(mine), faces.rows(mine + 1), *enrolled(mine + 1))
    return Evidence(knowledge, stolen, others, keys, other_keys, scheme, faces.rows(np.arange(160)), shadow)


def _evidence_for(attack: Any, scheme: Scheme) -> Evidence:
    return _steal(
        scheme, max(attack.knowledge, key=list(Knowledge).index) if revocable(scheme) else attack.knowledge[0]
    )


@pytest.mark.parametrize("scheme", [Cosine, BioHash])
@pytest.mark.parametrize("name", ATTACKS)
def test_answers_follow_their_records(name: str, scheme: type[Any]) -> None:
    attack = _load(name)
    evidence, question = _evidence_for(attack, scheme()), QUESTIONS[attack.question]
    order = np.random.default_rng(2).permutation(len(evidence.templates))
    shuffled = replace(
        evidence,
        templates=tuple(evidence.templates[i] for i in order),
        keys=None if evidence.keys is None else tuple(evidence.keys[i] for i in order),
    )
    plain, other = (attack.answer(question, seen, np.random.default_rng(0)) for seen in (evidence, shuffled))
    assert other == pytest.approx(plain[order], abs=1e-3 * float(plain.std()))


@pytest.mark.parametrize("name", ATTACKS)
def test_equal_seeds_give_equal_answers_and_global_generators_stay(name: str) -> None:
    import torch

    attack = _load(name)
    evidence, question = _evidence_for(attack, BioHash()), QUESTIONS[attack.question]
    before, torch_before, threads = np.random.get_state()[1].copy(), torch.get_rng_state(), torch.get_num_threads()  # noqa: NPY002
    first, second = (attack.answer(question, evidence, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(torch_before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("name", ATTACKS)
def test_unlabelled_and_foreign_classes_are_left_out(name: str) -> None:
    attack = _load(name)
    if attack.question is not WhichClass:
        pytest.skip("asks for no class")
    evidence = _steal(Cosine(), Knowledge.ALGORITHM)
    public, shadow = granted(evidence)
    gaps = np.array(["", "unheard of", "female", "male"])
    for faces in (public, shadow.references):
        labels = np.where(np.arange(len(faces)) % 4 < 2, gaps[np.arange(len(faces)) % 4], faces.attributes["gender"])
        faces.attributes["gender"] = labels  # type: ignore[index]
    answer = attack.answer(QUESTIONS[WhichClass], evidence, np.random.default_rng(0))
    assert answer.shape == (20, 2)
    assert np.isfinite(answer).all()


def test_closed_form_without_the_key_decodes_under_a_key_of_its_own() -> None:
    answer = ClosedFormInversion().answer(
        WhichFace(16), _steal(BioHash(), Knowledge.ALGORITHM), np.random.default_rng(0)
    )
    assert answer.shape == (20, 16)


def test_an_attack_that_is_granted_too_little_says_so() -> None:
    with pytest.raises(ValueError, match="knowledge 'bytes_only' grants no public faces"):
        CompareResponses().answer(
            SamePerson(), Evidence(Knowledge.BYTES_ONLY, (b"a",), (b"b",)), np.random.default_rng(0)
        )


class Dead(Cosine):
    """Its surrogate is cut off from the probes."""

    def surrogate(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Any:
        cosine = super().surrogate(templates, keys=keys)
        return lambda probes: cosine(probes.detach())


class Flat(Cosine):
    """Its surrogate is a step function: the gradient exists and is zero."""

    def surrogate(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Any:
        cosine = super().surrogate(templates, keys=keys)
        return lambda probes: (100 * cosine(probes)).round()


class Backward(Cosine):
    """Its gradient points the wrong way, so no objective ever rises."""

    def surrogate(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Any:
        cosine = super().surrogate(templates, keys=keys)
        return lambda probes: 2 * cosine(probes).detach() - cosine(probes)


@pytest.mark.parametrize("scheme", [Dead, Flat, Backward])
def test_a_gradient_that_moves_nothing_is_a_failure_of_the_attack(scheme: type[Any]) -> None:
    with pytest.raises(RuntimeError, match="the optimiser did not move"):
        GradientInversion().answer(WhichFace(16), _steal(scheme(), Knowledge.ALGORITHM), np.random.default_rng(0))


def test_a_new_logistic_classifier_is_trained_for_each_key() -> None:
    """Templates under equal keys are answered as those under different keys: alone, by their own key's classifier."""
    attack, evidence = _load("logistic-bytes"), _steal(BioHash(), Knowledge.STOLEN_KEY)
    assert evidence.keys is not None
    question = QUESTIONS[WhichClass]
    together = attack.answer(question, evidence, np.random.default_rng(0))
    alone: FloatArray = attack.answer(
        question, replace(evidence, templates=evidence.templates[:1], keys=evidence.keys[:1]), np.random.default_rng(0)
    )
    assert alone[0] == pytest.approx(together[0], abs=1e-6)
