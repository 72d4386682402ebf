"""Trains many subjects' nets side by side: batched products, each net with its own randomness and stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from mote_bench.contracts import FloatArray
from mote_bench.mote.codec import Net, widths
from mote_bench.mote.nets import Nets, answers, as_tensor, draw, stack, unstack
from mote_bench.mote.objective import CROSS_ENTROPY, Objective
from mote_bench.mote.recipe import WIDTH_RANGE, Crowd, Recipe, positives
from mote_bench.toolkit import CPU, stream, without_compiler

BATCH = 128
FIRST_RATE = 1.5e-3
PEAK_RATE = 1e-2
WEIGHT_DECAY = 5e-5
_FUSED = ("cpu", "cuda")
"""Where torch has AdamW as one kernel."""


@dataclass(frozen=True, eq=False)
class Start:
    """All random parts of one subject's training, drawn from the subject's seed alone.

    Attributes
    ----------
    net : Net
        Before training.
    positives, validation : (n, d) float32
        Synthetic embeddings of the subject, for training and validation: half as many as there are negatives.
    dropout : BitGenerator
        Decides which units are dropped.
    """

    net: Net
    positives: FloatArray
    validation: FloatArray
    dropout: np.random.BitGenerator


def begin(
    reference: FloatArray,
    *,
    seed: int,
    shares: Mapping[str, float],
    training: Crowd,
    validation: Crowd,
    recipe: Recipe,
) -> Start:
    """Draw the start for ``reference`` (d,) from ``seed``; ``shares`` is each group's part of the positives."""
    return Start(
        net=draw((len(reference), *_hidden_widths(recipe, seed), 1), stream(seed, "mote", "weights")),
        positives=positives(reference, training, shares=shares, rng=stream(seed, "mote", "positives")),
        validation=positives(reference, validation, shares=shares, rng=stream(seed, "mote", "validation")),
        dropout=stream(seed, "mote", "dropout").bit_generator,
    )


def _hidden_widths(recipe: Recipe, seed: int) -> list[int]:
    if not recipe.random_widths:
        return list(recipe.hidden)
    rng = stream(seed, "mote", "widths")
    return [width + int(rng.integers(-WIDTH_RANGE, WIDTH_RANGE, endpoint=True)) for width in recipe.hidden]


