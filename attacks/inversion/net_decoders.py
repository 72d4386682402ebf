"""Attacks that decode by a small neural net: from a template's bytes or responses to the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import device, numbers, on_sphere, unit, without_compiler

from .._shared.classifiers import Examples, rotated
from .._shared.equal_scores import drawn_where_equal
from .._shared.prior import Prior
from .._shared.probing import granted, scaled_and_ranked
from .._shared.responses import RESPONSES, responses
from .._shared.ridge import Regression, fit_ridge

if TYPE_CHECKING:
    import torch
    from torch import nn

Held = npt.NDArray[np.bool_]

_FOLDS = 3
_HIDDEN = (256, 256)
_EPOCHS, _BATCH = 40, 128
_RATE, _DECAY, _DROPPED = 1e-3, 1e-3, 0.2


class NetDecoderOfBytes:
    """Train a neural net from the values in the bytes to the embedding.

    Mai et al. train a net from embeddings to pictures ("On the Reconstruction of Face Images from Deep Face Templates",
    NbNet, TPAMI 2019, arXiv 1703.00832); this one maps templates to embeddings. It starts as the ridge regression that
    predicts left-out subjects best, and its two hidden layers learn what is not linear. Three nets are trained, each
    stopped early on a left-out third of the subjects, and their outputs are averaged. With keys the net is trained on
    templates under other keys. So it finds what bytes leak whatever the key; ``kernel_decoders.KernelDecoderOfBytes``
    learns under each stolen key.
    """

    question = WhichFace
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM,)
    libraries = ("torch",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        _, shadow = granted(evidence)
        own = len(shadow.templates)
        templates = [*shadow.templates, *evidence.templates]
        read = getattr(evidence.scheme, "readings", None)
        tables = [numbers(templates), *([] if read is None else map(np.asarray, read(templates)))]
        return _decoded([(table[:own], table[own:]) for table in tables], evidence, rng)


class NetDecoderOfResponses:
    """Train a neural net from a template's responses to public faces to the embedding.

    As :class:`NetDecoderOfBytes`, on the responses as they are and by rank. A face is drawn where templates respond
    alike, as by ``ridge.RidgeInversion``.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES
    libraries = ("torch",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        answers = responses(evidence, rng)
        faces = _decoded([(one.shadow, one.stolen) for one in scaled_and_ranked(answers)], evidence, rng)
        return drawn_where_equal(faces, answers.stolen, lambda: Prior.of(public.embeddings), rng)


def _decoded(
    tables: Sequence[tuple[FloatArray, FloatArray]], evidence: Evidence, rng: np.random.Generator
) -> FloatArray:
    """(n, d) unit rows, from the pair (known rows, rows to decode) that a ridge regression predicts best from."""
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    faces = unit(shadow.references.embeddings - mean)
    turned = [_in_axes(known, unknown) for known, unknown in tables]
    known, unknown = max(turned, key=lambda pair: fit_ridge(pair[0], faces).agreement)
    fold = rng.permutation(len(known)) % _FOLDS
    estimate = np.zeros((len(unknown), faces.shape[1]))
    for held in range(_FOLDS):
        estimate += _trained(known, faces, fold == held, unknown, seed=int(rng.integers(2**31)))
    return on_sphere(mean, unit(estimate))


def _in_axes(known: FloatArray, unknown: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both standardised and rotated to at most n axes; the mean variance of an axis is one."""
    nobody = np.zeros(len(known), dtype=np.int64)
    turned = rotated(Examples(known.astype(np.float64), nobody, unknown.astype(np.float64), 1))
    scale = np.sqrt(max(turned.known.shape[1], 1))
    return turned.known * scale, turned.unknown * scale


def _trained(known: FloatArray, faces: FloatArray, held: Held, unknown: FloatArray, *, seed: int) -> FloatArray:
    """(m, d) unit estimates of one net, trained without the subjects ``held`` (n,) and stopped early on them."""
    import torch
    from torch.nn.functional import cosine_similarity

    start = fit_ridge(known[~held], faces[~held])
    inputs, others, shown = (_tensor(rows - start.centre) for rows in (known[~held], known[held], unknown))
    true, own = _tensor(faces[~held]), _tensor(faces[held])
    with torch.random.fork_rng(devices=[]):
        # The CPU's generator draws everything, so that a device makes the same net up to rounding.
        torch.default_generator.manual_seed(seed)
        net = _net(start).to(device())
        optimiser = without_compiler(torch.optim.AdamW)(net.parameters(), lr=_RATE, weight_decay=_DECAY)
        best, reached = _outputs(net, shown), float(cosine_similarity(_outputs(net, others), own).mean())
        for _ in range(_EPOCHS):
            for rows in torch.tensor_split(torch.randperm(len(inputs)), -(-len(inputs) // _BATCH)):
                loss = 1 - cosine_similarity(net(inputs[rows]), true[rows]).mean()
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
            now = float(cosine_similarity(_outputs(net, others), own).mean())
            if now > reached:
                best, reached = _outputs(net, shown), now
    return unit(best.cpu().numpy().astype(np.float64))


def _net(start: Regression) -> nn.Module:
    """A linear branch, which starts as the regression, plus a branch with hidden layers, which starts at zero."""
    import torch
    from torch import nn

    inputs, outputs = start.weights.shape
    straight = nn.Linear(inputs, outputs, bias=False)
    # Only directions count. At a mean length of one, the other branch's outputs are of a comparable size.
    length = max(float(np.linalg.norm(start.left_out, axis=1).mean()), 1e-12)
    straight.weight.data = torch.tensor(start.weights.T / length, dtype=torch.float32)

    class Dropout(nn.Module):
        """torch's own, but drawn on the CPU."""

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            if not self.training:
                return rows
            return rows * torch.empty(rows.shape).bernoulli_(1 - _DROPPED).div_(1 - _DROPPED).to(rows.device)

    layers: list[nn.Module] = [Dropout()]
    for width, next_width in pairwise((inputs, *_HIDDEN)):
        layers += [nn.Linear(width, next_width), nn.ReLU(), Dropout()]
    last = nn.Linear(_HIDDEN[-1], outputs, bias=False)
    nn.init.zeros_(last.weight)

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ways = nn.ModuleList([straight, nn.Sequential(*layers, last)])

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return torch.stack([way(rows) for way in self.ways]).sum(dim=0)

    return Sum()


def _outputs(net: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """The net's outputs without dropout."""
    import torch

    net.eval()
    with torch.no_grad():
        answers: torch.Tensor = net(rows)
    net.train()
    return answers


def _tensor(rows: FloatArray) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32)).to(device())
