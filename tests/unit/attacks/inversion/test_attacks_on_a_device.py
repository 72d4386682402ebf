"""Attacks that compute with torch, and the surrogates of all built-in schemes, on a pretended device."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest
import torch
from mote_attacks.inversion import gradient, net_decoders
from mote_attacks.inversion.gradient import GradientInversion
from mote_attacks.inversion.net_decoders import NetDecoderOfBytes, NetDecoderOfResponses
from mote_baselines.plain.cosine import Cosine

import pretended
from mote_bench.contracts import Evidence, Knowledge, Scheme, Shadow
from mote_bench.mote.closed_form import ClosedFormMOTE
from mote_bench.mote.scheme import MOTE
from mote_bench.questions import WhichFace
from mote_bench.toolkit import device, draw_keys, revocable
from populations import gaussian_faces

FACES = gaussian_faces(90, 2, dimension=16)
PUBLIC, OWN = FACES.rows(np.arange(100)), FACES.rows(np.arange(100, 180, 2))


def _surrogates() -> list[Any]:
    """One scheme of each class that has a surrogate, but for MOTE's, whose is tested in tests/unit/mote."""
    built_in = (entry for entry in entry_points(group="mote_bench.schemes") if entry.value.startswith("mote_"))
    found = {type(scheme): scheme for scheme in (entry.load()() for entry in built_in)}
    found[ClosedFormMOTE] = ClosedFormMOTE(features=8, positives=20)  # as many as ship take seconds
    return [one for one in found.values() if hasattr(one, "surrogate") and not isinstance(one, MOTE)]


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient, "_STEPS", 5)
    monkeypatch.setattr(gradient, "_PRIOR_STRENGTHS", (0.001, 0.1))
    monkeypatch.setattr(net_decoders, "_EPOCHS", 3)


def stolen(scheme: Scheme) -> Evidence:
    """Six templates of the attacker's target subjects, and 34 of the attacker's own."""
    scheme.fit(PUBLIC, seed=0)
    keys = draw_keys(len(OWN), np.random.default_rng(1)) if revocable(scheme) else None
    templates = tuple(scheme.enroll(OWN.embeddings, keys=keys, seeds=range(len(OWN))))
    shadow = Shadow(OWN.rows(np.arange(6, len(OWN))), templates[6:], None if keys is None else keys[6:])
    own = None if keys is None else keys[:6]
    return Evidence(Knowledge.STOLEN_KEY, templates[:6], keys=own, scheme=scheme, public=PUBLIC, shadow=shadow)


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("attack", [GradientInversion, NetDecoderOfBytes, NetDecoderOfResponses])
def test_answers_are_those_of_the_cpu(attack: Callable[[], Any]) -> None:
    evidence = stolen(Cosine())
    expected = attack().answer(WhichFace(16), evidence, np.random.default_rng(0))
    with pretended.device() as done:
        answer = attack().answer(WhichFace(16), evidence, np.random.default_rng(0))
    np.testing.assert_array_equal(answer, expected)
    assert "aten::addcdiv_" in done  # the optimiser's steps


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("attack", [GradientInversion, NetDecoderOfBytes])
def test_an_attack_leaves_torchs_compiler_alone(attack: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import takes seconds in every worker process."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it is an error now
    attack().answer(WhichFace(16), stolen(Cosine()), np.random.default_rng(0))


class StaysBehind(Cosine):
    """Its surrogate knows of no device."""

    def surrogate(self, templates: Any, *, keys: Any) -> Callable[[torch.Tensor], torch.Tensor]:
        stored = torch.from_numpy(self.reconstruct(templates, keys=None))[:, None]
        return lambda probes: (torch.nn.functional.normalize(probes, dim=-1) * stored).sum(-1)


@pytest.mark.usefixtures("few_steps")
def test_a_surrogate_that_stays_on_the_cpu_is_climbed_there() -> None:
    evidence = stolen(StaysBehind())
    expected = GradientInversion().answer(WhichFace(16), evidence, np.random.default_rng(0))
    with pretended.device():
        answer = GradientInversion().answer(WhichFace(16), evidence, np.random.default_rng(0))
        assert device() == pretended.NAME
    np.testing.assert_array_equal(answer, expected)


@pytest.mark.parametrize("scheme", _surrogates(), ids=lambda scheme: type(scheme).__name__)
def test_scores_and_gradients_of_a_surrogate_are_those_of_the_cpu(scheme: Any) -> None:
    scheme.fit(PUBLIC, seed=0)
    keys = draw_keys(3, np.random.default_rng(1)) if revocable(scheme) else None
    templates = scheme.enroll(OWN.embeddings[:3], keys=keys, seeds=range(3))

    def climbed(place: str) -> tuple[torch.Tensor, torch.Tensor]:
        probes = torch.tensor(OWN.embeddings[3:7]).repeat(3, 1, 1).to(place).requires_grad_()
        scores = scheme.surrogate(templates, keys=keys)(probes)
        return scores.detach().cpu(), torch.autograd.grad(scores.sum(), probes)[0].cpu()

    expected = climbed("cpu")
    with pretended.device():
        for there, here in zip(climbed(pretended.NAME), expected, strict=True):
            assert torch.equal(there, here)
