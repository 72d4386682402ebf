"""Annealed sequential Monte Carlo: samples of the face, given a likelihood that can be made softer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mote_bench.contracts import FloatArray, Smooth

from .face_model import FaceModel

if TYPE_CHECKING:
    from torch import Generator, Tensor

_MOVES, _LEAPS = 2, 6
_WIDEST, NARROWEST = 1.0, 0.12
_MOST_NUMBERS = 1 << 18
"""Of all chains, from which a likelihood is computed: with more of them fewer chains are moved."""
FIRST_STEP, _STEPS, _WANTED = 0.25, (1e-4, 0.6), 0.7
"""Step of the dynamics at first, its bounds, and the share of moves to be accepted, towards which it is changed."""
LENGTH = 0.03
"""Standard deviation that is allowed of the embedding's length, which is one."""


@dataclass(frozen=True)
class _Effort:
    """Chains, widths from the widest to the narrowest, and how many samples of each chain are collected."""

    chains: int
    widths: int
    collected: int


_WHOLE, _LESS = _Effort(16, 14, 8), _Effort(4, 10, 4)

LogDensity = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True, eq=False)
class At:
    """Chains (k, r) with their log densities (k,) and gradients (k, r)."""

    z: Tensor
    density: Tensor
    gradient: Tensor

    @classmethod
    def of(cls, z: Tensor, density: LogDensity) -> At:
        import torch

        z = z.detach().requires_grad_(True)
        with torch.enable_grad():
            value = density(z)
            [gradient] = torch.autograd.grad(value.sum(), z)
        return cls(z.detach(), value.detach(), gradient)


def sampled(likelihood: Smooth, model: FaceModel, seed: int) -> FloatArray:
    """(s, r) samples of the coordinates z of the enrolled embedding.

    Chains start from the prior. The likelihood becomes exact in some steps; after each, chains are drawn anew by their
    weights where few carry most of it, and moved by Hamiltonian Monte Carlo (Del Moral, Doucet & Jasra, JRSS B 68,
    2006; Neal, Handbook of MCMC, 2011, chapter 5). Cost: about 250 gradients of 16 faces; 150 of 4 faces where each
    takes many numbers (``numbers`` of the likelihood).
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    mean, axes = (torch.from_numpy(part.astype(np.float32)) for part in (model.mean, model.axes))

    def density(width: float) -> LogDensity:
        def of(z: Tensor) -> Tensor:
            faces = mean + z @ axes.T
            length = (faces.norm(dim=-1) - 1) / LENGTH
            said: Tensor = likelihood.log_likelihood(faces, width)
            beforehand: Tensor = -0.5 * (z**2).sum(-1) - 0.5 * length**2
            return said + beforehand

        return of

    effort = _LESS if likelihood.numbers * _WHOLE.chains > _MOST_NUMBERS else _WHOLE
    widths = [float(one) for one in np.geomspace(_WIDEST, NARROWEST, effort.widths)]
    at = At.of(torch.randn(effort.chains, axes.shape[1], generator=generator), density(widths[0]))
    step, weight, kept = FIRST_STEP, torch.zeros(effort.chains), []
    for width in widths:
        now, last = density(width), width == widths[-1]
        narrower = At.of(at.z, now)
        at, weight = _drawn_anew(narrower, weight + narrower.density - at.density, generator)
        for move in range(_MOVES * effort.collected if last else _MOVES):
            at, accepted = moved(at, now, step, generator)
            step = next_step(step, accepted)
            if last and (move + 1) % _MOVES == 0:
                kept.append(at.z)
    drawn = _by_share(torch.softmax(weight, 0), generator)
    return np.asarray(torch.stack(kept, dim=1)[drawn].flatten(0, 1).numpy(), dtype=np.float64)


def _drawn_anew(at: At, weight: Tensor, generator: Generator) -> tuple[At, Tensor]:
    """The chains drawn by their weights, where half of them carry hardly any; their new weights."""
    import torch

    share = torch.softmax(weight, 0)
    if 1 / (share**2).sum() >= len(share) / 2:
        return at, weight
    drawn = _by_share(share, generator)
    return At(at.z[drawn], at.density[drawn], at.gradient[drawn]), torch.zeros_like(weight)


def _by_share(share: Tensor, generator: Generator) -> Tensor:
    """(k,) chains in proportion to their shares (k,), drawn systematically: each as often as expected, but for one."""
    import torch

    places = (torch.arange(len(share)) + torch.rand(1, generator=generator)) / len(share)
    return torch.searchsorted(share.cumsum(0), places).clamp(max=len(share) - 1)


def next_step(step: float, accepted: float) -> float:
    """The step of the next move, after this one was accepted with this probability."""
    return float(np.clip(step * np.exp(0.5 * (accepted - _WANTED)), *_STEPS))


def moved(at: At, density: LogDensity, step: float, generator: Generator) -> tuple[At, float]:
    """One move of each chain along its dynamics, and the mean probability with which moves are accepted."""
    import torch

    momentum = torch.randn(at.z.shape, generator=generator)
    there, speed = at, momentum + step / 2 * at.gradient
    for leap in range(_LEAPS):
        there = At.of(there.z + step * speed, density)
        speed = speed + (step if leap < _LEAPS - 1 else step / 2) * there.gradient
    gain = there.density - at.density - 0.5 * ((speed**2).sum(-1) - (momentum**2).sum(-1))
    chance = gain.clamp(max=0).exp().nan_to_num(0)
    taken = torch.rand(len(chance), generator=generator) < chance
    new = At(
        torch.where(taken[:, None], there.z, at.z),
        torch.where(taken, there.density, at.density),
        torch.where(taken[:, None], there.gradient, at.gradient),
    )
    return new, float(chance.mean())
