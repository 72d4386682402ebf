"""The training loss of a net's outputs on negatives and positives, and its derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Objective(Protocol):
    """A loss of the outputs (n, rows) of n nets; the first ``shared`` rows are negatives."""

    def losses(self, logit: Tensor, shared: int) -> Tensor:
        """(n,) float64 loss of each net; as precise as its device can."""
        ...

    def slopes(self, logit: Tensor, shared: int) -> Tensor:
        """(n, rows) float32 derivative of each net's loss by its outputs."""
        ...


@dataclass(frozen=True)
class CrossEntropy:
    """Binary cross-entropy, mean over all rows: the paper's."""

    def losses(self, logit: Tensor, shared: int) -> Tensor:
        """(n,) float64."""
        import torch
        from torch.nn import functional

        labels = precise(torch.arange(logit.shape[1], device=logit.device) >= shared).expand_as(logit)
        return functional.binary_cross_entropy_with_logits(precise(logit), labels, reduction="none").mean(dim=1)

    def slopes(self, logit: Tensor, shared: int) -> Tensor:
        """(n, rows) float32."""
        # In float64, because torch's sigmoid rounds the last few of a row of floats differently from the rest.
        slope = precise(logit).sigmoid().float()
        slope[:, shared:] -= 1
        return slope / logit.shape[1]


@dataclass(frozen=True)
class Flat:
    """Squared distance to -1 on negatives and to 1 on positives, plus the variance of the outputs for negatives.

    Nearly equal scores of non-mated faces should not show whom the subject resembles; see ``flattened``.

    Attributes
    ----------
    variance : float
        How much the variance weighs.
    """

    variance: float

    def losses(self, logit: Tensor, shared: int) -> Tensor:
        """(n,) float64."""
        negatives, positives = precise(logit).tensor_split([shared], dim=1)
        squares = ((negatives + 1) ** 2).mean(dim=1) + ((positives - 1) ** 2).mean(dim=1)
        return squares + self.variance * negatives.var(dim=1)

    def slopes(self, logit: Tensor, shared: int) -> Tensor:
        """(n, rows) float32; a batch of fewer than two negatives has no variance."""
        import torch

        negatives, positives = precise(logit).tensor_split([shared], dim=1)
        rise = (negatives + 1) / max(shared, 1)
        if shared > 1:
            rise = rise + self.variance * (negatives - negatives.mean(dim=1, keepdim=True)) / (shared - 1)
        fall = (positives - 1) / max(logit.shape[1] - shared, 1)
        return 2 * torch.cat([rise, fall], dim=1).float()


CROSS_ENTROPY = CrossEntropy()


def precise(values: Tensor) -> Tensor:
    """In float64; in float32 on Apple's devices (``mps``), which know no other."""
    return values.float() if values.device.type == "mps" else values.double()
