"""Recognisers of the package FRBench by backbone, loss and training set, from the files that its command downloads.

Wang, Yang, Lu and Chow, "Protego", CVPR 2026; https://github.com/HKU-TASR/FRBench. The package's class ``FR`` asks the
network for weights and for newer versions, so it isn't used: the networks are built from what lies on the disk.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.basics import first_line
from mote_bench.contracts import FloatArray, InputError
from mote_bench.embedders import frbench_files, landmarks, places, vision
from mote_bench.embedders import weights as files
from mote_bench.embedders.frbench_files import Model


class FRBenchModel(landmarks.Aligned):
    """The mean embedding of a face, aligned by five landmarks, and its mirror image, as FRBench computes it.

    Parameters
    ----------
    model : str
        ``BACKBONE/LOSS/DATASET``; a user types ``frbench:BACKBONE/LOSS/DATASET``.
    weights : Path, optional
        The folder of FRBench's downloads; by default the one that FRBench is set to. Nothing is downloaded.
    alignment : {"mtcnn", "dlib68"}, optional
        What finds the five landmarks, instead of FRBench's own detector.

    Raises
    ------
    InputError
        Where FRBench isn't installed or has no such backbone, where files are missing (says how to get them), and
        where they hold something else.
    """

    def __init__(self, model: str | None = None, weights: Path | None = None, alignment: str | None = None) -> None:
        self._model, package = Model.named(model, weights), _package()
        _check_backbone(self._model, package)
        settings, self._weights = frbench_files.found(weights or _cache(package), self._model)
        backbone, arguments, self._taken = frbench_files.settings(settings, self._model)
        net = _built(backbone, arguments, self._model, package)
        self._place = places.place()
        self._net = files.into(net, self._weights, expected=f"a state dictionary of {backbone}").to(self._place)
        self._length = self._tried()
        self._finder = landmarks.finder(alignment, self._place)

    def _face(self, picture: npt.NDArray[np.uint8], marks: FloatArray) -> npt.NDArray[np.uint8]:
        return self._taken.aligned(picture, marks)

    def of_aligned(self, face: npt.NDArray[np.uint8]) -> FloatArray:
        """The (d,) embedding of an aligned RGB face, (height, width, 3) as the network takes it: often 112 x 112."""
        import torch

        pixels = self._taken.pixels(face)
        both = torch.from_numpy(np.stack([pixels, pixels[..., ::-1]])).to(self._place)
        with torch.inference_mode():
            return np.asarray(self._net(both).mean(dim=0).cpu().numpy(), np.float32)

    def _tried(self) -> int:
        """The length of an embedding, of a grey face."""
        grey = np.full((self._taken.height, self._taken.width, 3), 128, np.uint8)
        try:
            told = self.of_aligned(grey)
        except Exception as error:  # of any of a hundred networks, such as one made for another size
            raise InputError(
                f"the network of {self._model} fails on a face of {self._taken} ({first_line(error)}). "
                f"{self._model.again}"
            ) from None
        if told.ndim != 1 or not np.isfinite(told).all():
            raise InputError(
                f"the network of {self._model} gives no finite vector (shape {told.shape}). {self._model.again}"
            )
        return len(told)

    def about(self) -> Mapping[str, str]:
        package = metadata.metadata("frbench")
        licence = package["License-Expression"] or package["License"]
        return {
            "recogniser": f"{self._model} of FRBench {package['Version']}, {self._length}-d",
            "licence": f"{licence} (FRBench); nothing else is stated of weights trained on {self._model.dataset}",
            "weights_sha256": files.sha256(self._weights),
            "alignment": f"{self._finder.about()} to {self._taken}, with its mirror image",
            **places.stated(self._place),
        }


def _package() -> Any:
    """FRBench, imported.

    Raises
    ------
    InputError
        Where it, or what it needs, isn't installed.
    """
    try:
        vision.ready()  # it imports torchvision
        import frbench
        import frbench.backbones
        import yaml  # noqa: F401 - its models' settings are in YAML
    except ImportError as error:
        raise InputError(f"{error.name} isn't installed. Install it: pip install 'mote-bench[frbench]'") from None
    return frbench


def _check_backbone(model: Model, package: Any) -> None:
    """Refuse a backbone that FRBench hasn't, before anything is said of downloads."""
    known = list(package.backbones.BACKBONE_REGISTRY)
    if model.backbone not in known:
        near = ", ".join(difflib.get_close_matches(model.backbone, known, cutoff=0.0))
        raise InputError(
            f"{model}: FRBench has no backbone '{model.backbone}'; the nearest are {near}. {frbench_files.LISTED}"
        )


def _cache(package: Any) -> Path:
    """The folder that FRBench is set to download into."""
    try:
        return Path(package.CACHE)
    except package.FRBenchError as error:
        raise InputError(
            f"FRBench's own settings can't be read ({first_line(error)}). Correct them, or give the folder of its "
            "downloads: --weights FOLDER"
        ) from None


def _built(backbone: str, arguments: Mapping[str, Any], model: Model, package: Any) -> Any:
    """The network, with random weights."""
    try:
        return package.backbones.build_backbone(backbone, arguments, "cpu").eval()
    except Exception as error:  # constructors of a hundred networks, given what a file holds
        raise InputError(
            f"FRBench can't build the backbone '{backbone:.40}' of {model} ({first_line(error)}). {model.again}"
        ) from None
