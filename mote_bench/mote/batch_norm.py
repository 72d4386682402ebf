"""Batch normalisation between the layers of nets that train side by side, and folding it into the layers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MOMENTUM = 0.1
EPSILON = 1e-5
"""Both are torch's defaults."""


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """One hidden layer's, of n nets: Ioffe & Szegedy, ICML 2015 (arXiv 1502.03167), algorithm 1.

    The shift that is learned is the linear layer's own bias, which the normalisation would otherwise cancel. A padded
    unit is always zero and stays so. Once training ends a normalisation by fixed numbers is part of the linear layer:
    a template doesn't show that there was one.

    Attributes
    ----------
    gain : (n, 1, width) float32
        Learned.
    mean, variance : (n, 1, width) float32
        Running averages over the batches, for use after training.
    """

    gain: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def like(cls, bias: Tensor) -> BatchNorm:
        """Before training: a gain of one, and torch's running averages, a mean of zero and a variance of one."""
        return cls(torch.ones_like(bias), torch.zeros_like(bias), torch.ones_like(bias))

    def to(self, device: str) -> BatchNorm:
        """This one on a device."""
        return BatchNorm(self.gain.to(device), self.mean.to(device), self.variance.to(device))

    def rows(self, index: Tensor) -> BatchNorm:
        """Copies for the nets that ``index`` names."""
        return BatchNorm(self.gain[index], self.mean[index], self.variance[index])

    def normalise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` (n, rows, width) to mean 0 and variance 1 over its rows, and what it was multiplied with (n, 1, width).

        Remembers the batch in the running averages: its variance there with one degree of freedom less, as in torch.
        Overwrites ``x``.
        """
        # Two sums: torch.var_mean goes down the columns number by number and takes ten times as long.
        mean = x.mean(dim=1, keepdim=True)
        normal = x.sub_(mean)
        variance = (normal * normal).mean(dim=1, keepdim=True)
        self.mean.lerp_(mean, MOMENTUM)
        self.variance.lerp_(variance * (x.shape[1] / max(x.shape[1] - 1, 1)), MOMENTUM)
        factor = torch.rsqrt(variance + EPSILON)
        return normal.mul_(factor), factor

    def backward(self, delta: Tensor, normal: Tensor, factor: Tensor) -> Tensor:
        """The gradient at the input from ``delta``, that at the output; puts the gain's own into its ``grad``.

        Overwrites ``delta`` and ``normal``.
        """
        along = (delta * normal).sum(dim=1, keepdim=True)
        self.gain.grad = along
        delta.sub_(delta.mean(dim=1, keepdim=True)).sub_(normal.mul_(along / delta.shape[1]))
        return delta.mul_(self.gain * factor)

    def folded(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The linear layer (n, inputs, width), (n, 1, width) that includes the normalisation by running averages."""
        factor = self.gain * torch.rsqrt(self.variance + EPSILON)
        return weight * factor, bias - self.mean * factor
