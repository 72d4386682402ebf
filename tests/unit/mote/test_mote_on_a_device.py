"""MOTE on another device than the CPU: on a pretended one, whose arithmetic is the CPU's."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest
import torch

import pretended
from mote_bench.contracts import Faces
from mote_bench.mote import train
from mote_bench.mote.objective import CROSS_ENTROPY, Flat, Objective
from mote_bench.mote.recipe import Recipe
from mote_bench.mote.scheme import MOTE


@pytest.fixture
def same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU takes AdamW's steps as devices without a kernel of their own do."""
    monkeypatch.setattr(train, "_FUSED", ())


NORMALISED = Recipe((24, 16), epochs=2, batch_norm=True, objective=Flat(1.0))


@pytest.mark.parametrize("recipe", [Recipe((24, 16), epochs=4, patience=1), NORMALISED])
@pytest.mark.usefixtures("same_steps")
def test_templates_are_those_of_the_cpu(fitted: MOTE, subjects: Faces, recipe: Recipe) -> None:
    scheme, six = copy(fitted), subjects.embeddings[:6]
    scheme.recipe = recipe
    expected = scheme.enroll(six, seeds=range(6))
    with pretended.device() as done:
        assert scheme.enroll(six, seeds=range(6)) == expected
    assert {"aten::bmm", "aten::baddbmm_", "aten::addcdiv_", "aten::index_put_"} <= set(done)


def test_scores_and_their_gradient_are_those_of_the_cpu(fitted: MOTE, subjects: Faces) -> None:
    templates = fitted.enroll(subjects.embeddings[:3], seeds=range(3))
    scores, shown = fitted.score(templates, subjects.embeddings), torch.tensor(subjects.embeddings[:5])

    def slope(probes: torch.Tensor) -> torch.Tensor:
        probes = probes.repeat(3, 1, 1).requires_grad_()
        return torch.autograd.grad(fitted.surrogate(templates)(probes).sum(), probes)[0]

    expected = slope(shown)
    with pretended.device() as done:
        np.testing.assert_array_equal(fitted.score(templates, subjects.embeddings), scores)
        assert torch.equal(slope(shown.to(pretended.NAME)).cpu(), expected)
    assert "aten::baddbmm" in done


@pytest.mark.parametrize("objective", [CROSS_ENTROPY, Flat(0.5)])
def test_losses_stay_on_the_device(objective: Objective) -> None:
    logit = torch.zeros(2, 5, device="meta")
    assert objective.losses(logit, 3).device.type == objective.slopes(logit, 3).device.type == "meta"
    assert objective.losses(logit, 3).dtype == torch.float64


def test_the_pretended_device_refuses_what_no_device_does() -> None:
    with pretended.device():
        there, here = torch.ones(3, device=pretended.NAME), torch.ones(3)
        with pytest.raises(RuntimeError, match="same device, but found meta and cpu"):
            there + here
        with pytest.raises((TypeError, RuntimeError)):
            there.numpy()
        assert (there + torch.tensor(1.0))[here.bool()].cpu().tolist() == [2.0, 2.0, 2.0]
