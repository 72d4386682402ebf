"""A recogniser from an ONNX file that takes aligned faces, such as ArcFace's and MagFace's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError
from mote_bench.embedders import alignment, landmarks, onnx_pixels, onnx_session, places
from mote_bench.embedders import weights as files
from mote_bench.embedders.onnx_pixels import Pixels

_HALF = 127.5


class OnnxFile(landmarks.Aligned):
    """The largest face is found, five landmarks align it to the file's size, the file's network embeds it.

    Parameters
    ----------
    weights : Path
        The ONNX file.
    assumed : Pixels
        What networks of this kind take, where neither the file nor ``options`` tell.
    options : mapping
        What the user says of it, or ``None``: ``mean``, ``scale``, ``order``, the name of its ``output``, and the
        ``alignment``: what finds the five landmarks (:mod:`mote_bench.embedders.landmarks`).
    published : Published, optional
        What the file is known to be.
    """

    def __init__(
        self,
        weights: Path | None,
        assumed: Pixels,
        options: Mapping[str, str | None],
        *,
        published: files.Published | None = None,
    ) -> None:
        if weights is None:
            raise InputError(f"no ONNX file was given. {onnx_session.HOW}")
        self._weights = files.existing(weights, how=onnx_session.HOW)
        wanted = places.place()
        running, form = onnx_session.opened(self._weights, wanted)
        self._place = onnx_session.place_of(running, wanted)
        if form.kind == "uint8":
            assumed = replace(onnx_pixels.RAW, order=assumed.order)
        if form.channels == 1:
            assumed = replace(assumed, order=onnx_pixels.GREY)
        graph = onnx_pixels.graph_of(self._weights)
        pixels, self._assumed = onnx_pixels.wanted(assumed, graph, form.name, options)
        self._session = onnx_session.tried(self._weights, running, form, pixels, options.get("output"))
        self._finder = landmarks.finder(options.get("alignment"), self._place)
        self._published = published

    def _face(self, picture: npt.NDArray[np.uint8], marks: FloatArray) -> npt.NDArray[np.uint8]:
        form = self._session.form
        return alignment.aligned(picture, marks, form.height, form.width)

    def of_aligned(self, face: npt.NDArray[np.uint8]) -> FloatArray:
        """The (d,) embedding of an aligned RGB face, (height, width, 3) as the file takes it: often 112 x 112."""
        return self._session.embedding(face)

    def aligned(self, picture: npt.NDArray[np.uint8]) -> Any:
        """(3, height, width) float tensor, RGB from -1 to 1, of the largest face, or ``None`` if there is none."""
        import torch

        found = self._finder.find(picture)
        if found is None:
            return None
        return (
            torch.from_numpy(self._face(picture, found.landmarks).astype(np.float32) / _HALF - 1)
            .movedim(-1, 0)
            .contiguous()
        )

    @cached_property
    def network(self) -> Any:
        """The file's network as a torch module, from what :meth:`aligned` gives to unit embeddings; differentiable.

        Raises
        ------
        InputError
            Where the file has an operation that isn't known here, or the module differs from onnxruntime on a face.
        """
        import torch

        from mote_bench.embedders import onnx_torch

        made = onnx_torch.network(self._weights, self._session.output, self._session.form.batch)
        made.register_forward_pre_hook(lambda _, given: (self._as_the_file_takes_it(given[0]),))
        _, noise = onnx_session.faces(self._session.form)
        expected = self.of_aligned(noise).astype(np.float64)
        with torch.no_grad():
            told = made(torch.from_numpy(noise.astype(np.float32) / _HALF - 1).movedim(-1, 0)[None])[0].numpy()
        if not told @ expected >= 0.999 * np.linalg.norm(expected):
            raise InputError(f"'{self._weights}' gives other embeddings with gradients than without; give another file")
        return made

    def _as_the_file_takes_it(self, faces: Any) -> Any:
        import torch

        form, pixels = self._session.form, self._session.pixels
        values = faces * _HALF + _HALF
        if form.channels == 1:
            luma = torch.from_numpy(onnx_session.LUMA).to(values.device)
            values = torch.tensordot(values, luma, ([1], [0])).unsqueeze(1)
        elif pixels.order == "BGR":
            values = values.flip(1)
        both = (torch.tensor(each).to(values.device) for each in (pixels.mean, pixels.scale))
        mean, scale = (each.reshape(1, -1, 1, 1) for each in both)
        taken = (values - mean) / scale
        return taken.movedim(1, -1) if form.last else taken

    @cached_property
    def maps(self) -> Any:
        """The part of :attr:`network` whose feature maps show where in a face something is."""
        return self.network.last_maps(self._session.form.height, self._session.form.width)

    def about(self) -> Mapping[str, str]:
        form = self._session.form
        size = str(form.height) if form.height == form.width else f"{form.height} x {form.width}"
        told = {
            "recogniser": f"ONNX file '{self._weights.name}'",
            "weights_sha256": files.sha256(self._weights),
            "alignment": f"{self._finder.about()} to {size} px, {self._session.pixels}",
            "input": str(form),
            "output": self._session.output,
            **({} if self._published is None else self._published.about()),
        }
        told |= places.stated(self._place)
        return told | ({"assumed": self._assumed} if self._assumed else {})


def arcface(
    weights: Path | None = None,
    mean: str | None = None,
    scale: str | None = None,
    order: str | None = None,
    output: str | None = None,
    alignment: str | None = None,
) -> OnnxFile:
    """RGB from -1 to 1, as insightface's ArcFace files take it, where neither the file nor the user says otherwise."""
    options = {"mean": mean, "scale": scale, "order": order, "output": output, "alignment": alignment}
    return OnnxFile(weights, onnx_pixels.SIGNED, options)


def magface(
    weights: Path | None = None,
    mean: str | None = None,
    scale: str | None = None,
    order: str | None = None,
    output: str | None = None,
    alignment: str | None = None,
) -> OnnxFile:
    """BGR from 0 to 1, as MagFace's networks take it (Meng, Zhao, Huang and Zhou, "MagFace", CVPR 2021)."""
    taken = replace(onnx_pixels.SHARE, order="BGR")
    options = {"mean": mean, "scale": scale, "order": order, "output": output, "alignment": alignment}
    return OnnxFile(weights, taken, options)
