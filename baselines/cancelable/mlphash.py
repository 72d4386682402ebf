"""MLP-Hash: signs of the output of a randomly weighted network; the weights are the secret key's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Smooth, Template
from mote_bench.toolkit import device, on_sphere, orthonormal, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.keys import EXPANSIONS, rng_of, rows_of_each
from .._shared.packed_integers import Codes, pack_codes, read_codes, read_signs, share_equal

if TYPE_CHECKING:
    import torch

Index = npt.NDArray[np.intp]
_FACES_AT_ONCE = 512
"""That go through the network together: a layer's output then stays in the processor's cache."""


class MLPHash:
    """Signs of the output of a network with secret random weights (MLP-Hash).

    Otroshi Shahreza, Krivokuca Hahn & Marcel, "MLP-Hash", EUSIPCO 2023, arXiv 2204.11054.

    A key seeds the weights of a multilayer perceptron, each layer's matrix semi-orthogonal, with ReLU between the
    layers. A bit is set where an output is above the mean of that face's outputs. The score is one minus the normalised
    Hamming distance to the probe's bits under the presented key. The ReLUs should stop an attacker with the key, but
    half of a ReLU's input passes linearly. So ``W1^T ... WL^T sign(b)`` still points towards the face
    (:meth:`reconstruct`).

    Without the key one template holds no information on the face. Proof: the first layer is uniform among all
    semi-orthogonal matrices (Haar measure), so its output for a unit vector has one distribution over keys, whatever
    the vector. The further layers are independent of it, and the bits depend on that output and on them alone.

    The output layer is linear here. Bits don't depend on the face's length, because no layer has a bias.

    Parameters
    ----------
    hidden : sequence of int, optional
        Neurons of each hidden layer. By default three layers of 2 d, the paper's 1024 for 512 dimensions.
    bits : int, optional
        Outputs. By default d, the paper's 512.
    centre : bool
        Take x from the background's mean face. Not in the paper, whose embeddings are spread about the origin.
    """

    revocable = True
    slow_to_try = True
    """A matrix of each layer is made orthonormal for each key. Embeddings of any dimension will do."""

    def __init__(self, *, hidden: Sequence[int] | None = None, bits: int | None = None, centre: bool = True) -> None:
        if min([1, *(hidden or ()), 1 if bits is None else bits]) < 1:
            raise ValueError(f"hidden={hidden}, bits={bits}; expected layers of 1 neuron or more and 1 bit or more")
        self.hidden = hidden
        self.bits = bits
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and fix the sizes of the layers."""
        self._origin = start(background, centre=self.centre)
        d = len(self._origin)
        self._bits = d if self.bits is None else self.bits
        self._sizes = (d, *((2 * d,) * 3 if self.hidden is None else self.hidden), self._bits)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(bits / 8) bytes per row of ``references`` (n, d)."""
        faces, templates = directions(references, self._origin), [b""] * len(references)
        for layers, rows in self._networks(keys, len(references)):
            for row, template in zip(rows, pack_codes(_bits(faces[rows], layers), 2), strict=True):
                templates[row] = template
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: the share of equal bits, in [0, 1]."""
        stored, faces = read_codes(templates, self._bits, 2), directions(probes, self._origin)
        answers = np.empty((len(templates), len(probes)), dtype=np.float32)
        for layers, rows in self._networks(keys, len(templates)):
            answers[rows] = share_equal(stored[rows], _bits(faces, layers), 2)
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: bits minus their mean over all faces, back through the presented keys' layers.

        The network is linearised about its mean over all directions. A ReLU passes the share of inputs above zero. A
        bit's weight grows with the probability density of its output at the threshold. Neurons are treated as
        independent normals.
        """
        signs = self._signs(templates)
        estimate = np.empty((len(templates), len(self._origin)), dtype=np.float32)
        for layers, rows in self._networks(keys, len(templates)):
            open_share, expected, weight = _mean_field(layers)
            signal = (signs[rows] - expected) * weight
            for layer, passed in zip(layers[:0:-1], open_share[::-1], strict=True):
                signal = (signal @ layer.T) * passed
            estimate[rows] = signal @ layers[0].T
        return on_sphere(self._origin, unit(estimate)).astype(np.float32)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) means of sign(b) times (output minus mean): the score before the threshold.

        Holds the networks of all distinct keys: 12.6 MB each at 512 dimensions, 0.8 MB at 128.
        """
        import torch

        signs = torch.from_numpy(self._signs(templates)).to(device())[:, None]
        networks = [
            ([torch.tensor(layer, device=device()) for layer in layers], torch.from_numpy(rows))
            for layers, rows in self._networks(keys, len(templates))
        ]

        def answer(probes: torch.Tensor) -> torch.Tensor:
            faces, order, parts = torch_directions(probes, self._origin), [], []
            for layers, rows in networks:
                signal = faces[rows] @ layers[0]
                for layer in layers[1:]:
                    signal = signal.relu() @ layer
                beyond = signal - signal.mean(-1, keepdim=True)
                parts.append((signs[rows] * torch.nn.functional.normalize(beyond, dim=-1)).mean(-1))
                order.append(rows)
            return torch.cat(parts)[torch.argsort(torch.cat(order))]

        return answer

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Smooth]:
        """A probit of each output beyond the mean of that face's outputs, under the presented keys."""
        import torch

        for key, row in zip(keys or (), self._signs(templates), strict=True):
            layers = [torch.tensor(layer) for layer in _layers(key, self._sizes)]
            yield Smooth(partial(_probit, torch.from_numpy(row), layers, self._origin))

    def _networks(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[Sequence[FloatArray], Index]]:
        """Each distinct key's weight matrices (inputs, outputs), with the rows it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            yield _layers(key, self._sizes), rows

    def _signs(self, templates: Sequence[Template]) -> FloatArray:
        return read_signs(templates, self._bits)


def _layers(key: Key, sizes: tuple[int, ...]) -> tuple[FloatArray, ...]:
    """Weight matrices between layers of these sizes."""

    def drawn() -> tuple[FloatArray, ...]:
        rng = rng_of(key)
        return tuple(semi_orthogonal(rng, *shape) for shape in pairwise(sizes))

    return EXPANSIONS.get(("mlp-hash", key, sizes), drawn)


def semi_orthogonal(rng: np.random.Generator, rows: int, columns: int) -> FloatArray:
    """(rows, columns) float32 with orthonormal columns, or orthonormal rows where there are fewer of them."""
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)), dtype=np.float32)
    basis = orthonormal(tall)
    return np.ascontiguousarray(basis if rows >= columns else basis.T)


def _bits(faces: FloatArray, layers: Sequence[FloatArray]) -> Codes:
    bits = np.empty((len(faces), layers[-1].shape[1]), dtype=np.uint8)
    for first in range(0, len(faces), _FACES_AT_ONCE):
        some = slice(first, first + _FACES_AT_ONCE)
        signal = faces[some] @ layers[0]
        for layer in layers[1:]:
            signal = np.maximum(signal, 0, out=signal) @ layer
        bits[some] = signal > signal.mean(axis=1, keepdims=True)
    return bits


def _probit(
    signs: torch.Tensor, layers: Sequence[torch.Tensor], origin: FloatArray, faces: torch.Tensor, width: float
) -> torch.Tensor:
    """(k,) log probabilities of the bits if normal noise is added to each output of the faces (k, d)."""
    import torch

    signal = torch_directions(faces, origin) @ layers[0]
    for layer in layers[1:]:
        signal = signal.relu() @ layer
    beyond = signal - signal.mean(-1, keepdim=True)
    spread = beyond.detach().std(-1, keepdim=True)
    chances: torch.Tensor = torch.special.log_ndtr(signs * beyond / (width * spread))
    return chances.sum(-1)


def _mean_field(layers: Sequence[FloatArray]) -> tuple[list[FloatArray], FloatArray, FloatArray]:
    """Over all directions: the share of each hidden neuron's inputs that pass, each bit's mean sign and its weight."""
    from scipy.stats import norm

    d = len(layers[0])
    mean, variance = np.zeros(d), np.full(d, 1 / d)
    passed = []
    for layer in layers[:-1]:
        before, spread = mean @ layer, np.sqrt(variance @ layer**2)
        share, density = norm.cdf(before / spread), norm.pdf(before / spread)
        mean = before * share + spread * density
        variance = np.maximum((before**2 + spread**2) * share + before * spread * density - mean**2, 0)
        passed.append(share)
    before, spread = mean @ layers[-1], np.sqrt(variance @ layers[-1] ** 2)
    cut = (before - before.mean()) / np.maximum(spread, np.finfo(np.float32).tiny)
    expected = 2 * norm.cdf(cut) - 1
    return passed, expected, norm.pdf(cut) / np.maximum(1 - expected**2, 1e-6)
