"""Batched training against torch's own, one net at a time."""

from __future__ import annotations

import copy
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from mote_bench.mote.batch_norm import BatchNorm
from mote_bench.mote.codec import Layer, Net, encode
from mote_bench.mote.kde import Density
from mote_bench.mote.nets import Nets, draw, stack, unstack
from mote_bench.mote.recipe import Crowd, Recipe, people_at_once, positives
from mote_bench.mote.train import (
    EarlyStop,
    Start,
    backward,
    begin,
    dropout_masks,
    minibatches,
    optimiser,
    train,
)
from mote_bench.studies.reference_loop import as_layers, as_net, forward, train_one

EVERYONE = {"everyone": 1.0}


def starts(n: int, crowds: dict[str, Crowd], recipe: Recipe) -> list[Start]:
    references = np.random.default_rng(5).standard_normal((n, 16)).astype(np.float32)
    return [
        begin(reference, seed=seed, shares=EVERYONE, recipe=recipe, **crowds)
        for seed, reference in enumerate(references)
    ]


def assert_close(ours: Net, theirs: Net, tolerance: float) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.weight, b.weight, rtol=0, atol=tolerance)
        np.testing.assert_allclose(a.bias, b.bias, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("shared", "own"), [(20, 11), (0, 7), (9, 0), (1, 0)])
def test_gradient_equals_autograds(shared: int, own: int, rng: np.random.Generator) -> None:
    nets = [draw(shape, rng) for shape in [(6, 20, 9, 1), (6, 16, 16, 1)]]
    stacked = stack(nets)
    negatives = torch.from_numpy(rng.standard_normal((shared, 6)).astype(np.float32))
    mine = torch.from_numpy(rng.standard_normal((2, own, 6)).astype(np.float32))
    kept = [torch.from_numpy(rng.integers(0, 2, (2, shared + own, w)).astype(np.float32)) for w in stacked.hidden]
    backward(stacked, negatives, mine, kept=[mask.clone() for mask in kept], scale=1.7)
    labels = (torch.arange(shared + own) >= shared).float()
    for row, net in enumerate(nets):
        layers = as_layers(net)
        logit = forward(layers, torch.cat([negatives, mine[row]]), [mask[row] for mask in kept], 1.7)
        nn.BCEWithLogitsLoss()(logit, labels).backward()
        gradients = Nets(tuple(w.grad for w in stacked.weights), tuple(b.grad for b in stacked.biases))
        expected = tuple(Layer(layer.weight.grad.T.numpy(), layer.bias.grad.numpy()) for layer in layers)
        shape = (6, *(len(layer.bias) for layer in net))
        assert_close(unstack(gradients, row, shape), expected, 1e-6)


def test_gradient_through_batch_normalisation_equals_autograds(rng: np.random.Generator) -> None:
    stacked = stack([draw((6, 20, 9, 1), rng), draw((6, 16, 16, 1), rng)]).normalised()
    for part in (*stacked.biases[:-1], *(norm.gain for norm in stacked.norms)):
        part.add_(torch.from_numpy(rng.standard_normal(part.shape).astype(np.float32)), alpha=0.3)
    negatives = torch.from_numpy(rng.standard_normal((20, 6)).astype(np.float32))
    mine = torch.from_numpy(rng.standard_normal((2, 11, 6)).astype(np.float32))
    kept = [torch.from_numpy(rng.integers(0, 2, (2, 31, w)).astype(np.float32)) for w in stacked.hidden]
    backward(stacked, negatives, mine, kept=[mask.clone() for mask in kept], scale=1.7)
    ours = [part.grad for part in stacked.parameters]
    for row in range(2):
        leaves = [part[row].detach().clone().requires_grad_() for part in stacked.parameters]
        weights, biases, gains = leaves[:3], leaves[3:6], leaves[6:]
        x = torch.cat([negatives, mine[row]])
        for weight, bias, gain, mask in zip(weights, biases, gains, kept, strict=False):
            normal = nn.functional.batch_norm(x @ weight, None, None, gain[0], bias[0], training=True)
            x = torch.relu(normal) * mask[row] * 1.7
        logit = (x @ weights[-1] + biases[-1])[:, 0]
        nn.BCEWithLogitsLoss()(logit, (torch.arange(31) >= 20).float()).backward()
        for our, leaf in zip(ours, leaves, strict=True):
            torch.testing.assert_close(our[row], leaf.grad, rtol=0, atol=2e-6)


