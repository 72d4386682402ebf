"""A recogniser from an ONNX file that takes 112 x 112 aligned faces, such as ArcFace's and MagFace's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Embedded, FloatArray, InputError
from mote_bench.embedders import alignment, mtcnn
from mote_bench.embedders import weights as files

_HALF = 127.5
_HOW = "Give the recogniser's file: --weights MODEL.onnx (its input: aligned faces, N x 3 x 112 x 112)"


class OnnxFile:
    """MTCNN finds the largest face, five landmarks align it to 112 pixels, the file's network embeds it.

    Parameters
    ----------
    weights : Path
        The ONNX file.
    mean, scale : float
        The network gets ``(pixel - mean) / scale``.
    blue_first : bool
        Whether it expects its channels in the order blue, green, red.
    """

    def __init__(self, weights: Path | None, *, mean: float, scale: float, blue_first: bool) -> None:
        if weights is None:
            raise InputError(f"no ONNX file was given. {_HOW}")
        self._weights = files.existing(weights, how=_HOW)
        self._mean, self._scale, self._blue_first = mean, scale, blue_first
        self._session = _session(self._weights)
        self._detector = mtcnn.Detector()

    def embed(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Embedded | None]:
        return [self._one(picture) for picture in pictures]

    def _one(self, picture: npt.NDArray[np.uint8]) -> Embedded | None:
        found = self._detector.find(picture)
        if found is None:
            return None
        return Embedded(self.of_aligned(alignment.aligned(picture, found.landmarks)), found.faces)

    def of_aligned(self, face: npt.NDArray[np.uint8]) -> FloatArray:
        """The (d,) embedding of an aligned (112, 112, 3) RGB face."""
        channels = face[..., ::-1] if self._blue_first else face
        batch = ((channels.astype(np.float32) - self._mean) / self._scale).transpose(2, 0, 1)[None]
        (answer,) = self._session.run(
            [self._session.get_outputs()[0].name], {self._session.get_inputs()[0].name: batch}
        )
        return np.asarray(answer, np.float32).ravel()

    def aligned(self, picture: npt.NDArray[np.uint8]) -> Any:
        """(3, 112, 112) float tensor, RGB from -1 to 1, of the largest face, or ``None`` where there is none."""
        import torch

        found = self._detector.find(picture)
        if found is None:
            return None
        face = alignment.aligned(picture, found.landmarks).astype(np.float32)
        return torch.from_numpy(face / _HALF - 1).movedim(-1, 0).contiguous()

    @cached_property
    def network(self) -> Any:
        """The file's network as a torch module, from what :meth:`aligned` gives to unit embeddings; differentiable."""
        from mote_bench.embedders import onnx_torch

        made = onnx_torch.network(self._weights)
        made.register_forward_pre_hook(lambda _, given: (self._as_the_file_takes_it(given[0]),))
        return made

    def _as_the_file_takes_it(self, faces: Any) -> Any:
        channels = faces.flip(1) if self._blue_first else faces
        return (channels * _HALF + _HALF - self._mean) / self._scale

    @cached_property
    def maps(self) -> Any:
        """The part of :attr:`network` whose feature maps show where in a face something is."""
        return self.network.last_maps(alignment.SIZE)

    def about(self) -> Mapping[str, str]:
        order = "BGR" if self._blue_first else "RGB"
        return {
            "recogniser": f"ONNX file '{self._weights.name}'",
            "weights_sha256": files.sha256(self._weights),
            "alignment": f"{mtcnn.about()}, 5 landmarks to 112 px, {order}, (x - {self._mean:g}) / {self._scale:g}",
        }


def arcface(weights: Path | None = None) -> OnnxFile:
    """RGB from -1 to 1, as insightface's ArcFace files take it."""
    return OnnxFile(weights, mean=127.5, scale=127.5, blue_first=False)


def magface(weights: Path | None = None) -> OnnxFile:
    """BGR from 0 to 1, as MagFace's networks take it (Meng, Zhao, Huang and Zhou, "MagFace", CVPR 2021)."""
    return OnnxFile(weights, mean=0.0, scale=255.0, blue_first=True)


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise InputError("onnxruntime isn't installed. Install it: pip install 'mote-bench[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the workers are the parallelism
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes, which aren't public
        raise InputError(f"'{path}' can't be read as ONNX ({str(error).splitlines()[0]}). {_HOW}") from None
    inputs = session.get_inputs()
    if len(inputs) != 1 or list(inputs[0].shape[1:]) != [3, alignment.SIZE, alignment.SIZE]:
        shapes = "; ".join(f"{one.name} {one.shape}" for one in inputs)
        raise InputError(f"'{path}' takes {shapes}; expected one input N x 3 x 112 x 112")
    return session
