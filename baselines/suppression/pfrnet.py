"""PFRNet: a trained autoencoder sets what is common to a class aside, and the rest of its code is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice, pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, NonLinear, Template
from mote_bench.toolkit import CPU, device, stream, without_compiler

from .._shared.centring import torch_directions
from .._shared.vector_scheme import ROUNDING, VectorScheme
from .attributes_to_hide import columns_to_hide

if TYPE_CHECKING:
    import torch

Layers = list[tuple[FloatArray, FloatArray]]
"""Weights (inputs, outputs) and biases (outputs,) of each layer; there is a ReLU between two layers."""

_ASIDE = 16
"""Values of z_dep in the paper, beside the 496 of z_ind."""
_WIDEST = 512
"""Units of a hidden layer, at most: those of the paper's embeddings, so that wider ones can be trained on one core."""
_FUSED = (CPU, "cuda")
"""Where torch has Adam as one kernel."""


@dataclass(frozen=True, eq=False)
class Network:
    """The three nets of PFRNet, as arrays.

    Attributes
    ----------
    independent, dependent : Layers
        Encoders, from faces (n, d) to z_ind (n, d - k) and to z_dep (n, k).
    decoder : Layers
        From both codes (n, d) to faces (n, d).
    """

    independent: Layers
    dependent: Layers
    decoder: Layers