def test_batch_normalisation_by_hand() -> None:
    norm = BatchNorm(torch.tensor([[[2.0]]]), torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    normal, factor = norm.normalise(torch.tensor([[[1.0], [5.0]]]))  # mean 3, variance 4, with one fewer 8
    assert factor.item() == pytest.approx(0.5, rel=1e-5)
    assert normal.flatten().tolist() == pytest.approx([-1, 1], rel=1e-5)
    assert (norm.mean.item(), norm.variance.item()) == pytest.approx((0.3, 0.9 + 0.8))
    weight, bias = norm.folded(torch.tensor([[[3.0]]]), torch.tensor([[[7.0]]]))
    assert weight.item() == pytest.approx(3 * 2 / 1.7**0.5, rel=1e-5)
    assert bias.item() == pytest.approx(7 - 0.3 * 2 / 1.7**0.5, rel=1e-5)


def test_one_row_of_a_batch_says_nothing() -> None:
    normal, _ = BatchNorm.like(torch.zeros(1, 1, 3)).normalise(torch.ones(1, 1, 3))
    assert not normal.any()


def test_padding_gets_no_gradient(rng: np.random.Generator) -> None:
    stacked = stack([draw((6, 5, 1), rng)])
    kept = [torch.ones(1, 9, 16)]
    backward(stacked, torch.randn(4, 6), torch.randn(1, 5, 6), kept=kept, scale=1.0)
    assert not stacked.weights[0].grad[:, :, 5:].any()
    assert not stacked.weights[1].grad[:, 5:].any()
    assert not stacked.weights[1].grad[:, :, 1:].any()


def test_steps_equal_torchs_own(rng: np.random.Generator) -> None:
    net = draw((16, 24, 16, 1), rng)
    x = torch.from_numpy(rng.standard_normal((120, 16)).astype(np.float32))
    labels = (torch.arange(120) >= 80).float()
    model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 1))
    for linear, layer in zip(model[::2], net, strict=True):
        linear.load_state_dict({"weight": torch.from_numpy(layer.weight.T), "bias": torch.from_numpy(layer.bias)})
    theirs = AdamW(model.parameters(), lr=1.5e-3, weight_decay=5e-5)
    cycle = OneCycleLR(theirs, max_lr=1e-2, div_factor=1e-2 / 1.5e-3, total_steps=20)
    nets = stack([net])
    ours, schedule = optimiser(nets.parameters, steps=20)
    for _ in range(5):
        backward(nets, x[:80], x[None, 80:], kept=[torch.ones(1, 120, width) for width in nets.hidden], scale=1.0)
        theirs.zero_grad()
        nn.BCEWithLogitsLoss()(model(x)[:, 0], labels).backward()
        for step in (ours, schedule, theirs, cycle):
            step.step()
        assert_close(unstack(nets, 0, (16, 24, 16, 1)), as_net(nn.ModuleList(model[::2])), 1e-5)


def test_schedule_is_torchs_one_cycle() -> None:
    weight = nn.Parameter(torch.ones(1))
    ours, schedule = optimiser([weight], steps=10)
    theirs = AdamW([weight], lr=123.0)
    cycle = OneCycleLR(theirs, max_lr=0.01, total_steps=10, div_factor=0.01 / 0.0015)
    weight.grad = torch.ones(1)
    rates = []
    for _ in range(10):
        assert ours.param_groups[0]["lr"] == theirs.param_groups[0]["lr"]
        assert ours.param_groups[0]["betas"] == theirs.param_groups[0]["betas"]
        rates.append(ours.param_groups[0]["lr"])
        for optimizer, stepped in ((ours, schedule), (theirs, cycle)):
            optimizer.step()
            if len(rates) < 10:
                stepped.step()
    assert rates[0] == pytest.approx(0.0015)
    assert max(rates) == pytest.approx(0.01)
    assert ours.param_groups[0]["weight_decay"] == 5e-5


