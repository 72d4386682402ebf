"""FaceNet's InceptionResnetV1 of facenet-pytorch, 512-d, trained on VGGFace2 or CASIA-WebFace.

Schroff, Kalenichenko and Philbin, "FaceNet", CVPR 2015; the networks are those of facenet-pytorch (Esler, 2019),
converted from David Sandberg's: 99.65 % and 99.05 % on LFW by his measurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Embedded
from mote_bench.embedders import mtcnn, places
from mote_bench.embedders import weights as files

_RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
_FILES = {"vggface2": "20180402-114759-vggface2.pt", "casia-webface": "20180408-102900-casia-webface.pt"}


class FaceNet:
    """MTCNN finds the largest face, which is cut to 160 pixels and embedded in 512-d.

    Parameters
    ----------
    trained_on : {"vggface2", "casia-webface"}
    weights : Path, optional
        A state dictionary; by default facenet-pytorch's own in ``$TORCH_HOME/checkpoints``. Nothing is downloaded.
    """

    def __init__(self, trained_on: str, weights: Path | None = None) -> None:
        self._trained_on, package = trained_on, mtcnn.package()
        default = files.torch_cache() / _FILES[trained_on]
        how = (
            f"mote-bench downloads nothing. Fetch {_RELEASE}{_FILES[trained_on]}, and put it at '{default}' or give it "
            "as --weights FILE"
        )
        self._weights = files.existing(default if weights is None else weights, how=how)
        self._place = places.place()
        self._detector = mtcnn.Detector(places.detectors_place(self._place))
        net = package.InceptionResnetV1(pretrained=None, classify=False).eval()
        expected = "a state dictionary of facenet-pytorch's InceptionResnetV1"
        self._net = files.into(net, self._weights, expected=expected, without="logits.").to(self._place)

    def embed(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Embedded | None]:
        import torch

        found = [self._detector.find(picture) for picture in pictures]
        seen = [row for row, detected in enumerate(found) if detected is not None]
        answers: list[Embedded | None] = [None] * len(pictures)
        for row in seen:  # one by one: a batch's size changes the last bits
            detected = found[row]
            assert detected is not None
            with torch.inference_mode():
                face = self._detector.crop(pictures[row], detected)[None].to(self._place)
                embedding = self._net(face)[0].cpu()
            answers[row] = Embedded(embedding.numpy(), detected.faces)
        return answers

    def aligned(self, picture: npt.NDArray[np.uint8]) -> Any:
        """(3, 160, 160) float tensor of the largest face, as the network takes it, or ``None`` where there is none."""
        detected = self._detector.find(picture)
        return None if detected is None else self._detector.crop(picture, detected)

    @property
    def network(self) -> Any:
        """The torch network from aligned faces to unit embeddings, differentiable; for explanations down to pixels."""
        return self._net

    @property
    def maps(self) -> Any:
        """The part of :attr:`network` whose feature maps show where in a face something is: the last of 8 x 8."""
        return self._net.repeat_2

    def about(self) -> Mapping[str, str]:
        return {
            "recogniser": f"InceptionResnetV1 trained on {self._trained_on}, 512-d",
            "weights_sha256": files.sha256(self._weights),
            "alignment": f"{mtcnn.about()}, box cut to 160 px",
            **places.stated(self._place),
        }


def vggface2(weights: Path | None = None) -> FaceNet:
    """InceptionResnetV1 trained on VGGFace2."""
    return FaceNet("vggface2", weights)


def casia_webface(weights: Path | None = None) -> FaceNet:
    """InceptionResnetV1 trained on CASIA-WebFace."""
    return FaceNet("casia-webface", weights)
