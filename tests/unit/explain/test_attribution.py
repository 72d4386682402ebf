"""Attributions of answers that are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mote_bench.explain.attribution import gradient, integrated

WEIGHTS = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
PROBES = torch.tensor([[[1.0, 1.0, 2.0], [0.0, 1.0, 0.0]], [[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]])
BLANK = torch.tensor([0.0, 0.5, 0.0])


def linear(probes: torch.Tensor) -> torch.Tensor:
    return torch.einsum("nkd,nd->nk", probes, WEIGHTS)


def curved(probes: torch.Tensor) -> torch.Tensor:
    return (linear(probes) ** 2) + torch.relu(probes[..., 0] - 0.3)


@pytest.mark.parametrize("method", [gradient, integrated])
def test_of_a_linear_answer_each_dimension_adds_weight_times_difference(method) -> None:
    expected = (WEIGHTS[:, None] * (PROBES - BLANK)).numpy()
    assert method(linear, PROBES, BLANK).numpy() == pytest.approx(expected, abs=1e-6)
    assert expected[0, 0].tolist() == [1.0, -1.0, 1.0]


def test_integrated_gradients_add_up_to_what_the_probe_adds() -> None:
    added = curved(PROBES) - curved(BLANK.expand(2, 2, 3))
    assert integrated(curved, PROBES, BLANK).sum(dim=2).numpy() == pytest.approx(added.numpy(), abs=0.02)


def test_a_template_is_explained_alone() -> None:
    """Each row of probes goes through its own template, wherever captum's points stand."""
    assert integrated(curved, PROBES, BLANK)[1].numpy() == pytest.approx(
        integrated(lambda x: curved(torch.cat([PROBES[:1, :1].expand(1, x.shape[1], 3), x]))[1:], PROBES[1:], BLANK)[
            0
        ].numpy(),
        abs=1e-5,
    )


def test_gradients_are_the_slopes() -> None:
    step = 1e-3
    rng = np.random.default_rng(0)
    direction = torch.from_numpy(rng.standard_normal((2, 2, 3)).astype(np.float32))
    slope = (curved(PROBES + step * direction) - curved(PROBES - step * direction)) / (2 * step)
    made = (gradient(curved, PROBES, torch.zeros(3)) / PROBES.where(PROBES != 0, torch.ones(()))) * direction
    assert made.sum(dim=2)[0, 0].item() == pytest.approx(slope[0, 0].item(), rel=1e-2)