def test_training_leaves_torchs_compiler_alone(
    crowds: dict[str, Crowd], recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its import takes seconds in every worker process."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it is an error now
    train(starts(2, crowds, recipe), **crowds, recipe=recipe, seed=4)


VARIANTS = pytest.mark.parametrize(
    "variant", [{}, {"random_widths": True}, {"batch_norm": True}, {"random_widths": True, "batch_norm": True}]
)


@VARIANTS
def test_training_equals_the_loop(crowds: dict[str, Crowd], recipe: Recipe, variant: dict[str, bool]) -> None:
    recipe = replace(recipe, **variant)
    batched = train(starts(3, crowds, recipe), **crowds, recipe=recipe, seed=4)
    for net, start in zip(batched, starts(3, crowds, recipe), strict=True):
        assert_close(net, train_one(start, **crowds, recipe=recipe, seed=4), 1e-4)


@VARIANTS
def test_a_person_is_trained_the_same_in_any_company(
    crowds: dict[str, Crowd], recipe: Recipe, variant: dict[str, bool]
) -> None:
    # Patience 1 makes people leave the batch at different epochs.
    recipe = replace(recipe, **variant, epochs=12, patience=1)
    together = train(starts(7, crowds, recipe), **crowds, recipe=recipe, seed=0)
    alone = [train([start], **crowds, recipe=recipe, seed=0)[0] for start in starts(7, crowds, recipe)]
    for ours, theirs in zip(together, alone, strict=True):
        # Another matrix library than Intel's may choose its way of adding by the number of people.
        assert_close(ours, theirs, 0 if torch.backends.mkl.is_available() else 1e-3)


def test_early_stop_by_hand() -> None:
    def nets(*values: float) -> Nets:
        return Nets((torch.tensor(values, dtype=torch.float32)[:, None, None],), (torch.zeros(len(values), 1, 1),))

    def losses(*values: float) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float64)

    stop = EarlyStop.of(nets(0, 0, 0), patience=2)
    everyone = torch.tensor([0, 1, 2])
    assert stop.update(nets(1, 1, 1), everyone, losses(5, 5, 5)).tolist() == [True, True, True]
    # Person 0 gets worse, person 1 stays level (no better), person 2 gets better.
    assert stop.update(nets(2, 2, 2), everyone, losses(6, 5, 4)).tolist() == [True, True, True]
    # Persons 0 and 1 have now gone two epochs without a better loss.
    assert stop.update(nets(3, 3, 3), everyone, losses(5.5, 5, 3)).tolist() == [False, False, True]
    assert stop.update(nets(4), torch.tensor([2]), losses(math.nan)).tolist() == [True]
    assert stop.nets.weights[0].flatten().tolist() == [1, 1, 3]


def test_the_weights_of_the_lowest_validation_loss_are_kept(crowds: dict[str, Crowd]) -> None:
    recipe = Recipe(hidden=(24, 16), epochs=12, patience=3)
    (start,) = starts(1, crowds, recipe)
    (net,) = train([copy.deepcopy(start)], **crowds, recipe=recipe, seed=0)
    x = torch.from_numpy(np.concatenate([crowds["validation"].faces, start.validation]))
    labels = (torch.arange(len(x)) >= 50).float()

    def loss(net: Net) -> float:
        with torch.no_grad():
            return nn.BCEWithLogitsLoss()(forward(as_layers(net), x), labels).item()

    every_epoch: list[float] = []
    original = EarlyStop.update

    def watch(stop: EarlyStop, nets: Nets, people: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
        every_epoch.append(losses.item())
        return original(stop, nets, people, losses)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EarlyStop, "update", watch)
        train([start], **crowds, recipe=recipe, seed=0)
    assert loss(net) == pytest.approx(min(every_epoch), rel=1e-5)
    best = int(np.argmin(every_epoch))
    assert len(every_epoch) == min(12, best + 1 + 3)


def test_batches_hold_every_row_once() -> None:
    batches = list(minibatches(300, seed=1, epoch=0))
    assert [len(batch) for batch in batches] == [128, 128, 44]
    assert sorted(torch.cat(batches).tolist()) == list(range(300))
    assert all((batch.diff() > 0).all() for batch in batches)
    again, other = list(minibatches(300, seed=1, epoch=0)), list(minibatches(300, seed=1, epoch=1))
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))
    assert not torch.equal(batches[0], other[0])


