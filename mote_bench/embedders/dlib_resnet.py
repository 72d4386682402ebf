"""dlib's ResNet, 128-d: works offline, its weights come in the package face-recognition-models.

King, "High quality face recognition with deep metric learning", blog.dlib.net, 2017; 99.38 % on LFW's View 2 by its
author's measurement. Detector: HOG, first without enlarging the picture and only then with.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Embedded, InputError
from mote_bench.embedders import weights as files

NET, LANDMARKS = "dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat"
_HOW = "Install them: pip install 'mote-bench[dlib]', or give the folder that holds both .dat files: --weights FOLDER"


class DlibResNet:
    """Finds faces with a HOG detector, aligns the largest by five landmarks to 150 pixels, embeds it in 128-d."""

    def __init__(self, weights: Path | None = None) -> None:
        folder = packaged() if weights is None else weights
        self._net = files.existing(folder / NET, how=_HOW)
        self._landmarks = files.existing(folder / LANDMARKS, how=_HOW)
        dlib = installed()
        self._detect = dlib.get_frontal_face_detector()
        try:
            self._place = dlib.shape_predictor(str(self._landmarks))
            self._embed = dlib.face_recognition_model_v1(str(self._net))
        except RuntimeError as error:
            raise InputError(f"dlib can't read the weights in '{folder}' ({error}). {_HOW}") from None

    def embed(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Embedded | None]:
        return [self._one(np.ascontiguousarray(picture)) for picture in pictures]

    def _one(self, picture: npt.NDArray[np.uint8]) -> Embedded | None:
        largest, faces = largest_face(self._detect, picture)
        if not faces:
            return None
        embedding = np.array(self._embed.compute_face_descriptor(picture, self._place(picture, largest)), np.float32)
        return Embedded(embedding, faces)

    def about(self) -> Mapping[str, str]:
        return {
            "recogniser": f"dlib ResNet v1, 128-d (dlib {version()})",
            "weights_sha256": files.sha256(self._net),
            "alignment": "dlib HOG detector, 5 landmarks, 150 px chip",
            "landmarks_sha256": files.sha256(self._landmarks),
        }


def installed() -> Any:
    """The module dlib.

    Raises
    ------
    InputError
        Where it isn't installed.
    """
    try:
        import dlib
    except ImportError:
        raise InputError("dlib isn't installed. Install it: pip install 'mote-bench[dlib]'") from None
    return dlib


def largest_face(detect: Any, picture: npt.NDArray[np.uint8]) -> tuple[Any, int]:
    """dlib's box of the largest face, and how many faces there are; the picture is enlarged only if none is seen."""
    found = detect(picture, 0) or detect(picture, 1)
    return max(found, key=lambda box: box.area(), default=None), len(found)


def version() -> str:
    """Of the package that brought dlib: wheels are called dlib-bin, what is built from source dlib."""
    try:
        return metadata.version("dlib-bin")
    except metadata.PackageNotFoundError:
        return metadata.version("dlib")


def packaged() -> Path:
    """The package's folder of models, found without importing it: its own code needs an old setuptools."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise InputError(f"the weights of dlib's recogniser aren't installed. {_HOW}")
    return Path(spec.origin).parent / "models"