class PFRNet(VectorScheme):
    """An autoencoder whose code has a part without the attributes; this part is the template (PFRNet).

    Bortolato, Ivanovska, Rot, Križaj, Terhörst, Damer, Peer & Štruc, "Learning Privacy-Enhancing Face Representations
    through Feature Disentanglement", FG 2020. Two encoders turn a face x into z_ind and z_dep, and a decoder turns both
    back. With <z^a> the mean over a class's faces in a batch, for each value of z, three losses are minimised:

    - reconstruction: the squared difference of ``D(z_ind, z_dep)`` and x;
    - alignment: ``|| <z_ind^a>_f - <z_ind^a>_m ||``, summed over the orders a = 1, 2. The distributions of the classes
      in z_ind have then equal means and second moments;
    - separation: ``exp(-|| <z_dep^b>_f - <z_dep^b>_m ||^2)``, summed over the orders b = 1, 2. It draws what differs
      between the classes into z_dep.

    The template is z_ind alone, compared by cosine; z_dep is not stored. Moments one by one say nothing of products of
    values, and of faces that weren't trained on they are equal only in part. Non-linear classifiers may still succeed,
    the more so the more enrolled faces they are trained on: the encoder is public, so anybody can enrol public faces.

    The nearest relatives are :class:`~mote_baselines.suppression.leace.LEACE` and
    :class:`~mote_baselines.suppression.inlp.INLP`, which make means of classes equal by a linear map. This one isn't
    linear, and makes second moments equal as well.

    Parameters
    ----------
    attributes : sequence of str, optional
        By default all that the background has. The losses of several attributes are added.
    dependent : int, optional
        Values of z_dep, 1 or more and fewer than the embedding has; z_ind has the others. By default the paper's 16,
        and an eighth of an embedding of fewer than 128 values.
    hidden : int
        Hidden layers of each net, as wide as the embedding, and 512 at most.
    alignment, separation : float
        Weights of these losses, 0 or more; that of reconstruction is 1.
    orders : int
        The largest order of the moments. Those of order 0 are equal for all faces.
    steps, batch : int
        Steps of Adam, and faces in each.
    rate : float
        Adam's learning rate.

    Notes
    -----
    The paper's abstract was read, a review that states the three losses (M. Bruveris, "Face Recognition Research at FG
    2020"), and two public programs by others, but not the paper itself. From these: the split of 512 values into 496
    and 16, the losses, the orders up to 2, and that z_ind is what is compared. The programs agree on Adam; one has two
    hidden layers and one three, both of the embedding's width. They weigh both losses by 0.01, with steps of 1e-4 and
    some hundred thousand faces.

    Chosen here, by what a linear probe and comparisons find on the built-in population. Of LFW only shadow and
    selection subjects were looked at:

    - Input: directions from the mean face, scaled so that their values are of size one. So weights mean the same for
      any dimension.
    - One hidden layer, a larger weight of alignment, larger steps and batches, for the few thousand faces of a
      background. Moments of a batch are less noisy the larger it is.
    - More than two classes: the mean over the pairs of classes that are in the batch, as in one of the programs.
    - The mean of the background's z_ind is subtracted before the cosine is taken.

    On one core of 2026, :meth:`fit` takes some 4, 7 and 33 seconds of CPU time at 128, 192 and 512 dimensions, whatever
    the size of the background.
    """

    slow_to_try = True
    """Nets are trained, however small the background. Any dimension of 2 or more will do."""
    libraries = ("torch",)

    def __init__(  # noqa: PLR0913 - the paper's parameters
        self,
        *,
        attributes: Sequence[str] | None = None,
        dependent: int | None = None,
        hidden: int = 1,
        alignment: float = 0.1,
        separation: float = 0.01,
        orders: int = 2,
        steps: int = 800,
        batch: int = 512,
        rate: float = 1e-3,
    ) -> None:
        if min(1 if dependent is None else dependent, orders, steps, batch) < 1 or hidden < 0:
            raise ValueError(
                f"dependent={dependent}, orders={orders}, steps={steps}, batch={batch}, hidden={hidden}; expected 1 or "
                "more of each, and no negative number of hidden layers"
            )
        if not (min(alignment, separation) >= 0 and rate > 0):
            raise ValueError(
                f"alignment={alignment}, separation={separation}, rate={rate}; expected weights of 0 or more and a "
                "rate above 0"
            )
        self.attributes = attributes
        self.dependent = dependent
        self.hidden = hidden
        self.alignment = alignment
        self.separation = separation
        self.orders = orders
        self.steps = steps
        self.batch = batch
        self.rate = rate

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) cosines of their z_ind and the stored ones, differentiable."""
        import torch

        normalize = torch.nn.functional.normalize
        stored = normalize(torch.from_numpy(self._read(templates)).to(device()), dim=-1)[:, None]
        values = self._function()
        return lambda probes: (normalize(values(probes), dim=-1) * stored).sum(-1)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[NonLinear]:
        """The stored values are z_ind of the face, but for rounding."""
        values = self._function()
        for row in self._read(templates).astype(np.float64):
            yield NonLinear(values, row, ROUNDING)

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        d = faces.shape[1]
        aside = max(1, min(_ASIDE, d // 8)) if self.dependent is None else self.dependent
        if aside >= d:
            raise ValueError(f"dependent={aside}; expected 1 to {d - 1}: fewer than the embedding's dimension")
        tables = columns_to_hide(background, self.attributes)
        trained = self._trained(_inputs(faces), list(tables.values()), aside, seed)
        self._encoder, self._decoder = trained.independent, trained.decoder
        self._mean = _outputs(_inputs(faces), trained.independent).mean(axis=0)
        self._aside = _outputs(_inputs(faces), trained.dependent).mean(axis=0)
        self._length = len(self._mean)

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        return self._shown(faces)

    def _shown(self, faces: FloatArray) -> FloatArray:
        return np.asarray(_outputs(_inputs(faces), self._encoder) - self._mean)

    def _back(self, stored: FloatArray) -> FloatArray:
        """What the decoder makes of z_ind and of the background's mean z_dep."""
        code = np.hstack([stored + self._mean, np.broadcast_to(self._aside, (len(stored), len(self._aside)))])
        return _outputs(code, self._decoder)

    def _function(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """From embeddings (..., d) to stored values (..., d - k), differentiable; objects keep tensors of the CPU."""
        import torch

        layers = [(torch.from_numpy(weights), torch.from_numpy(bias)) for weights, bias in self._encoder]
        return partial(_values, self._origin, layers, torch.from_numpy(self._mean))

    def _drawn(self, d: int, aside: int, rng: np.random.Generator) -> Network:
        """Weights of variance 1 / inputs, and no biases: a layer's values are of the size of its inputs."""

        def net(outputs: int) -> Layers:
            return [
                (rng.standard_normal((n, m), dtype=np.float32) * np.float32(n**-0.5), np.zeros(m, dtype=np.float32))
                for n, m in pairwise([*inner, outputs])
            ]

        inner = [d] + [min(d, _WIDEST)] * self.hidden
        return Network(net(d - aside), net(aside), net(d))

    def _trained(self, faces: FloatArray, tables: Sequence[FloatArray], aside: int, seed: int) -> Network:
        """The nets after ``steps`` steps on inputs (n, d), with their one-hot classes; z_dep has ``aside`` values."""
        import torch

        place = device()
        shown = torch.from_numpy(faces).to(place)
        classes = [torch.from_numpy(table.astype(np.float32)).to(place) for table in tables]
        start = self._drawn(faces.shape[1], aside, stream(seed, "pfrnet", "weights"))
        nets = [_tensors(layers, place) for layers in (start.independent, start.dependent, start.decoder)]
        flat = [part for layers in nets for layer in layers for part in layer]
        adam = without_compiler(torch.optim.Adam)(flat, lr=self.rate, fused=flat[0].device.type in _FUSED)
        rng = stream(seed, "pfrnet", "batches")
        for rows in islice(_batches(len(faces), self.batch, rng), self.steps):
            chosen = torch.from_numpy(rows).to(place)
            adam.zero_grad()
            loss = self._loss(shown[chosen], [table[chosen] for table in classes], nets)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        return Network(*(_arrays(layers) for layers in nets))

    def _loss(
        self,
        faces: torch.Tensor,
        classes: Sequence[torch.Tensor],
        nets: Sequence[Sequence[tuple[torch.Tensor, torch.Tensor]]],
    ) -> torch.Tensor:
        """The weighted sum of the three losses of one batch: inputs (n, d), and (n, classes) of each attribute."""
        import torch

        independent, dependent, decoder = nets
        own, aside = _run(faces, independent), _run(faces, dependent)
        loss = (_run(torch.cat([own, aside], dim=1), decoder) - faces).square().mean()
        for table in classes:
            loss = loss + self.alignment * alignment_loss(own, table, self.orders)
            loss = loss + self.separation * separation_loss(aside, table, self.orders)
        return loss


def alignment_loss(values: torch.Tensor, classes: torch.Tensor, orders: int) -> torch.Tensor:
    """Distance of the classes' moments, summed over the orders; the mean over pairs of classes. 0 where they are equal.

    Parameters
    ----------
    values : (n, k) float
    classes : (n, c) float
        One-hot; a row of zeros belongs to no class.
    orders : int
        Moments of the orders 1 to ``orders`` are compared.
    """
    gaps = _gaps(values, classes, orders)
    return gaps.sum() / max(len(gaps), 1)


def separation_loss(values: torch.Tensor, classes: torch.Tensor, orders: int) -> torch.Tensor:
    """``exp(-gap^2)`` of the gaps that :func:`alignment_loss` adds up: near 0 where all pairs of classes are far apart.

    Parameters are as there.
    """
    gaps = _gaps(values, classes, orders)
    return (-gaps.square()).exp().sum() / max(len(gaps), 1)


def _gaps(values: torch.Tensor, classes: torch.Tensor, orders: int) -> torch.Tensor:
    """(pairs, orders) Euclidean distances of the moments of two classes, for each pair of classes with a face here."""
    import torch

    counts = classes.sum(dim=0)
    present = classes[:, counts > 0]
    powers = torch.stack([values**order for order in range(1, orders + 1)])
    moments = present.T @ powers / present.sum(dim=0)[:, None]
    pairs = list(combinations(range(present.shape[1]), 2))
    first, second = (torch.tensor([pair[side] for pair in pairs], dtype=torch.long) for side in (0, 1))
    apart = moments[:, first.to(values.device)] - moments[:, second.to(values.device)]
    gaps: torch.Tensor = torch.linalg.vector_norm(apart, dim=-1)
    return gaps.T


def _batches(n: int, most: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.intp]]:
    """Rows of one batch after another, without an end: all n in a random order, then all in another."""
    while True:
        yield from np.array_split(rng.permutation(n), -(-n // most))


def _inputs(faces: FloatArray) -> FloatArray:
    """Unit rows (n, d) scaled so that their values are of size one."""
    return np.asarray(faces * np.sqrt(faces.shape[1]), dtype=np.float32)


def _outputs(inputs: FloatArray, layers: Layers) -> FloatArray:
    """(n, outputs) float64 of a net. In single precision a row would depend on how many others there are."""
    values = inputs.astype(np.float64)
    for number, (weights, bias) in enumerate(layers):
        values = np.maximum(values, 0) if number else values
        values = values @ weights.astype(np.float64) + bias
    return values


def _run(inputs: torch.Tensor, layers: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """:func:`_outputs` of tensors (..., d), in their precision."""
    values = inputs
    for number, (weights, bias) in enumerate(layers):
        values = (values.relu() if number else values).matmul(weights).add(bias)
    return values


def _values(
    origin: FloatArray,
    layers: Sequence[tuple[torch.Tensor, torch.Tensor]],
    mean: torch.Tensor,
    faces: torch.Tensor,
) -> torch.Tensor:
    """(..., d - k) values that are stored of embeddings (..., d), in their precision and where they are."""
    inputs = torch_directions(faces, origin) * faces.shape[-1] ** 0.5
    code = _run(inputs, [(weights.to(faces), bias.to(faces)) for weights, bias in layers])
    stored: torch.Tensor = code - mean.to(faces)
    return stored


def _tensors(layers: Layers, place: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Parameters to train, where torch computes."""
    import torch

    return [
        (torch.from_numpy(weights).to(place).requires_grad_(), torch.from_numpy(bias).to(place).requires_grad_())
        for weights, bias in layers
    ]


def _arrays(layers: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> Layers:
    return [(weights.detach().cpu().numpy(), bias.detach().cpu().numpy()) for weights, bias in layers]
