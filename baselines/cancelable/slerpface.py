"""SlerpFace: groups of coordinates turned most of the way to a secret direction, half of them then dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, NonLinear, Template
from mote_bench.toolkit import device, on_sphere, stream, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.keys import EXPANSIONS, rng_of, rows_of_each

if TYPE_CHECKING:
    import torch

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
_PROBES_AT_ONCE = 2048
_SMALL = 1e-6
_ROUNDING = 2.0**-11 / 3**0.5
"""Standard deviation of a float16's rounding error, relative to its value: half a unit in the last place, uniform."""


class SlerpFace:
    """Groups of coordinates turned towards secret directions, with part of them dropped (SlerpFace).

    Zhong et al., "SlerpFace: Face Template Protection via Spherical Linear Interpolation", AAAI 2025, arXiv 2407.03043.

    The face is cut into groups of coordinates, each scaled to length one. A key seeds a random direction k for each
    group, and the group x is turned towards it along the great circle, to the share alpha of the angle t between them:
    ``p = sin((1 - alpha) t) / sin t * x + sin(alpha t) / sin t * k``. Then part of each group's coordinates, drawn anew
    at each enrolment, is set to zero, and what is left is scaled to length one. A probe is turned towards the presented
    key in the same way and loses the same coordinates as the template. The score is the mean of the groups' cosines. At
    alpha = 0.9 a template is almost its key, which is meant to leave little for a generator conditioned on templates.
    An attacker with the key subtracts it and has the kept coordinates (:meth:`reconstruct`).

    The paper trains a recogniser whose last 7 x 7 feature map has 16 channels, one group for each place. It also learns
    a weight of each group, by which the group is turned and dropped less. An embedding has neither: groups are runs of
    neighbouring coordinates of equal weight. The published code draws the dropped coordinates with replacement, so that
    fewer are lost than its rate says; here exactly that share is.

    Parameters
    ----------
    alpha : float
        How far each group is turned, 0 to 1 exclusive. The published code's 0.9.
    drop_rate : float
        Share of each group's coordinates that is dropped, 0 or more; one at least is kept. The published code's 0.5.
    group_size : int
        Coordinates of a group, 2 or more; the last group may be shorter. The paper's 16.
    centre : bool
        Take x from the background's mean face.
    """

    revocable = True

    def __init__(
        self, *, alpha: float = 0.9, drop_rate: float = 0.5, group_size: int = 16, centre: bool = True
    ) -> None:
        if not (0 <= alpha < 1 and 0 <= drop_rate < 1 and group_size >= 2):
            raise ValueError(
                f"alpha={alpha}, drop_rate={drop_rate}, group_size={group_size}; expected both rates in [0, 1) and "
                "groups of 2 or more"
            )
        self.alpha = alpha
        self.drop_rate = drop_rate
        self.group_size = group_size
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and fix the groups and how many coordinates of each are kept."""
        self._origin = start(background, centre=self.centre)
        d = len(self._origin)
        self._groups = -(-d // self.group_size)
        sizes = np.full(self._groups, self.group_size)
        sizes[-1] = d - self.group_size * (self._groups - 1)
        self._kept = np.maximum(1, np.rint(sizes * (1 - self.drop_rate)).astype(int))
        # Where d isn't a multiple of the group size, the last group is padded: nothing is ever kept there.
        self._real = np.arange(self.group_size) < sizes[:, None]
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d): a bit per coordinate, then float16 of those that are kept.

        At 512 dimensions 64 + 512 bytes.
        """
        turned, masks = self._grouped(references), self._masks(seeds)
        for noise, rows in self._noises(keys, len(references)):
            turned[rows] = slerp(turned[rows], noise, self.alpha)
        values = unit(turned * masks)[masks].astype("<f2").reshape(len(references), int(self._kept.sum()))
        kept = np.packbits(masks[:, self._real], axis=1)
        return [one.tobytes() + own.tobytes() for one, own in zip(kept, values, strict=True)]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: mean cosine of the groups over the coordinates that the template kept, in [-1, 1]."""
        stored, masks = self._read(templates)
        groups = self._grouped(probes)
        answers = np.zeros((len(templates), len(probes)), dtype=np.float32)
        for noise, rows in self._noises(keys, len(templates)):
            for first in range(0, len(probes), _PROBES_AT_ONCE):
                some = slice(first, first + _PROBES_AT_ONCE)
                answers[rows, some] = _cosines(stored[rows], masks[rows], slerp(groups[some], noise, self.alpha))
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: the part of the kept coordinates that is orthogonal to the presented key.

        Each group of the template is ``a x + b k`` on its kept coordinates, up to length; taking out its part along k
        leaves a multiple of x's part across k. Dropped coordinates are estimated as zero, and groups as equally long.
        """
        stored, masks = self._read(templates)
        for noise, rows in self._noises(keys, len(templates)):
            along = unit(noise * masks[rows])
            stored[rows] -= (stored[rows] * along).sum(axis=2, keepdims=True) * along
        return on_sphere(self._origin, unit(unit(stored)[:, self._real])).astype(np.float32)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) scores, differentiable as they are."""
        import torch

        stored, masks = (torch.from_numpy(part).to(device())[:, None] for part in self._read(templates))
        noise = torch.empty(stored.shape)
        for own, rows in self._noises(keys, len(templates)):
            noise[rows] = torch.from_numpy(own)
        noise = noise.to(device())
        return lambda probes: (self._turned(probes, noise, masks) * stored).sum(-1).mean(-1)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[NonLinear]:
        """The values that were kept are those of the face, turned towards the presented key, but for rounding."""
        import torch

        noises = np.empty((len(templates), *self._real.shape), dtype=np.float32)
        for own, rows in self._noises(keys, len(templates)):
            noises[rows] = own
        for stored, mask, noise in zip(*self._read(templates), noises, strict=True):
            kept = stored[mask].astype(np.float64)
            spread = float(_ROUNDING * np.sqrt(np.mean(kept**2)))
            known = torch.from_numpy(noise), torch.from_numpy(mask)
            yield NonLinear(partial(self._kept_values, *known), kept, spread)

    def _kept_values(self, noise: torch.Tensor, mask: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
        """(k, kept) the values that a template with this mask would hold of embeddings (k, d)."""
        return self._turned(faces, noise, mask).flatten(1)[:, mask.flatten()]

    def _turned(self, faces: torch.Tensor, noise: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """(..., groups, size) groups of embeddings (..., d), turned, masked and scaled to length one."""
        import torch

        normalize = torch.nn.functional.normalize
        padding = self._groups * self.group_size - len(self._origin)
        whole = torch.nn.functional.pad(torch_directions(faces, self._origin), (0, padding))
        groups = normalize(whole.reshape(*faces.shape[:-1], self._groups, self.group_size), dim=-1)
        angle = (groups * noise).sum(-1, keepdim=True).clamp(_SMALL - 1, 1 - _SMALL).arccos()
        turned = torch.sin((1 - self.alpha) * angle) * groups + torch.sin(self.alpha * angle) * noise
        return normalize(turned * masks, dim=-1)

    def _grouped(self, faces: FloatArray) -> FloatArray:
        """(n, groups, size) float32, each group of length one, padded with zeros."""
        centred = directions(faces, self._origin)
        groups = np.zeros((len(centred), *self._real.shape), dtype=np.float32)
        groups[:, self._real] = centred
        return unit(groups)

    def _noises(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[FloatArray, Index]]:
        """Each distinct key's (groups, size) unit directions, with the rows it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            yield unit(rng_of(key).standard_normal(self._real.shape, dtype=np.float32) * self._real), rows

    def _masks(self, seeds: Sequence[int]) -> Mask:
        """(n, groups, size) which coordinates are kept: as many of each group as ``fit`` fixed.

        An attacker enrols the same shadow subjects under each stolen key, with the same seeds.
        """

        def drawn() -> tuple[Mask]:
            lots = np.full((len(seeds), *self._real.shape), np.inf)
            for own, seed in zip(lots, seeds, strict=True):
                own[self._real] = stream(seed, "dropout").random(self._real.shape)[self._real]
            return (np.asarray(lots.argsort(axis=2).argsort(axis=2) < self._kept[:, None]),)

        shape = tuple(int(count) for count in self._kept), self._real.shape, len(self._origin)
        [masks] = EXPANSIONS.get(("slerpface", tuple(seeds), shape), drawn)
        return masks

    def _read(self, templates: Sequence[Template]) -> tuple[FloatArray, Mask]:
        """(n, groups, size) float32 values, zero where dropped, and which are kept; ValueError if malformed."""
        d, kept = len(self._origin), int(self._kept.sum())
        size = -(-d // 8) + 2 * kept
        for row, template in enumerate(templates):
            if len(template) != size:
                raise ValueError(f"template {row} has {len(template)} bytes; expected {size} ({kept} values of {d})")
        stored = np.frombuffer(b"".join(templates), dtype=np.uint8).reshape(-1, size)
        bits = np.unpackbits(stored[:, : -2 * kept], axis=1)
        masks = np.zeros((len(templates), *self._real.shape), dtype=bool)
        masks[:, self._real] = bits[:, :d]
        if bits[:, d:].any() or (masks.sum(axis=2) != self._kept).any():
            raise ValueError(
                "a template's bits don't mark the kept coordinates; expected as many bits set per group as are kept"
            )
        values = np.zeros(masks.shape, dtype=np.float32)
        values[masks] = np.ascontiguousarray(stored[:, -2 * kept :]).view("<f2").ravel()
        length = np.linalg.norm(values, axis=2)
        if not (np.abs(length - 1) < 0.01).all():
            raise ValueError("a template's groups are not of length one; expected finite float16 unit vectors")
        return values, masks


def slerp(start_at: FloatArray, towards: FloatArray, alpha: float) -> FloatArray:
    """Spherical linear interpolation between unit vectors along the last axis; of the dtype of ``start_at``.

    Vectors that are parallel or opposite stay as they are: no single great circle joins them.
    """
    cosine = np.clip((start_at * towards).sum(axis=-1, keepdims=True), -1, 1)
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    apart = sine > _SMALL
    sine = np.where(apart, sine, 1)
    near = np.where(apart, np.sin((1 - alpha) * angle) / sine, 1)
    far = np.where(apart, np.sin(alpha * angle) / sine, 0)
    return np.asarray(near * start_at + far * towards, dtype=start_at.dtype)


def _cosines(stored: FloatArray, masks: Mask, turned: FloatArray) -> FloatArray:
    """(n, p) mean over groups of the cosine of stored (n, groups, size) with turned (p, groups, size) where kept."""
    total = np.zeros((len(stored), len(turned)), dtype=np.float32)
    for group in range(stored.shape[1]):
        shown = turned[:, group]
        squared = masks[:, group].astype(np.float32) @ (shown**2).T
        total += stored[:, group] @ shown.T / np.sqrt(np.maximum(squared, _SMALL**2))
    return np.asarray(total / stored.shape[1])
