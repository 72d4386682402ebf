"""Attacks that decode by a small neural net: from the template's bytes, or from its answers, to the face."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, WhichFace
from mote_bench.toolkit import ask, numbers, on_sphere, unit

from .classifiers import Examples, rotated
from .probing import choose_probes, granted, views
from .regression import fit_ridge

_FOLDS = 3
_HIDDEN = (256, 256)
_EPOCHS, _BATCH = 40, 64
_RATE, _DECAY, _DROPPED = 1e-3, 1e-3, 0.2


class FromBytes:
    """Train a net from the values in the bytes to the face.

    The thief holds the records, the algorithm and people of their own, and wants the enrolled face; success is an
    embedding that the system takes for the person. What Mai et al. train from embeddings to pictures ("On the
    Reconstruction of Face Images from Deep Face Templates", NbNet, TPAMI 2019, arXiv 1703.00832), this trains from
    templates to embeddings. The net begins at the ridge regression that predicts left-out people best, and its two
    hidden layers learn what is not linear; three are trained, each stopped by a third of the people that it doesn't
    see, and their answers are averaged. With keys it sees the bytes of other keys only, so what it finds is what bytes
    tell whatever the key; ``decoders.FromBytes`` learns under each stolen key.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM,)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        _, shadow = granted(evidence)
        own = len(shadow.templates)
        templates = [*shadow.templates, *evidence.templates]
        read = getattr(evidence.scheme, "readings", None)
        tables = [numbers(templates), *([] if read is None else map(np.asarray, read(templates)))]
        return _decoded([(table[:own], table[own:]) for table in tables], evidence, rng)


class FromAnswers:
    """Train a net from what a template answers to public faces to whom it was made of.

    As :class:`FromBytes`, for a thief who also runs the system on the records; answers are read as they are and by
    rank.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        seen = views(ask(evidence, public.embeddings[choose_probes(public, rng)], rng))
        return _decoded([(view.shadow, view.stolen) for view in seen], evidence, rng)


def _decoded(
    tables: Sequence[tuple[FloatArray, FloatArray]], evidence: Evidence, rng: np.random.Generator
) -> FloatArray:
    """(n, d) unit rows, from the table of known and asked rows that a ridge regression predicts best from."""
    public, shadow = granted(evidence)
    mean = public.embeddings.mean(axis=0, dtype=np.float64)
    faces = unit(shadow.references.embeddings - mean)
    turned = [_in_axes(known, asked) for known, asked in tables]
    known, asked = max(turned, key=lambda pair: fit_ridge(pair[0], faces).agreement)
    fold = rng.permutation(len(known)) % _FOLDS
    estimate = np.zeros((len(asked), faces.shape[1]))
    for held in range(_FOLDS):
        estimate += _trained(known, faces, fold == held, asked, seed=int(rng.integers(2**31)))
    return on_sphere(mean, unit(estimate))


def _in_axes(known: FloatArray, asked: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both standardised and turned to at most n axes, an axis' variance being one in the mean."""
    nobody = np.zeros(len(known), dtype=np.int64)
    turned = rotated(Examples(known.astype(np.float64), nobody, asked.astype(np.float64), 1))
    scale = np.sqrt(max(turned.known.shape[1], 1))
    return turned.known * scale, turned.asked * scale


def _trained(
    known: FloatArray, faces: FloatArray, held: FloatArray, asked: FloatArray, *, seed: int
) -> FloatArray:
    """(m, d) unit estimates of one net, trained without the people ``held`` (n,) bool and stopped by them."""
    import torch
    from torch import nn

    start = fit_ridge(known[~held], faces[~held])
    inputs, true, other, own, shown = (
        torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32))
        for part in (known[~held] - start.centre, faces[~held], known[held] - start.centre, faces[held], asked - start.centre)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        straight = nn.Linear(known.shape[1], faces.shape[1], bias=False)
        # Lengths are free, only directions count: of length one in the mean, as what the net adds to them.
        length = max(float(np.linalg.norm(start.predict(known), axis=1).mean()), 1e-12)
        straight.weight.data = torch.from_numpy((start.weights.T / length).astype(np.float32))
        layers: list[nn.Module] = [nn.Dropout(_DROPPED)]
        for width, next_width in pairwise((known.shape[1], *_HIDDEN)):
            layers += [nn.Linear(width, next_width), nn.ReLU(), nn.Dropout(_DROPPED)]
        last = nn.Linear(_HIDDEN[-1], faces.shape[1], bias=False)
        nn.init.zeros_(last.weight)  # at first the net is the regression
        bent = nn.Sequential(*layers, last)
        moved = [*straight.parameters(), *bent.parameters()]
        optimiser = torch.optim.AdamW(moved, lr=_RATE, weight_decay=_DECAY)

        def told(rows: torch.Tensor) -> torch.Tensor:
            bent.eval()
            with torch.no_grad():
                made = straight(rows) + bent(rows)
            bent.train()
            return made

        best, reached = told(shown), _agreement(told(other), own)
        for _ in range(_EPOCHS):
            for rows in torch.randperm(len(inputs)).split(_BATCH):
                guess = straight(inputs[rows]) + bent(inputs[rows])
                loss = 1 - nn.functional.cosine_similarity(guess, true[rows]).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            now = _agreement(told(other), own)
            if now > reached:
                best, reached = told(shown), now
    return unit(best.numpy().astype(np.float64))


def _agreement(guess: object, true: object) -> float:
    from torch.nn.functional import cosine_similarity

    return float(cosine_similarity(guess, true).mean())  # type: ignore[arg-type]
