"""One person's MOTE in plain PyTorch: the oracle of the tests, which the scheme itself doesn't use."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.nn.utils.fusion import fuse_linear_bn_weights

from mote_bench.contracts import FloatArray
from mote_bench.mote.codec import Layer, Net, widths
from mote_bench.mote.nets import as_tensor, stack
from mote_bench.mote.recipe import Crowd, Recipe
from mote_bench.mote.train import BATCH, Start, dropout_masks, minibatches, optimiser


def train_one(start: Start, *, training: Crowd, validation: Crowd, recipe: Recipe, seed: int) -> Net:
    """What :func:`mote_bench.mote.train.train` makes of this person, but for rounding."""
    layers = as_layers(start.net)
    norms = _norms(layers) if recipe.batch_norm else None
    x, labels = _labelled(training.faces, start.positives)
    others, other_labels = _labelled(validation.faces, start.validation)
    loss_of = nn.BCEWithLogitsLoss()
    learned: list[Tensor] = [*layers.parameters(), *(norm.weight for norm in norms or ())]
    optimizer, schedule = optimiser(learned, steps=recipe.epochs * -(-len(x) // BATCH))
    hidden = stack([start.net], recipe.widest).hidden
    best, lowest, idle = as_net(layers, norms), float("inf"), 0
    for epoch in range(recipe.epochs):
        for rows in minibatches(len(x), seed=seed, epoch=epoch):
            kept = dropout_masks([start.dropout], rows=len(rows), hidden=hidden, dropped=recipe.dropped)
            optimizer.zero_grad()
            answers = forward(layers, x[rows], [mask[0] for mask in kept], recipe.scale, norms=norms)
            loss_of(answers, labels[rows]).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            loss = loss_of(forward(layers, others, norms=norms), other_labels).item()
        if loss < lowest:
            best, lowest, idle = as_net(layers, norms), loss, 0
        else:
            idle += 1
        if idle >= recipe.patience:
            break
    return best


def forward(
    layers: nn.ModuleList,
    x: Tensor,
    kept: list[Tensor] | None = None,
    scale: float = 1.0,
    *,
    norms: Sequence[nn.BatchNorm1d] | None = None,
) -> Tensor:
    """(rows,) logits; in training with the dropout masks ``kept``, one per hidden layer."""
    for index, layer in enumerate(layers[:-1]):
        if norms is None:
            x = torch.relu(layer(x))
        else:
            x = torch.relu(norms[index].train(kept is not None)(linear(x, layer.get_parameter("weight"))))
        if kept is not None:
            x = x * kept[index][:, : x.shape[1]] * scale
    logit: Tensor = layers[-1](x)
    return logit[:, 0]


def as_layers(net: Net) -> nn.ModuleList:
    """The net as torch's own linear layers."""
    layers = nn.ModuleList(nn.Linear(*pair, device="meta") for pair in pairwise(widths(net)))
    # From "meta": layers made in place would draw weights, to be thrown away, from torch's global generator.
    layers.to_empty(device="cpu")
    for layer, (weight, bias) in zip(layers, net, strict=True):
        layer.load_state_dict({"weight": as_tensor(weight.T), "bias": as_tensor(bias)})
    return layers


def as_net(layers: nn.ModuleList, norms: Sequence[nn.BatchNorm1d] | None = None) -> Net:
    """The other way round, each layer with its normalisation in it."""
    parameters = list(layers.parameters())
    weights, biases = parameters[::2], parameters[1::2]
    for index, norm in enumerate(norms or ()):
        mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
        pair = fuse_linear_bn_weights(weights[index], None, mean, variance, norm.eps, norm.weight, norm.bias)
        weights[index], biases[index] = pair
    return tuple(
        Layer(weight.detach().numpy().T.copy(), bias.detach().numpy().copy())
        for weight, bias in zip(weights, biases, strict=True)
    )


def _norms(layers: nn.ModuleList) -> list[nn.BatchNorm1d]:
    """A normalisation for each hidden layer, whose shift is that layer's bias."""
    norms = []
    for bias in list(layers.parameters())[1:-1:2]:
        norms.append(nn.BatchNorm1d(len(bias)))
        norms[-1].bias = bias
    return norms


def _labelled(negatives: FloatArray, positives: FloatArray) -> tuple[Tensor, Tensor]:
    x = torch.cat([as_tensor(negatives), as_tensor(positives)])
    return x, (torch.arange(len(x)) >= len(negatives)).float()
