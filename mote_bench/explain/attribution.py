"""Attributes a comparison score to parts of the embedding: gradients, and gradients along a path."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mote_bench.contracts import InputError

Answer = Callable[[Tensor], Tensor]
"""From k probes of each of n templates, (n, k, ...), to their scores (n, k), differentiable."""

STEPS = 64


def gradient(answer: Answer, probes: Tensor, blank: Tensor) -> Tensor:
    """(n, k, d): the exact gradient at each probe times its difference from ``blank`` (d,).

    To first order, what every dimension adds to the score over a blank probe (Shrikumar et al.,
    arXiv 1605.01713, "gradient x input").
    """
    x = probes.detach().requires_grad_()
    (slope,) = torch.autograd.grad(answer(x).sum(), x)
    return (slope * (probes - blank)).detach()


def integrated(answer: Answer, probes: Tensor, blank: Tensor) -> Tensor:
    """(n, k, d): gradients averaged from ``blank`` to each probe, times the difference; they add up to the score's.

    Integrated gradients (Sundararajan, Taly and Yan, ICML 2017, eq. 1), by captum, at 64 points of Gauss and Legendre.

    Raises
    ------
    InputError
        Where captum isn't installed.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise InputError("explaining needs captum; install it: pip install 'mote-bench[explain]'") from None
    n, k, d = probes.shape

    def flat(rows: Tensor) -> Tensor:  # captum stacks the points of all paths: (points, n, k) in one column
        paths = rows.reshape(-1, n, k, d)
        answers = answer(paths.transpose(0, 1).reshape(n, -1, d))
        return answers.reshape(n, -1, k).transpose(0, 1).reshape(-1)

    made: Tensor = IntegratedGradients(flat).attribute(
        probes.reshape(-1, d), baselines=blank.expand(n * k, d), n_steps=STEPS, method="gausslegendre"
    )
    return made.reshape(n, k, d).detach().to(probes.dtype)


METHODS = {"gradient": gradient, "integrated gradients": integrated}