@torch.no_grad()
def train(
    starts: Sequence[Start], *, training: Crowd, validation: Crowd, recipe: Recipe, seed: int, device: str = CPU
) -> list[Net]:
    """The net of each subject as it was after the epoch of its lowest validation loss.

    All nets get the negatives in the same order, drawn from ``seed``; everything else is their own. Every product is
    one per net, so that a net doesn't depend on the others trained beside it.

    Parameters
    ----------
    starts : sequence of Start
        Memory grows with their number: :func:`people_at_once` says how many are sensible. Training uses up their
        dropout generators.
    training, validation : Crowd
        Disjoint subjects, none of them enrolled.
    device : str
        Where torch computes. All random numbers are drawn on the CPU, so that only rounding depends on it.
    """
    sizes = [widths(start.net) for start in starts]
    nets = stack([start.net for start in starts], recipe.widest).to(device)
    if recipe.batch_norm:
        nets = nets.normalised()
    data = _Data.of(starts, training, validation).to(device)
    optimizer, schedule = optimiser(nets.parameters, steps=recipe.epochs * -(-data.rows // BATCH))
    best = EarlyStop.of(nets.folded(), recipe.patience)
    people = torch.arange(len(starts))
    for epoch in range(recipe.epochs):
        for slots in minibatches(data.rows, seed=seed, epoch=epoch):
            coins = [starts[person].dropout for person in people.tolist()]
            kept = dropout_masks(coins, rows=len(slots), hidden=nets.hidden, dropped=recipe.dropped)
            kept = [mask.to(device) for mask in kept]
            backward(nets, *data.batch(slots, people), kept=kept, scale=recipe.scale, objective=recipe.objective)
            optimizer.step()
            schedule.step()
        now = nets.folded()
        going = best.update(now, people, data.validation_loss(now, people, recipe.objective).cpu())
        if not going.any():
            break
        if not going.all():
            nets, people = _drop(nets, optimizer, going), people[going]
    return [unstack(best.nets, row, shape) for row, shape in enumerate(sizes)]


def optimiser(parameters: list[Tensor], *, steps: int) -> tuple[AdamW, OneCycleLR]:
    """AdamW under a one-cycle rate that rises from 1.5e-3 to 1e-2 and falls to almost nothing within ``steps``.

    The momentum goes the other way, from 0.95 to 0.85 and back: torch's default.
    """
    fused = parameters[0].device.type in _FUSED
    adamw = without_compiler(AdamW)(parameters, lr=FIRST_RATE, weight_decay=WEIGHT_DECAY, fused=fused)
    return adamw, OneCycleLR(adamw, max_lr=PEAK_RATE, div_factor=PEAK_RATE / FIRST_RATE, total_steps=steps)


def minibatches(rows: int, *, seed: int, epoch: int) -> Iterator[Tensor]:
    """Every row once, shuffled anew in each epoch, :data:`BATCH` at a time; rising within a batch.

    The last batch may be smaller.
    """
    order = stream(seed, "mote", "order", epoch).permutation(rows)
    for start in range(0, rows, BATCH):
        yield torch.from_numpy(np.sort(order[start : start + BATCH]))


def dropout_masks(
    generators: Sequence[np.random.BitGenerator], *, rows: int, hidden: Sequence[int], dropped: int
) -> list[Tensor]:
    """Per layer of ``hidden`` (n, rows, width) float32: 1 where a unit survives and 0 where it is dropped.

    A random byte per unit, of whose 256 values ``dropped`` drop it.
    """
    count = rows * sum(hidden)
    words = np.empty((len(generators), -(-count // 8)), dtype="<u8")
    for row, generator in zip(words, generators, strict=True):
        row[:] = generator.random_raw(len(row))
    kept = np.empty((len(words), 8 * words.shape[1]), dtype=np.float32)
    np.greater_equal(words.view(np.uint8), dropped, out=kept, casting="unsafe")
    layers = torch.split(torch.from_numpy(kept)[:, :count], [rows * width for width in hidden], dim=1)
    return [layer.reshape(len(words), rows, -1) for layer in layers]


def backward(
    nets: Nets,
    negatives: Tensor,
    positives: Tensor,
    *,
    kept: Sequence[Tensor],
    scale: float,
    objective: Objective = CROSS_ENTROPY,
) -> None:
    """Put into ``grad`` of every parameter the gradient of each net's loss on one batch.

    Written out instead of left to autograd, which takes a third longer: a hidden unit is 0 both where ReLU and where
    dropout stops it, so its sign alone shows where the gradient passes. The dropout scale is applied to the products.
    The negatives are never copied per net; one product of them with all first layers at once is slower still,
    because its result has to be transposed.

    Parameters
    ----------
    negatives : (rows, d)
        Shared by all nets.
    positives : (n, own rows, d)
    kept : per hidden layer (n, all rows, width)
        1 where a unit survives dropout, otherwise 0; the negatives' rows first.
    scale : float
        What surviving units are multiplied with.
    """
    shared, rows = len(negatives), len(negatives) + positives.shape[1]
    layers = _Hidden(nets)
    first = negatives.new_empty(len(nets), rows, nets.biases[0].shape[2]).copy_(layers.added[0].expand(-1, rows, -1))
    first[:, :shared].baddbmm_(negatives.expand(len(nets), -1, -1), nets.weights[0])
    first[:, shared:].baddbmm_(positives, nets.weights[0])
    units = [layers.units(first).mul_(kept[0])]
    for weight, added, mask in zip(nets.weights[1:-1], layers.added[1:], kept[1:], strict=True):
        units.append(layers.units(torch.baddbmm(added, units[-1], weight, alpha=scale)).mul_(mask))
    logit = torch.baddbmm(nets.biases[-1], units[-1], nets.weights[-1], alpha=scale)
    delta = torch.zeros_like(logit)
    delta[..., 0] = objective.slopes(logit[..., 0], shared)
    nets.biases[-1].grad = delta.sum(dim=1, keepdim=True)
    for weight, bias, below in reversed(list(zip(nets.weights[1:], nets.biases[:-1], units, strict=True))):
        delta.mul_(scale)
        weight.grad = torch.bmm(below.mT, delta)
        delta = torch.bmm(delta, weight.mT).mul_(below.sign_())
        bias.grad = delta.sum(dim=1, keepdim=True)
        delta = layers.below(delta)
    nets.weights[0].grad = torch.bmm(positives.mT, delta[:, shared:])
    nets.weights[0].grad.baddbmm_(negatives.T.expand(len(nets), -1, -1), delta[:, :shared])


class _Hidden:
    """What the hidden layers of ``nets`` do between their products, one after another, and on the way back."""

    def __init__(self, nets: Nets) -> None:
        self._nets, self._passed = nets, list[tuple[Tensor, Tensor]]()
        self.added = [torch.zeros_like(bias) if nets.norms else bias for bias in nets.biases[:-1]]
        """What is added to each layer's product: its bias, unless that comes after a normalisation."""

    def units(self, x: Tensor) -> Tensor:
        """The next layer's units from its product ``x`` (n, rows, width), which is overwritten."""
        if self._nets.norms:
            layer = len(self._passed)
            self._passed.append(self._nets.norms[layer].normalise(x))
            x = torch.addcmul(self._nets.biases[layer], self._passed[-1][0], self._nets.norms[layer].gain)
        return x.relu_()

    def below(self, delta: Tensor) -> Tensor:
        """The gradient at the last layer's product from the one before its ReLU; each call goes a layer down."""
        if not self._nets.norms:
            return delta
        passed = self._passed.pop()
        return self._nets.norms[len(self._passed)].backward(delta, *passed)


@dataclass(eq=False)
class EarlyStop:
    """Each subject's best net so far, and for how many epochs there was no better one."""

    nets: Nets
    lowest: Tensor
    idle: Tensor
    patience: int

    @classmethod
    def of(cls, nets: Nets, patience: int) -> EarlyStop:
        everyone = torch.arange(len(nets))
        return cls(
            nets.rows(everyone),
            torch.full((len(nets),), torch.inf, dtype=torch.float64),
            torch.zeros_like(everyone),
            patience,
        )

    def update(self, nets: Nets, people: Tensor, loss: Tensor) -> Tensor:
        """Keep the nets that have got better; returns (n,) bool, which of ``people`` train on."""
        better = loss < self.lowest[people]
        for best, now in zip(self.nets.parameters, nets.parameters, strict=True):
            best[people[better]] = now[better]
        self.lowest[people[better]] = loss[better]
        self.idle[people] = torch.where(better, 0, self.idle[people] + 1)
        return self.idle[people] < self.patience


def _drop(nets: Nets, optimizer: AdamW, going: Tensor) -> Nets:
    """Only the nets that train on; the optimiser, under its schedule, goes on with them and their moments."""
    left = nets.rows(going)
    for old, new in zip(nets.parameters, left.parameters, strict=True):
        state = optimizer.state.pop(old)
        optimizer.state[new] = {name: value[going] if value.dim() else value for name, value in state.items()}
    optimizer.param_groups[0]["params"] = left.parameters
    return left


@dataclass(frozen=True, eq=False)
class _Data:
    negatives: Tensor
    positives: Tensor
    others: Tensor
    validation: Tensor

    @classmethod
    def of(cls, starts: Sequence[Start], training: Crowd, validation: Crowd) -> _Data:
        return cls(
            negatives=as_tensor(training.faces),
            positives=torch.from_numpy(np.stack([start.positives for start in starts])),
            others=as_tensor(validation.faces),
            validation=torch.from_numpy(np.stack([start.validation for start in starts])),
        )

    def to(self, device: str) -> _Data:
        parts = (self.negatives, self.positives, self.others, self.validation)
        return _Data(*(part.to(device) for part in parts))

    @property
    def rows(self) -> int:
        """Rows of one net's training set: first the negatives, then the subject's own positives."""
        return len(self.negatives) + self.positives.shape[1]

    def batch(self, slots: Tensor, people: Tensor) -> tuple[Tensor, Tensor]:
        """The shared negatives (rows, d) and each subject's positives (n, own rows, d) that rising ``slots`` name."""
        shared = int(torch.searchsorted(slots, len(self.negatives)))
        own = slots[shared:] - len(self.negatives)
        # Whole rows by one list of numbers: several times faster than by two lists.
        rows = (people[:, None] * self.positives.shape[1] + own).flatten().to(self.positives.device)
        mine = self.positives.flatten(0, 1).index_select(0, rows)
        return self.negatives[slots[:shared]], mine.reshape(len(people), len(own), self.positives.shape[2])

    def validation_loss(self, nets: Nets, people: Tensor, objective: Objective) -> Tensor:
        logit = torch.cat([answers(nets, self.others), answers(nets, self.validation[people])], dim=1)
        return objective.losses(logit, len(self.others))
