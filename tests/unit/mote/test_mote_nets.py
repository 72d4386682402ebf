"""Stacked nets against torch's own layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mote_bench.mote.codec import Net
from mote_bench.mote.nets import answers, draw, logits, stack, unstack
from mote_bench.studies.reference_loop import as_layers, as_net

SHAPES = [(5, 20, 9, 1), (5, 16, 16, 1), (5, 3, 30, 1)]


def sequential(net: Net) -> nn.Sequential:
    layers = as_layers(net)
    between = [part for layer in layers[:-1] for part in (layer, nn.ReLU())]
    return nn.Sequential(*between, layers[-1])


@pytest.fixture
def nets(rng: np.random.Generator) -> list[Net]:
    return [draw(shape, rng) for shape in SHAPES]


def test_logits_equal_torchs_own_layers(nets: list[Net], rng: np.random.Generator) -> None:
    x = torch.from_numpy(rng.standard_normal((7, 5)).astype(np.float32))
    expected = torch.stack([sequential(net)(x)[:, 0] for net in nets])
    torch.testing.assert_close(logits(stack(nets), x), expected, rtol=1e-5, atol=1e-6)


def test_logits_of_own_rows(nets: list[Net], rng: np.random.Generator) -> None:
    x = torch.from_numpy(rng.standard_normal((3, 7, 5)).astype(np.float32))
    expected = torch.stack([sequential(net)(rows)[:, 0] for net, rows in zip(nets, x, strict=True)])
    torch.testing.assert_close(logits(stack(nets), x), expected, rtol=1e-5, atol=1e-6)


def test_answers_in_tiles_equal_logits_at_once(nets: list[Net], rng: np.random.Generator) -> None:
    x = torch.from_numpy(rng.standard_normal((1300, 5)).astype(np.float32))
    torch.testing.assert_close(answers(stack(nets), x), logits(stack(nets), x), rtol=1e-5, atol=1e-6)


def test_stacking_and_unstacking_changes_nothing(nets: list[Net]) -> None:
    stacked = stack(nets, hidden=(40, 40))
    assert stacked.hidden == [48, 48]  # rounded up to a multiple of 16
    for row, net in enumerate(nets):
        for ours, theirs in zip(net, unstack(stacked, row, SHAPES[row]), strict=True):
            np.testing.assert_array_equal(ours.weight, theirs.weight)
            np.testing.assert_array_equal(ours.bias, theirs.bias)


def test_layers_and_back(nets: list[Net]) -> None:
    for ours, theirs in zip(nets[0], as_net(as_layers(nets[0])), strict=True):
        np.testing.assert_array_equal(ours.weight, theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)


@pytest.mark.parametrize("shape", [(5, 20, 1), (6, 20, 9, 1)])
def test_nets_of_another_depth_or_input_are_not_stacked(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="net 1 has widths"):
        stack([draw(SHAPES[0], rng), draw(shape, rng)])


def test_initial_weights_have_hes_variance(rng: np.random.Generator) -> None:
    (layer,) = draw((400, 500), rng)
    # Variance 2/400 = 0.005; its standard error over 200,000 weights is 0.005 * sqrt(2/200000) = 1.6e-5.
    assert layer.weight.var() == pytest.approx(0.005, abs=8e-5)
    assert not layer.bias.any()
