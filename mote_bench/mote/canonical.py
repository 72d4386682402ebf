"""A net's weights in a form that doesn't depend on the order or the scale of its hidden units."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mote_bench.contracts import FloatArray

from .codec import Layer, Net, widths

_QUANTILES = np.linspace(0, 1, 9)


def canonical(net: Net) -> Net:
    """The same function as a net whose units are in one order and of one scale.

    A net's outputs don't change when a ReLU unit's inputs are multiplied by a > 0 and its outputs by 1 / a, or when the
    units of a layer are permuted. So every unit's incoming weights and bias are scaled to length one. The units of each
    layer are sorted by their effect on the logit with every unit switched on (their outgoing weights times the matrices
    above). Equivalent nets become equal rows (Ganju et al., "Property Inference
    Attacks on Fully Connected Neural Networks using Permutation Invariant Representations", CCS 2018, section 4.1).
    """
    layers = [Layer(layer.weight.astype(np.float64), layer.bias.astype(np.float64)) for layer in net]
    for place, (below, above) in enumerate(pairwise(layers)):
        length = np.sqrt((below.weight**2).sum(axis=0) + below.bias**2)
        length = np.where(length > 0, length, 1.0)
        layers[place] = Layer(below.weight / length, below.bias / length)
        layers[place + 1] = Layer(above.weight * length[:, None], above.bias)
    push = layers[-1].weight
    for place in range(len(layers) - 2, -1, -1):
        order = np.argsort(-push[:, 0], kind="stable")
        here, above = layers[place], layers[place + 1]
        layers[place] = Layer(here.weight[:, order], here.bias[order])
        layers[place + 1] = Layer(above.weight[order], above.bias)
        push = layers[place].weight @ push[order]
    return tuple(layers)


def flattened(net: Net, length: int) -> FloatArray:
    """(length,) float32: the canonical weights and biases one after the other, padded with zeros or cut."""
    values = np.concatenate([part.ravel() for layer in canonical(net) for part in layer])[:length]
    return np.pad(values, (0, length - len(values))).astype(np.float32)


def statistics(nets: Sequence[Net]) -> FloatArray:
    """(n, 4 inputs + 27 layers) float32 numbers that are the same for every order of hidden units, and for any widths.

    Of each input the mean, the deviation, the smallest and the largest of its weights over the first layer's units,
    and of each layer nine quantiles of weights, biases and singular values. The set statistics of Ganju et al.,
    section 4.2, chosen by hand instead of learned: there are only a few hundred subjects to learn from.
    """
    rows_of = dict[tuple[int, ...], list[int]]()
    for row, net in enumerate(nets):
        rows_of.setdefault(widths(net), []).append(row)
    rows = np.concatenate(list(rows_of.values()))
    return np.concatenate([_of_alike([nets[row] for row in some]) for some in rows_of.values()])[np.argsort(rows)]


def _of_alike(nets: Sequence[Net]) -> FloatArray:
    """:func:`statistics` of nets of the same widths. The quantiles of a layer are taken of all of them at once."""
    first = [net[0].weight.astype(np.float64) for net in nets]
    units = [np.stack([of(weight, axis=1) for weight in first]) for of in (np.mean, np.std, np.min, np.max)]
    spread = [
        np.quantile(np.stack(part), _QUANTILES, axis=1).T
        for layers in zip(*nets, strict=True)
        for part in (
            [layer.weight.ravel() for layer in layers],
            [layer.bias for layer in layers],
            [np.linalg.svd(layer.weight.astype(np.float64), compute_uv=False) for layer in layers],
        )
    ]
    return np.hstack([*units, *spread]).astype(np.float32)
