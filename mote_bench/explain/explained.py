"""One scheme explained: its scores, their attributions, and the attributions' faithfulness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mote_bench.contracts import FloatArray
from mote_bench.explain.attribution import METHODS, Answer
from mote_bench.explain.faithfulness import Curves, curves
from mote_bench.explain.pixels import METHOD, Recogniser, heat, of_faces
from mote_bench.explain.subjects import Subjects, answers
from mote_bench.toolkit import stream_seed

CONTROL = "random order"
"""The control that faithfulness is compared with: the same parts in a random order."""

_PIXEL_POINTS = 11


@dataclass(frozen=True, eq=False)
class Explained:
    """One scheme.

    Attributes
    ----------
    fmr : float
        At which its threshold was set.
    answers : (n, 2) float64
        Scores in units above the threshold: of each subject's own probe, and of the next subject's.
    importance : mapping of method -> (n, 2, d) or (n, 2, height, width) float
    curves : mapping of method -> Curves
        Also of :data:`CONTROL`.
    """

    scheme: str
    fmr: float
    answers: FloatArray
    importance: Mapping[str, FloatArray]
    curves: Mapping[str, Curves]


def in_dimensions(name: str, subjects: Subjects) -> Explained:
    """By the dimensions of the embedding, against the background's mean face."""
    answer, fmr = answers(name, subjects)
    probes = torch.from_numpy(subjects.probes.copy())
    blank = torch.from_numpy(subjects.background.embeddings.mean(axis=0))
    importance = {method: attribute(answer, probes, blank) for method, attribute in METHODS.items()}
    return _explained(name, fmr, answer, probes, blank, importance)


def in_pixels(name: str, subjects: Subjects, recogniser: Recogniser, faces: Tensor) -> Explained:
    """By the pixels of aligned ``faces`` (n, 2, channels, height, width), against a grey picture."""
    answer, fmr = answers(name, subjects)
    importance = {METHOD: heat(answer, recogniser, faces)}
    through, blank = of_faces(answer, recogniser), torch.zeros_like(faces[0, 0])
    return _explained(name, fmr, through, faces, blank, importance)


def _explained(
    name: str, fmr: float, answer: Answer, probes: Tensor, blank: Tensor, importance: Mapping[str, Tensor]
) -> Explained:
    one = next(iter(importance.values()))
    chance = torch.rand(one.shape, generator=torch.Generator().manual_seed(stream_seed(0, "explain") % 2**63))
    points = 21 if probes.dim() == 3 else _PIXEL_POINTS
    orders = {**importance, CONTROL: chance}
    found = {method: curves(answer, probes, blank, order, points=points) for method, order in orders.items()}
    whole = found[CONTROL].deletion[..., 0]
    return Explained(name, fmr, whole, {method: value.numpy() for method, value in importance.items()}, found)
