"""The posterior where values are a smooth function of the face: Gauss-Newton, and samples around what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mote_bench.contracts import FloatArray, NonLinear

from .annealed import FIRST_STEP, LENGTH, At, moved, next_step
from .face_model import FaceModel

if TYPE_CHECKING:
    from torch import Tensor

_STARTS, _ROUNDS, _SETTLED = 16, 8, 3
_FIRST_SPREAD, _LEAST_SPREAD = 0.5, 0.01
"""Of the noise, in standard deviations of the values: at first, and the least. Noise of rounding alone would leave
valleys that no chain moves along."""
_LONGEST_STEP, _LEAST_MOVE = 6.0, 1e-12
_FAR = 4.0
"""Mean squared misfit of a chain, in that of the best one or in that of the noise: beyond it a chain has failed."""
_MOVES, _KEPT, _SHORTER = 16, 8, 0.6


def solved(likelihood: NonLinear, model: FaceModel, seed: int) -> tuple[FloatArray, FloatArray]:
    """(s, r) samples of the coordinates z of the enrolled embedding, and (r, r) the covariance near one of them.

    Each of 16 chains starts at a draw of the prior and of the noise, from which the nearest face that explains the
    values is found by Gauss-Newton, with noise that is cooled down: samples of the posterior where values are linear
    (randomised maximum likelihood: Oliver, He & Reynolds, ECMOR 1996; Bardsley et al., SIAM J. Sci. Comput. 36, 2014).
    Hamiltonian Monte Carlo, in the axes of the mean covariance there, then corrects them.
    """
    values = np.asarray(likelihood.values, dtype=np.float64)
    scale = float(np.sqrt(np.mean((values - values.mean()) ** 2)))
    spread = max(likelihood.spread, _LEAST_SPREAD * scale)
    spreads = np.append(np.geomspace(max(_FIRST_SPREAD * scale, spread), spread, _ROUNDS), np.full(_SETTLED, spread))
    rng = np.random.default_rng(seed)
    wanted = rng.standard_normal((_STARTS, model.axes.shape[1]))
    noise = rng.standard_normal((_STARTS, len(values) + 1))
    z = wanted
    for one in spreads:
        slope, miss = _linearised(likelihood, model, z, float(one))
        precision = np.eye(z.shape[1]) + slope.transpose(0, 2, 1) @ slope
        pulled = slope.transpose(0, 2, 1) @ ((miss + noise)[..., None] + slope @ z[..., None])
        move = np.linalg.solve(precision, wanted[..., None] + pulled)[..., 0] - z
        z = z + move * np.minimum(1, _LONGEST_STEP / np.maximum(np.linalg.norm(move, axis=1), _LEAST_MOVE))[:, None]
    slope, miss = _linearised(likelihood, model, z, spread)
    misfit = (miss**2).mean(axis=1)
    # A chain that ends where no face explains the values is replaced by one that does.
    fit = np.flatnonzero(misfit <= _FAR * max(1.0, misfit.min()))
    chosen = fit[np.arange(_STARTS) % len(fit)]
    z, slope = z[chosen], slope[chosen]
    left: FloatArray = np.eye(z.shape[1]) + slope.transpose(0, 2, 1) @ slope
    near = np.linalg.inv(left).mean(axis=0)
    return _corrected(likelihood, model, spread, z, near, seed), near


def _corrected(
    likelihood: NonLinear, model: FaceModel, spread: float, z: FloatArray, near: FloatArray, seed: int
) -> FloatArray:
    """(s, r) what chains from z (k, r) collect; they move in axes in which ``near`` (r, r) is one."""
    import torch

    def tensor(table: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(table, dtype=np.float32))

    root = np.linalg.cholesky(near)
    mean, axes, turn = tensor(model.mean), tensor(model.axes.T), tensor(root.T)
    seen = tensor(np.asarray(likelihood.values))

    def density(turned: Tensor) -> Tensor:
        at = turned @ turn
        faces = mean + at @ axes
        length = (faces.norm(dim=-1) - 1) / LENGTH
        miss = (likelihood.function(faces) - seen) / spread
        squares: Tensor = (miss**2).sum(-1) + (at**2).sum(-1) + length**2
        return -0.5 * squares

    generator = torch.Generator().manual_seed(seed)
    at, step, kept = At.of(tensor(np.linalg.solve(root, z.T).T), density), _SHORTER * FIRST_STEP, []
    for move in range(_MOVES):
        at, accepted = moved(at, density, step, generator)
        step = next_step(step, accepted)
        if move >= _MOVES - _KEPT:
            kept.append(at.z @ turn)
    return np.asarray(torch.cat(kept).numpy(), dtype=np.float64)


def _linearised(likelihood: NonLinear, model: FaceModel, z: FloatArray, spread: float) -> tuple[FloatArray, FloatArray]:
    """Of starts (s, r) the slopes (s, m + 1, r) of the values and the length, and by how much (s, m + 1) they miss.

    Both are in standard deviations of the noise.
    """
    import torch

    faces = model.mean + z @ model.axes.T
    shown = torch.from_numpy(faces).requires_grad_()
    with torch.enable_grad():
        value: Tensor = likelihood.function(shown)
        each = torch.eye(value.shape[1], dtype=value.dtype)[:, None].expand(-1, *value.shape)
        [slope] = torch.autograd.grad(value, shown, each, is_grads_batched=True)  # (m, s, d): the rows of the Jacobian
    length = np.linalg.norm(faces, axis=1)
    of_values = slope.numpy().transpose(1, 0, 2) @ model.axes / spread
    of_length = (faces / length[:, None]) @ model.axes / LENGTH
    missed = (likelihood.values - value.detach().numpy()) / spread
    return np.concatenate([of_values, of_length[:, None]], axis=1), np.column_stack([missed, (1 - length) / LENGTH])
