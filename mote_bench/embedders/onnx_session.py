"""An ONNX recogniser in onnxruntime: the form of its input, its output that is the embedding, tried on two faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.basics import first_line
from mote_bench.contracts import FloatArray, InputError
from mote_bench.embedders import alignment
from mote_bench.embedders.onnx_pixels import Pixels
from mote_bench.embedders.places import is_cuda
from mote_bench.toolkit import CPU

Batch = npt.NDArray[Any]
HOW = "Give the recogniser's file: --weights MODEL.onnx (its input: aligned faces, N x 3 x 112 x 112)"
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}
_FEWEST = 16
"""An output of fewer numbers is a norm, a quality or a class, where another one could be the embedding."""
_BATCHES = 256
_ON_CUDA = "CUDAExecutionProvider"
_LONGEST = 300
_SIDES = range(16, 1025)


@dataclass(frozen=True)
class Form:
    """What the one input of a file takes.

    Attributes
    ----------
    name : str
    kind : str
        numpy's name of its type.
    batch : int or None
        Faces at once, where that is fixed.
    last : bool
        Whether channels stand last.
    channels, height, width : int
    """

    name: str
    kind: str
    batch: int | None
    last: bool
    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        size = (self.channels, self.height, self.width)
        shape = (size[1], size[2], size[0]) if self.last else size
        return " x ".join(map(str, (self.batch or "N", *shape))) + f" {self.kind}"


@dataclass(frozen=True, eq=False)
class Session:
    """A file that gives an embedding for a face."""

    path: Path
    form: Form
    pixels: Pixels
    output: str
    running: Any

    def embedding(self, face: npt.NDArray[np.uint8]) -> FloatArray:
        """The (d,) float32 embedding of an aligned RGB face, (height, width, 3) uint8."""
        (answer,) = self.running.run([self.output], {self.form.name: as_taken(self.form, self.pixels, face)})
        rows: FloatArray = np.asarray(answer, np.float32).reshape(self.form.batch or 1, -1)
        return np.asarray(rows[0])


def opened(path: Path, device: str = CPU) -> tuple[Any, Form]:
    """onnxruntime's session of a file, on one thread, and the form of its input.

    Parameters
    ----------
    device : str
        Used if it is CUDA and this onnxruntime has it; :func:`place_of` says where the session computes.

    Raises
    ------
    InputError
        Where onnxruntime isn't installed, or the file is none or takes no faces.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError("onnxruntime isn't installed. Install it: pip install 'mote-bench[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the workers are the parallelism
    options.log_severity_level = 4
    try:
        running = onnxruntime.InferenceSession(str(path), options, providers=_providers(onnxruntime, device))
    except Exception as error:  # onnxruntime's own classes, which aren't public
        raise InputError(f"'{path}' can't be read as ONNX ({first_line(error)[:_LONGEST]}). {HOW}") from None
    inputs = running.get_inputs()
    form = _form(inputs[0]) if len(inputs) == 1 else None
    if form is None:
        told = "; ".join(f"{one.name} {one.shape} {one.type}" for one in inputs)
        raise InputError(f"'{path}' takes {told}; expected one input of aligned faces, such as N x 3 x 112 x 112")
    return running, form


def _providers(onnxruntime: Any, device: str) -> list[Any]:
    """CUDA first where it is asked for and installed; the CPU computes what the first one can't."""
    if not is_cuda(device) or _ON_CUDA not in onnxruntime.get_available_providers():
        return ["CPUExecutionProvider"]
    return [(_ON_CUDA, {"device_id": int(device.partition(":")[2] or 0)}), "CPUExecutionProvider"]


def place_of(running: Any, device: str) -> str:
    """Where a session computes: ``device`` if it could be used, otherwise the CPU."""
    return device if running.get_providers()[0] == _ON_CUDA else CPU