def test_dropout_masks_drop_the_given_part() -> None:
    generators = [np.random.PCG64(seed) for seed in (1, 2)]
    first, second = dropout_masks(generators, rows=50, hidden=[64, 32], dropped=77)
    assert first.shape == (2, 50, 64)
    assert second.shape == (2, 50, 32)
    assert set(first.unique().tolist()) == {0.0, 1.0}
    # 77/256 = 0.30 dropped; standard error over 9,600 units: sqrt(.3 * .7 / 9600) = 0.005
    assert torch.cat([first.flatten(), second.flatten()]).mean().item() == pytest.approx(1 - 77 / 256, abs=0.02)
    assert not torch.equal(first[0], first[1])


def test_dropout_zero_keeps_every_unit() -> None:
    (mask,) = dropout_masks([np.random.PCG64(1)], rows=9, hidden=[16], dropped=0)
    assert (mask == 1).all()


def two_groups(n: int) -> Crowd:
    """Differences of women lie at +10, of men at -10."""
    at = {"female": 10.0, "male": -10.0}
    spread = {group: Density(np.full((5, 4), place, dtype=np.float32), 0.1) for group, place in at.items()}
    return Crowd(np.zeros((n, 4), dtype=np.float32), spread)


@pytest.mark.parametrize(
    ("shares", "women"),
    [
        ({"female": 0.5, "male": 0.5}, 50),
        ({"female": 1.0, "male": 0.0}, 100),
        ({"female": 0.0, "male": 1.0}, 0),
        ({"male": 1.0}, 0),
        ({"female": 0.305, "male": 0.695}, 30),
    ],
)
def test_shares_of_the_positives(shares: dict[str, float], women: int, rng: np.random.Generator) -> None:
    reference = np.array([1, 2, 3, 4], dtype=np.float32)
    drawn = positives(reference, two_groups(200), shares=shares, rng=rng)
    assert drawn.shape == (100, 4)  # half as many as negatives
    assert drawn.dtype == np.float32
    differences = drawn - reference
    assert (differences > 5).all(axis=1).sum() == women
    assert (differences < -5).all(axis=1).sum() == 100 - women


def test_everything_random_comes_from_the_seed(crowds: dict[str, Crowd]) -> None:
    recipe = Recipe(hidden=(24, 16), random_widths=True)
    reference = np.ones(16, dtype=np.float32)

    def drawn(seed: int) -> tuple[bytes, bytes, bytes, bytes]:
        start = begin(reference, seed=seed, shares=EVERYONE, recipe=recipe, **crowds)
        coins = start.dropout.random_raw(4)
        return encode(start.net), start.positives.tobytes(), start.validation.tobytes(), coins.tobytes()

    assert drawn(1) == drawn(1)
    assert all(a != b for a, b in zip(drawn(1), drawn(2), strict=True))


def test_random_widths_stay_within_ten(crowds: dict[str, Crowd]) -> None:
    recipe = Recipe(hidden=(24, 16), random_widths=True)
    reference = np.ones(16, dtype=np.float32)
    nets = [begin(reference, seed=s, shares=EVERYONE, recipe=recipe, **crowds).net for s in range(200)]
    first = {len(net[0].bias) for net in nets}
    # 21 widths, 200 draws: the odds of missing a given end are (20/21)^200 = 6e-5.
    assert (min(first), max(first)) == (14, 34)
    assert {len(net[1].bias) for net in nets} <= set(range(6, 27))


def test_global_generators_and_threads_are_left_alone(crowds: dict[str, Crowd], recipe: Recipe) -> None:
    torch_state, numpy_state, threads = torch.get_rng_state(), np.random.get_state()[1].copy(), torch.get_num_threads()  # noqa: NPY002
    train(starts(2, crowds, recipe), **crowds, recipe=recipe, seed=0)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()


def test_few_people_at_once_where_their_positives_are_large() -> None:
    def crowd(n: int) -> Crowd:
        return Crowd(np.broadcast_to(np.float32(1), (n, 512)), {})

    assert people_at_once(crowd(1200), crowd(300)) == 64
    # 20,000 negatives in all: 10,000 x 512 x 4 bytes = 20.5 MB of positives a person, of 134 MB.
    assert people_at_once(crowd(16_000), crowd(4_000)) == 6
    assert people_at_once(crowd(10**6), crowd(10**6)) == 1
