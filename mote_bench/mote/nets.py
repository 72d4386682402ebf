"""Many small nets of one depth stacked into one: a tensor per layer, a batched product per step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from mote_bench.contracts import FloatArray
from mote_bench.mote.batch_norm import BatchNorm
from mote_bench.mote.codec import Layer, Net, widths

_LANES = 16
_ROWS = 512


@dataclass(frozen=True, eq=False)
class Nets:
    """Weights of ``n`` nets, layer by layer.

    Layers are padded with units whose weights are all zero: such a unit's output and gradient are zero and AdamW
    leaves it at zero. So a padded net computes and learns exactly what the net alone would. The padding makes room
    for nets of unequal widths. It also makes all outputs a multiple of 16, the floats in the widest vector register.
    Then no net's numbers share a register with another net's, and rounding doesn't depend on the others.

    Attributes
    ----------
    weights : tuple of (n, inputs, outputs) float32
    biases : tuple of (n, 1, outputs) float32
        Of the last layer only output 0 means something.
    norms : tuple of BatchNorm
        While nets are trained with it: one per hidden layer, before its ReLU. Otherwise none.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    norms: tuple[BatchNorm, ...] = ()

    def __len__(self) -> int:
        return len(self.weights[0])

    def size(self) -> int:
        """Bytes of the weights and biases, padding included."""
        return sum(part.nbytes for part in self.parameters)

    @property
    def parameters(self) -> list[Tensor]:
        return [*self.weights, *self.biases, *(norm.gain for norm in self.norms)]

    @property
    def hidden(self) -> list[int]:
        """Widths of the hidden layers, padding included."""
        return [bias.shape[2] for bias in self.biases[:-1]]

    def to(self, device: str) -> Nets:
        """These nets on a device."""
        norms = tuple(norm.to(device) for norm in self.norms)
        return Nets(tuple(w.to(device) for w in self.weights), tuple(b.to(device) for b in self.biases), norms)

    def rows(self, index: Tensor) -> Nets:
        """Copies of the nets that ``index`` names."""
        norms = tuple(norm.rows(index) for norm in self.norms)
        return Nets(tuple(w[index] for w in self.weights), tuple(b[index] for b in self.biases), norms)

    def normalised(self) -> Nets:
        """These nets with a :class:`BatchNorm` in each hidden layer that has seen nothing yet."""
        return Nets(self.weights, self.biases, tuple(map(BatchNorm.like, self.biases[:-1])))

    def folded(self) -> Nets:
        """Nets without ``norms`` whose outputs equal those of these nets after training."""
        pairs = zip(self.norms, self.weights, self.biases, strict=False)
        layers = [norm.folded(weight, bias) for norm, weight, bias in pairs]
        done = len(layers)
        weights = (*(weight for weight, _ in layers), *self.weights[done:])
        return Nets(weights, (*(bias for _, bias in layers), *self.biases[done:]))


def draw(sizes: Sequence[int], rng: np.random.Generator) -> Net:
    """A net of the given widths before training: He et al.'s normal initialisation (2015, eq. 10), zero biases."""
    return tuple(
        Layer(
            rng.standard_normal((inputs, outputs), dtype=np.float32) * np.float32((2 / inputs) ** 0.5),
            np.zeros(outputs, dtype=np.float32),
        )
        for inputs, outputs in pairwise(sizes)
    )


def stack(nets: Sequence[Net], hidden: Sequence[int] | None = None) -> Nets:
    """The nets side by side, their hidden layers padded to at least ``hidden`` (or the widest net's).

    Raises
    ------
    ValueError
        When the nets differ in depth or in the number of inputs.
    """
    shapes = [widths(net) for net in nets]
    for index, shape in enumerate(shapes):
        if (len(shape), shape[0]) != (len(shapes[0]), shapes[0][0]):
            raise ValueError(f"net {index} has widths {shape}, net 0 {shapes[0]}; expected one depth and one input")
    widest = [*(map(max, zip(*shapes, strict=True)) if hidden is None else (shapes[0][0], *hidden, 1))]
    sizes = [widest[0], *(-(-width // _LANES) * _LANES for width in widest[1:])]
    weights = [np.zeros((len(nets), *pair), dtype=np.float32) for pair in pairwise(sizes)]
    biases = [np.zeros((len(nets), 1, size), dtype=np.float32) for size in sizes[1:]]
    for row, net in enumerate(nets):
        for weight, bias, layer in zip(weights, biases, net, strict=True):
            inputs, outputs = layer.weight.shape
            weight[row, :inputs, :outputs] = layer.weight
            bias[row, 0, :outputs] = layer.bias
    return Nets(tuple(map(torch.from_numpy, weights)), tuple(map(torch.from_numpy, biases)))


def unstack(nets: Nets, row: int, sizes: Sequence[int]) -> Net:
    """Net number ``row`` without its padding."""
    return tuple(
        Layer(weight[row, :inputs, :outputs].cpu().numpy().copy(), bias[row, 0, :outputs].cpu().numpy().copy())
        for weight, bias, (inputs, outputs) in zip(nets.weights, nets.biases, pairwise(sizes), strict=True)
    )


def logits(nets: Nets, x: Tensor) -> Tensor:
    """(n, m) outputs of every net for ``x``: (m, d), the same rows for all, or (n, m, d), own rows for each.

    Differentiable with respect to ``x``. Nets with ``norms`` are to be folded first.
    """
    hidden = x if x.dim() == 3 else x.expand(len(nets), -1, -1)
    for weight, bias in zip(nets.weights[:-1], nets.biases[:-1], strict=True):
        hidden = torch.baddbmm(bias, hidden, weight).relu_()
    return torch.baddbmm(nets.biases[-1], hidden, nets.weights[-1])[..., 0]


@torch.no_grad()
def answers(nets: Nets, x: Tensor) -> Tensor:
    """:func:`logits` without gradients and a few rows at a time, so that memory stays bounded."""
    return torch.cat([logits(nets, rows) for rows in torch.split(x, _ROWS, dim=-2)], dim=1)


def as_tensor(array: FloatArray) -> Tensor:
    """A float32 tensor that owns its memory (torch can't hold read-only arrays)."""
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
