"""MTCNN, the face detector of facenet-pytorch; its small weights come with that package.

Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded convolutional networks", IEEE
Signal Processing Letters 23(10), 2016.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError
from mote_bench.embedders import vision
from mote_bench.embedders.alignment import Detected
from mote_bench.toolkit import CPU


class Detector:
    """Finds the largest face of a picture, on a device of torch's."""

    def __init__(self, device: str = CPU) -> None:
        self._net: Any = package().MTCNN(select_largest=True, device=device)

    def find(self, picture: npt.NDArray[np.uint8]) -> Detected | None:
        """The largest face of an RGB picture, or ``None``."""
        if min(picture.shape[:2]) < self._net.min_face_size:  # MTCNN raises on a picture without room for a face
            return None
        boxes, _, landmarks = self._net.detect(picture, landmarks=True)
        if boxes is None:
            return None
        return Detected(np.asarray(boxes[0], np.float64), np.asarray(landmarks[0], np.float64), len(boxes))

    def about(self) -> str:
        """Detector and version, for a card."""
        return f"{about()}, 5 landmarks"

    def crop(self, picture: npt.NDArray[np.uint8], detected: Detected) -> Any:
        """(3, 160, 160) float tensor on the CPU, standardised as facenet-pytorch's networks were trained."""
        from PIL import Image

        return self._net.extract(Image.fromarray(picture), detected.box[None], None)


def package() -> Any:
    """facenet-pytorch, imported.

    Raises
    ------
    InputError
        Where it or torchvision, which it needs, isn't installed.
    """
    try:
        vision.ready()
        import facenet_pytorch
    except ImportError as error:
        raise InputError(f"{error.name} isn't installed. Install it: pip install 'mote-bench[facenet]'") from None
    return facenet_pytorch


def about() -> str:
    """Detector and version, for a card."""
    return f"MTCNN of facenet-pytorch {metadata.version('facenet-pytorch')}, largest face"
