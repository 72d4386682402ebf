"""Which pixels the network of an ONNX file wants: as the user says, as its first nodes tell, or as is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mote_bench.basics import first_line
from mote_bench.contracts import FloatArray, InputError

ORDERS = ("RGB", "BGR")
GREY = "grey"
_UNCHANGED = frozenset({"Cast", "Dropout", "Identity", "Pad", "Transpose", "Unsqueeze"})
_CHANNELS = (1, 3)


@dataclass(frozen=True)
class Pixels:
    """The network gets ``(pixel - mean) / scale``, with a pixel from 0 to 255.

    Attributes
    ----------
    mean, scale : tuple of float
        One for all channels, or three in the order that the network takes them.
    order : {"RGB", "BGR", "grey"}
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    order: str

    def __str__(self) -> str:
        return f"{self.order}, (x - {_told(self.mean)}) / {_told(self.scale)}"


RAW = Pixels((0.0,), (1.0,), "RGB")
SIGNED = Pixels((127.5,), (127.5,), "RGB")
SHARE = Pixels((0.0,), (255.0,), "RGB")


@dataclass(frozen=True, eq=False)
class Affine:
    """What a graph computes of its input before its first layer: ``factor * x + shift``, (1,) or (3,) each."""

    factor: FloatArray
    shift: FloatArray

    @property
    def centre(self) -> FloatArray:
        """The input that becomes 0."""
        return -self.shift / self.factor


def wanted(assumed: Pixels, graph: Any, given: str, options: Mapping[str, str | None]) -> tuple[Pixels, str]:
    """The pixels for a network, and one sentence on what of it isn't known ("" where all was given).

    Parameters
    ----------
    assumed : Pixels
        What networks of the kind usually want.
    graph : onnx.GraphProto
    given : str
        The name of its input.
    options : mapping
        ``mean`` and ``scale`` (a number or three with commas) and ``order``, as the user typed them, or ``None``.

    Raises
    ------
    InputError
        On options that aren't numbers, aren't in pixels from 0 to 255, or come without the other.
    """
    grey = assumed.order == GREY
    if grey and options.get("order") is not None:
        raise InputError(f"--order {options['order']}: the file takes one channel, of grey; leave it out")
    order = GREY if grey else _order(options.get("order"))
    numbers = _numbers(options.get("mean"), options.get("scale"))
    inside = before_the_first_layer(graph, given)
    found = None if inside is None else _of(inside)
    base = assumed if found is None else found
    of_graph = None if found is None or inside is None else _order_of(inside)
    made = Pixels(*(numbers or (base.mean, base.scale)), order or of_graph or assumed.order)
    said = []
    if inside is not None and found is not None and numbers is None:
        said.append(f"the file's graph computes {_formula(inside)} itself, so it gets {_range(found)}")
    elif numbers is None:
        said.append(f"(x - {_told(made.mean)}) / {_told(made.scale)} is assumed (--mean and --scale say otherwise)")
    if order is None:
        how = "follows from the graph's means" if of_graph else "is assumed"
        said.append(f"order {made.order} {how} (--order {ORDERS[made.order == 'RGB']} for the other)")
    return made, "; ".join(said)


def before_the_first_layer(graph: Any, given: str) -> Affine | None:
    """Additions, multiplications and batch norms of an input by constants; ``None`` where there are none.

    insightface's own reader looks for nodes called Sub and Mul among the first eight (arcface_onnx.py); here what they
    compute is followed instead, so a division, an addition, or a batch norm of the pixels counts too.
    """
    stored = {one.name: one for one in graph.initializer}
    constants = (one for one in graph.node if one.op_type == "Constant")
    stored |= {one.output[0]: each.t for one in constants for each in one.attribute if each.name == "value"}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in {*node.input} - {""} if node.op_type != "Shape" else ():
            readers.setdefault(name, []).append(node)
    factor, shift, steps = np.ones(1), np.zeros(1), 0
    while len(readers.get(given, ())) == 1:
        node = readers[given][0]
        if node.op_type not in _UNCHANGED:
            step = _step(node, given, stored)
            if step is None or not step.factor.all():
                break
            factor, shift, steps = factor * step.factor, shift * step.factor + step.shift, steps + 1
        given = node.output[0]
    factor, shift = np.broadcast_arrays(factor, shift)
    return Affine(factor, shift) if steps else None


