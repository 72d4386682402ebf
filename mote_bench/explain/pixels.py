"""Attributes a comparison score, through the recogniser, to pixels: Grad-CAM++ of aligned faces."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mote_bench.contracts import Faces, FloatArray, InputError
from mote_bench.data.pictures import reading
from mote_bench.data.pictures.album import Album
from mote_bench.embedders import vision
from mote_bench.explain.attribution import Answer
from mote_bench.explain.subjects import Subjects, paired

METHOD = "Grad-CAM++"
_AT_ONCE = 16
_IMPOSTORS = 3
"""Of the subjects who aren't explained, one in so many sets the threshold; schemes are fitted on the others."""


class Recogniser(Protocol):
    """A recogniser that gradients pass through; an embedder with these three has explanations in pixels."""

    @property
    def network(self) -> nn.Module:
        """From aligned faces (n, channels, height, width) to embeddings (n, d)."""
        ...

    @property
    def maps(self) -> nn.Module:
        """The part of ``network`` whose feature maps are weighed."""
        ...

    def aligned(self, picture: npt.NDArray[np.uint8]) -> Tensor | None:
        """The face of a picture as ``network`` takes it, or ``None`` where there is none."""
        ...


def check(recogniser: Any, name: str) -> Recogniser:
    """The recogniser, or ``InputError`` where gradients don't pass through it."""
    if not all(hasattr(recogniser, part) for part in ("network", "maps", "aligned")):
        raise InputError(
            f"--embedder {name}: gradients don't pass through it; expected one with `network`, `maps` and `aligned`, "
            "such as facenet-vggface2"
        )
    made: Recogniser = recogniser
    return made


def heat(answer: Answer, recogniser: Recogniser, faces: Tensor) -> Tensor:
    """(n, k, height, width) from 0 to 1: the parts of each face that raise the template's score.

    Grad-CAM++ (Chattopadhay et al., WACV 2018, eq. 10 and 19) by pytorch-grad-cam: feature maps weighted by the
    gradients of the score, through template and recogniser.

    Parameters
    ----------
    faces : (n, k, channels, height, width)
        k aligned faces for each template.

    Raises
    ------
    InputError
        Where pytorch-grad-cam isn't installed.
    """
    try:
        vision.ready()  # pytorch-grad-cam imports torchvision
        from pytorch_grad_cam import GradCAMPlusPlus
    except ImportError:
        raise InputError("explaining pictures needs grad-cam; install it: pip install 'mote-bench[explain]'") from None
    n, k = faces.shape[:2]
    both = _Chain(recogniser.network, answer, k)
    with GradCAMPlusPlus(model=both, target_layers=[recogniser.maps]) as cam:
        made = cam(input_tensor=faces.flatten(0, 1), targets=[lambda row: row[0]] * (n * k))
    return torch.from_numpy(np.ascontiguousarray(made)).reshape(n, k, *made.shape[1:])


class _Chain(nn.Module):
    """Recogniser and templates as one network: a row of faces, k for each template, to a column of scores."""

    def __init__(self, network: nn.Module, answer: Answer, k: int) -> None:
        super().__init__()
        self.network, self.answer, self.k = network, answer, k

    def forward(self, faces: Tensor) -> Tensor:
        embeddings = self.network(faces)
        return self.answer(embeddings.reshape(-1, self.k, embeddings.shape[1])).reshape(-1, 1)


def of_faces(answer: Answer, recogniser: Recogniser) -> Answer:
    """The scores of aligned faces (n, k, channels, height, width), some at a time and without gradients."""

    @torch.no_grad()
    def through(faces: Tensor) -> Tensor:
        parts = torch.split(faces.flatten(0, 1), _AT_ONCE)
        embeddings = torch.cat([recogniser.network(part) for part in parts])
        return answer(embeddings.reshape(*faces.shape[:2], -1))

    return through


def gather(album: Album, recogniser: Recogniser, *, people: int) -> tuple[Subjects, Tensor, Tensor]:
    """Subjects from a folder of pictures, with the aligned faces of their references and of their probes.

    The first ``people`` with two faces are explained; of all others, one in three sets the threshold.

    Returns
    -------
    subjects : Subjects
    references : (n, channels, height, width)
    probes : (n, 2, channels, height, width)

    Raises
    ------
    InputError
        With too few people.
    """
    faces, who = _aligned(album, recogniser)
    names, first, count = np.unique(who, return_index=True, return_counts=True)
    order = np.argsort(first)
    shown = [name for name in names[order] if count[names == name] > 1][:people]
    others = [name for name in names[order] if name not in shown]
    if len(shown) < 2 or len(others) < _IMPOSTORS:
        raise InputError(
            f"'{album.folder}' shows {len(names)} people, {int((count > 1).sum())} of them twice; expected two to "
            "explain and others to learn from: make some: python -m mote_bench faces --people 60 --out population"
        )
    embeddings = _embedded(faces, recogniser)
    rows = [np.flatnonzero(who == name)[:2] for name in shown]
    own, probe = (np.array([pair[place] for pair in rows]) for place in (0, 1))
    impostor = np.isin(who, others[::_IMPOSTORS])
    rest = np.isin(who, others) & ~impostor
    subjects = Subjects(
        references=embeddings[own],
        probes=paired(embeddings[probe]),
        background=Faces(embeddings[rest], who[rest]),
        impostors=embeddings[impostor],
    )
    return subjects, faces[own], torch.stack([faces[probe], faces[np.roll(probe, -1)]], dim=1)


def _aligned(album: Album, recogniser: Recogniser) -> tuple[Tensor, npt.NDArray[np.str_]]:
    found: list[Tensor] = []
    who: list[str] = []
    for picture in album.pictures:
        if picture.identity is not None:
            try:
                face = recogniser.aligned(reading.read(album.folder / picture.name))
            except reading.Unreadable:
                face = None  # `embed` lists such files with their reasons; here they only aren't explained
            if face is not None:
                found.append(face)
                who.append(picture.identity)
    if not found:
        raise InputError(f"no face of a known person was found in '{album.folder}'; expected a folder per person")
    return torch.stack(found), np.array(who)


@torch.no_grad()
def _embedded(faces: Tensor, recogniser: Recogniser) -> FloatArray:
    made = torch.cat([recogniser.network(part) for part in torch.split(faces, _AT_ONCE)])
    return np.asarray(Faces(made.numpy()).embeddings)


def pixels(faces: Tensor) -> npt.NDArray[np.float64]:
    """(..., height, width, 3) from 0 to 1, for display, of aligned faces around 0."""
    shown = faces.movedim(-3, -1).double().numpy()
    low, high = shown.min(), shown.max()
    return np.asarray((shown - low) / (high - low if high > low else 1.0))