def tried(path: Path, running: Any, form: Form, pixels: Pixels, output: str | None) -> Session:
    """The session with its embedding's output, after a trial on a blank face and on noise.

    Parameters
    ----------
    output : str, optional
        Its name, where the user gave one.

    Raises
    ------
    InputError
        Where the file fails on a face, has several outputs that could be the embedding, gives a shape that isn't one
        vector a face, numbers that aren't finite, another answer each time, or one that depends on the faces beside.
    """
    if form.kind == "uint8" and (pixels.mean, pixels.scale) != ((0.0,), (1.0,)):
        raise InputError(f"'{path}' takes whole pixels from 0 to 255 (uint8); leave out --mean and --scale")
    blank, noise = faces(form)
    names = [one.name for one in running.get_outputs() if str(one.type).startswith("tensor(")]
    if output is not None and output not in names:
        raise InputError(f"--output {output}: '{path}' has no such output; it has: {', '.join(names) or 'none'}")

    def answers(batch: Batch) -> dict[str, Batch]:
        try:
            return dict(zip(names, map(np.asarray, running.run(names, {form.name: batch})), strict=True))
        except Exception as error:  # onnxruntime's own classes
            raise InputError(f"'{path}' fails on a blank face, {form} ({first_line(error)[:_LONGEST]})") from None

    first = answers(as_taken(form, pixels, blank))
    chosen = output or _chosen(path, first, form.batch or 1)
    shape = first[chosen].shape
    if not _is_a_vector(shape, form.batch or 1) or first[chosen].dtype.kind not in "fiu":
        raise InputError(
            f"'{path}' gives '{chosen}' of shape {_shape(shape)} for {form.batch or 1} x one face; expected a vector "
            "for each face"
        )
    batch = as_taken(form, pixels, noise)
    given, again = (np.asarray(answers(batch)[chosen], np.float64) for _ in range(2))
    if not np.isfinite(given).all():
        raise InputError(
            f"'{path}' gives numbers that aren't finite for a face ({pixels}, {form.kind}); check --mean and --scale, "
            "or export it in single precision"
        )
    trained = "the file was exported in training mode: export it in evaluation mode, as in model.eval()"
    if not np.allclose(given, again, rtol=1e-3, atol=1e-5):
        raise InputError(f"'{path}' gives another embedding each time for the same face; {trained}")
    if form.batch is None and not _alone(running, form, batch, as_taken(form, pixels, blank), chosen, given):
        raise InputError(f"'{path}' gives a face an embedding that depends on the faces beside it; {trained}")
    return Session(path, form, pixels, chosen, running)


def as_taken(form: Form, pixels: Pixels, face: npt.NDArray[np.uint8]) -> Batch:
    """A face (height, width, 3), RGB uint8, as the file's input takes it; a fixed batch holds it again and again."""
    made: Any
    if form.channels == 1:
        made = (face.astype(np.float32) @ LUMA)[..., None]
    else:
        made = (face[..., ::-1] if pixels.order == "BGR" else face).astype(np.float32)
    made = (made - np.array(pixels.mean, np.float32)) / np.array(pixels.scale, np.float32)
    placed = made if form.last else made.transpose(2, 0, 1)
    whole = np.rint(placed) if form.kind == "uint8" else placed
    return np.ascontiguousarray(np.repeat(whole[None], form.batch or 1, axis=0), dtype=form.kind)


LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Grey of red, green and blue (ITU-R BT.601), as cameras and Pillow make it."""


def faces(form: Form) -> list[npt.NDArray[np.uint8]]:
    """A blank face and one of noise, (height, width, 3)."""
    shape = (form.height, form.width, 3)
    return [np.full(shape, 128, np.uint8), np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)]


def _form(given: Any) -> Form | None:
    """The form of an input, where it is one of faces; a side that isn't fixed is 112 pixels."""
    kind = _TYPES.get(given.type)
    shape = [side if isinstance(side, int) and side > 0 else None for side in given.shape]
    if kind is None or len(shape) != 4:
        return None
    last = shape[1] not in (1, 3) and shape[3] in (1, 3)
    batch, (channels, *sides) = shape[0], ([shape[3], *shape[1:3]] if last else shape[1:])
    height, width = (alignment.SIZE if side is None else side for side in sides)
    if channels not in (1, 3, None) or height not in _SIDES or width not in _SIDES or (batch or 1) > _BATCHES:
        return None
    return Form(given.name, np.dtype(kind).name, batch, last, channels or 3, height, width)


def _chosen(path: Path, answers: Mapping[str, Batch], batch: int) -> str:
    likely = [
        name
        for name, answer in answers.items()
        if _is_a_vector(answer.shape, batch)
        and answer.size // batch >= _FEWEST
        and max(answer.shape[2:], default=1) == 1
    ]
    if len(answers) == 1:
        return next(iter(answers))
    if len(likely) == 1:
        return likely[0]
    told = ", ".join(f"{name} ({_shape(answer.shape)})" for name, answer in answers.items())
    raise InputError(
        f"'{path}' has {len(answers)} outputs: {told}; name the one that is the embedding: --output "
        f"{(likely or [*answers, 'NAME'])[0]}"
    )


def _is_a_vector(shape: Sequence[int], batch: int) -> bool:
    """Whether an output holds one vector for each face of a batch."""
    size = int(np.prod(shape))
    return size >= 2 * batch and (batch == 1 or (len(shape) > 1 and shape[0] == batch))


def _alone(running: Any, form: Form, face: Batch, beside: Batch, output: str, given: FloatArray) -> bool:
    """Whether a face has the same embedding beside another; a file that takes one at a time has nothing beside."""
    try:
        (both,) = running.run([output], {form.name: np.concatenate([face, beside])})
    except Exception:  # onnxruntime's own classes: the first axis isn't free after all
        return True
    gap = np.asarray(both, np.float64).reshape(2, -1)[0] - given.ravel()
    return bool(np.linalg.norm(gap) <= 0.02 * np.linalg.norm(given))


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"