def _step(node: Any, given: str, stored: Mapping[str, Any]) -> Affine | None:
    """One node as an affine map of its input ``given``; ``None`` for any other."""
    others = [_per_channel(stored.get(name)) for name in node.input if name != given]
    if any(one is None for one in others):
        return None
    known = [one for one in others if one is not None]
    first, one, none = node.input[0] == given, np.ones(1), np.zeros(1)
    match node.op_type, known:
        case "Add", [by]:
            return Affine(one, by)
        case "Sub", [by]:
            return Affine(one, -by) if first else Affine(-one, by)
        case "Mul", [by]:
            return Affine(by, none)
        case "Div", [by] if first and by.all():
            return Affine(1 / by, none)
        case "BatchNormalization", [scale, shift, mean, variance]:
            epsilon = next((each.f for each in node.attribute if each.name == "epsilon"), 1e-5)
            factor = scale / np.sqrt(variance + epsilon)
            return Affine(factor, shift - factor * mean)
        case _:
            return None


def _per_channel(stored: Any) -> FloatArray | None:
    from onnx import TensorProto, numpy_helper

    if stored is None or stored.data_location == TensorProto.EXTERNAL:
        return None
    value = np.asarray(numpy_helper.to_array(stored), np.float64).ravel()
    return value if value.size in _CHANNELS and np.isfinite(value).all() else None


def _of(inside: Affine) -> Pixels | None:
    """The pixels that a graph turns into numbers near 0; ``None`` where that could be several."""
    centre, factor = inside.centre, np.abs(inside.factor)
    if np.median(centre) > 16 or (factor <= 1 / 16).all():
        return RAW
    if (centre >= 0.3).all() and (centre <= 0.7).all() and (factor >= 1.9).all():
        return SHARE
    if np.allclose(centre, -1, atol=0.05) and (factor > 16).all():
        return SIGNED
    return None


def _order_of(inside: Affine) -> str | None:
    """By the means of three channels: red is the brightest one of faces and of photographs, and blue the darkest."""
    if len(inside.centre) != 3:
        return None
    first, middle, last = inside.centre
    if not min(first, last) < middle < max(first, last):
        return None
    return "RGB" if first > last else "BGR"


def _range(pixels: Pixels) -> str:
    return {RAW: "pixels from 0 to 255", SHARE: "pixels from 0 to 1", SIGNED: "pixels from -1 to 1"}[pixels]


def _formula(inside: Affine) -> str:
    return f"(x - {_told(inside.centre)}) / {_told(1 / inside.factor)}"


def _told(values: Any) -> str:
    texts = [f"{float(value):.4g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else f"({', '.join(texts)})"


def _order(text: str | None) -> str | None:
    if text is None or text.upper() in ORDERS:
        return text and text.upper()
    raise InputError(f"--order {text}: expected RGB or BGR, the order of channels that the network was trained with")


def _numbers(mean: str | None, scale: str | None) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if mean is None and scale is None:
        return None
    if mean is None or scale is None:
        raise InputError("--mean and --scale belong together; give both, as in --mean 127.5 --scale 128")
    found = _parsed("--mean", mean), _parsed("--scale", scale)
    if min(found[1]) < 1:
        raise InputError(
            f"--scale {scale}: expected at least 1, as pixels go from 0 to 255. Multiply a mean and a scale for pixels "
            "from 0 to 1 by 255"
        )
    return found


def _parsed(option: str, text: str) -> tuple[float, ...]:
    try:
        made = tuple(float(part) for part in text.split(","))
    except ValueError:
        made = ()
    if len(made) not in _CHANNELS or not np.isfinite(made).all():
        raise InputError(f"{option} {text}: expected a number, or three with commas, one for each channel")
    return made


def graph_of(path: Path) -> Any:
    """The graph of an ONNX file; large weights that lie in files beside it aren't read.

    Raises
    ------
    InputError
        Where onnx isn't installed, or the file is none.
    """
    try:
        import onnx
    except ImportError:
        raise InputError("onnx isn't installed. Install it: pip install 'mote-bench[onnx]'") from None
    try:
        return onnx.load(str(path), load_external_data=False).graph
    except Exception as error:  # protobuf's own classes
        raise InputError(f"'{path}' can't be read as ONNX ({first_line(error)})") from None
