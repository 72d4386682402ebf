"""The network of an ONNX file as a torch module, which gradients pass through: for explanations down to pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mote_bench.contracts import InputError

Attributes = Mapping[str, Any]


class Network(nn.Module):
    """The nodes of a graph in their order, as the file has them; its embeddings are brought to unit length.

    Parameters
    ----------
    steps : sequence of Step
    constants : mapping of name -> Tensor
        What the file stores.
    given, last : str
        The names of its input and of its output.
    """

    def __init__(self, steps: list[Step], constants: Mapping[str, Tensor], given: str, last: str) -> None:
        super().__init__()
        self.steps: tuple[Step, ...] = tuple(steps)
        # with gradients, as networks in use have them: pytorch-grad-cam starts from those
        self.constants = nn.ParameterList(
            nn.Parameter(value, requires_grad=value.is_floating_point()) for value in constants.values()
        )
        self._names, self._given, self._last = list(constants), given, last

    def forward(self, faces: Tensor) -> Tensor:
        """(n, d) unit embeddings of n faces, as the file takes them."""
        known: dict[str, Tensor | None] = dict(zip(self._names, self.constants, strict=True))
        known |= {self._given: faces, "": None}
        for step in self.steps:
            known[step.output] = step(*[known[name] for name in step.inputs])
        last = known[self._last]
        assert last is not None
        return F.normalize(last.reshape(len(faces), -1), dim=1)

    def last_maps(self, height: int, width: int) -> nn.Module:
        """The last step that still has the form of the last convolution whose maps are wider than a pixel.

        Parameters
        ----------
        height, width : int
            Of a face, in pixels.
        """
        shapes: list[tuple[int, ...]] = []
        hooks = [
            step.register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape))) for step in self.steps
        ]
        with torch.no_grad():
            self(torch.zeros(1, 3, height, width))
        for hook in hooks:
            hook.remove()
        wide = [
            shape
            for step, shape in zip(self.steps, shapes, strict=True)
            if step.kind == "Conv" and len(shape) == 4 and min(shape[2:]) > 1
        ]
        if not wide:
            raise InputError(
                "the ONNX file has no convolution whose maps are wider than a pixel; nothing to explain by"
            )
        last = max(place for place, shape in enumerate(shapes) if shape == wide[-1])
        return self.steps[last]


class Step(nn.Module):
    """One node."""

    def __init__(self, kind: str, inputs: list[str], output: str, attributes: Attributes) -> None:
        super().__init__()
        self.kind, self.inputs, self.output = kind, inputs, output
        self._attributes = attributes

    def forward(self, *values: Tensor | None) -> Tensor:
        return _OPERATIONS[self.kind](self._attributes, *values)


def network(path: Path, output: str, batch: int | None = None) -> Network:
    """The network of a file, with its numbers; half precision becomes single.

    Parameters
    ----------
    output : str
        The name of the output that is the embedding; what leads to others is left out.
    batch : int, optional
        The number of faces that the file is fixed to; the network takes any number.

    Raises
    ------
    InputError
        Where onnx isn't installed, or the file has an operation that isn't known here.
    """
    try:
        import onnx
    except ImportError:
        raise InputError("onnx isn't installed. Install it: pip install 'mote-bench[onnx]'") from None
    graph = onnx.load(str(path)).graph
    constants = {one.name: _tensor(one) for one in graph.initializer}
    steps: list[Step] = []
    for node in _leading_to(graph.node, output):
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            constants[node.output[0]] = _tensor(attributes["value"])
        elif node.op_type in _OPERATIONS:
            steps.append(Step(node.op_type, list(node.input), node.output[0], attributes))
        else:
            raise InputError(
                f"'{path}' has the operation {node.op_type}, which gradients aren't taken through here; expected "
                f"{', '.join(sorted(_OPERATIONS))}"
            )
    stored = {one.name for one in graph.initializer}
    (given,) = (one.name for one in graph.input if one.name not in stored)
    used = {name for step in steps for name in step.inputs}
    kept = {name: value for name, value in constants.items() if name in used}
    return Network(steps, kept | _any_batch(steps, kept, batch), given, output).eval()


def _leading_to(nodes: Sequence[Any], output: str) -> list[Any]:
    """The nodes that an output depends on, in their order."""
    needed, found = {output}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            found.append(node)
            needed |= set(node.input)
    return found[::-1]


def _any_batch(steps: Sequence[Step], constants: Mapping[str, Tensor], batch: int | None) -> dict[str, Tensor]:
    """Shapes to bring to that begin with a fixed number of faces: with 0, which keeps the number that comes."""
    shapes = {step.inputs[1] for step in steps if step.kind == "Reshape"} & set(constants)
    fixed = {name: constants[name] for name in shapes if len(constants[name]) and constants[name][0] == batch}
    return {name: torch.cat([torch.zeros_like(shape[:1]), shape[1:]]) for name, shape in fixed.items()}


def _tensor(stored: Any) -> Tensor:
    from onnx import numpy_helper

    made = torch.from_numpy(numpy_helper.to_array(stored).copy())
    return made.float() if made.is_floating_point() else made


def _conv(about: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    stride, dilation = list(about.get("strides", (1, 1))), list(about.get("dilations", (1, 1)))
    how = bytes(about.get("auto_pad", b"NOTSET"))
    if how == b"SAME_UPPER":
        around = _same(x.shape[2:], weight.shape[2:], stride, dilation)
    elif how in (b"NOTSET", b"VALID"):
        around = _ends(about.get("pads", (0, 0, 0, 0)) if how == b"NOTSET" else (0, 0, 0, 0))
    else:
        raise InputError(f"the ONNX file pads a convolution by {how.decode()}; expected SAME_UPPER, VALID or numbers")
    return F.conv2d(F.pad(x, around), weight, bias, stride, 0, dilation, int(about.get("group", 1)))


def _same(size: Any, kernel: Any, stride: list[int], dilation: list[int]) -> list[int]:
    """What onnxruntime adds on all sides, rather below and right, or where strides leave pixels over takes away."""
    starts, ends = [], []
    for length, wide, step, apart in zip(size, kernel, stride, dilation, strict=True):
        missing = (-(-length // step) - 1) * step + (wide - 1) * apart + 1 - length
        starts.append(int(missing / 2))
        ends.append(missing - int(missing / 2))
    return _ends([*starts, *ends])


def _ends(pads: Any) -> list[int]:
    """ONNX's order of paddings, all starts and then all ends, in torch's: from the last axis, start and end."""
    half = len(pads) // 2
    return [int(pads[place]) for axis in reversed(range(half)) for place in (axis, axis + half)]


def _pad(about: Attributes, x: Tensor, pads: Tensor | None = None, value: Tensor | None = None) -> Tensor:
    if bytes(about.get("mode", b"constant")) != b"constant":
        raise InputError("the ONNX file pads by other than a constant, which gradients aren't taken through here")
    ends = about["pads"] if pads is None else pads.tolist()
    return F.pad(x, _ends(ends), value=float(about.get("value", 0.0)) if value is None else float(value))


def _normalised(about: Attributes, x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    return F.batch_norm(x, mean.detach(), variance.detach(), scale, shift, eps=float(about.get("epsilon", 1e-5)))


def _gemm(about: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a, b = (one.T if about.get(flag) else one for one, flag in ((a, "transA"), (b, "transB")))
    made = float(about.get("alpha", 1.0)) * (a @ b)
    return made if c is None else made + float(about.get("beta", 1.0)) * c


def _reshape(about: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    kept = not about.get("allowzero", 0)
    return x.reshape([x.shape[axis] if kept and size == 0 else int(size) for axis, size in enumerate(shape.tolist())])


def _flat(about: Attributes, x: Tensor) -> Tensor:
    axis = int(about.get("axis", 1))
    return x.reshape(int(torch.tensor(x.shape[:axis]).prod()), -1)


def _pooled(about: Attributes, x: Tensor, *, mean: bool) -> Tensor:
    """Average or maximum of windows; the average leaves out what is padded unless the file counts it."""
    wide, stride = list(about["kernel_shape"]), list(about.get("strides", [1] * len(about["kernel_shape"])))
    if bytes(about.get("auto_pad", b"NOTSET")) not in (b"NOTSET", b"VALID") or set(about.get("dilations", ())) - {1}:
        raise InputError("the ONNX file pools with padding or gaps that gradients aren't taken through here")
    around, up = _ends(about.get("pads", (0, 0, 0, 0))), bool(about.get("ceil_mode", 0))
    if not mean:
        return F.max_pool2d(F.pad(x, around, value=-torch.inf), wide, stride, ceil_mode=up)
    total = F.avg_pool2d(F.pad(x, around), wide, stride, ceil_mode=up)
    if about.get("count_include_pad", 0) or not any(around):
        return total
    return total / F.avg_pool2d(F.pad(torch.ones_like(x), around), wide, stride, ceil_mode=up)


def _reduced(kind: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[..., Tensor]:
    def step(about: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        over = about.get("axes", range(x.ndim)) if axes is None else axes.tolist()
        return kind(x, list(over), bool(about.get("keepdims", 1)))

    return step


def _clipped(about: Attributes, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    ends = [about.get(name) if end is None else float(end.detach()) for name, end in (("min", low), ("max", high))]
    return x if ends == [None, None] else x.clamp(*ends)


def _squeezed(about: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    default = [axis for axis, size in enumerate(x.shape) if size == 1]
    return x.squeeze(tuple(about.get("axes", default) if axes is None else axes.tolist()))


def _unsqueezed(about: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    places = list(about["axes"] if axes is None else axes.tolist())
    for place in sorted(place % (x.ndim + len(places)) for place in places):
        x = x.unsqueeze(place)
    return x


def _cast(about: Attributes, x: Tensor) -> Tensor:
    """Any floating-point type is single precision here, and any other one a whole number."""
    return x.float() if about["to"] in (1, 10, 11, 16) else x.long()


def _gathered(about: Attributes, x: Tensor, places: Tensor) -> Tensor:
    axis = int(about.get("axis", 0))
    rows = torch.where(places < 0, places + x.shape[axis], places).long()
    made = x.index_select(axis, rows.reshape(-1))
    return made.reshape((*x.shape[:axis], *places.shape, *x.shape[axis:][1:]))


def _scaled(about: Attributes, x: Tensor) -> Tensor:
    """Rows divided by their norm."""
    return F.normalize(x, p=float(about.get("p", 2)), dim=int(about.get("axis", -1)))


_OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Abs": lambda _, x: x.abs(),
    "Add": lambda _, a, b: a + b,
    "AveragePool": partial(_pooled, mean=True),
    "BatchNormalization": _normalised,
    "Cast": _cast,
    "Clip": _clipped,
    "Concat": lambda about, *parts: torch.cat(parts, int(about["axis"])),
    "Conv": _conv,
    "Div": lambda _, a, b: a / b,
    "Dropout": lambda _, x, *__: x,  # as in use, not in training
    "Flatten": _flat,
    "Gather": _gathered,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "HardSigmoid": lambda about, x: (x * about.get("alpha", 0.2) + about.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda _, x: F.hardswish(x),
    "Identity": lambda _, x: x,
    "LeakyRelu": lambda about, x: F.leaky_relu(x, about.get("alpha", 0.01)),
    "LpNormalization": _scaled,
    "MatMul": lambda _, a, b: a @ b,
    "Max": lambda _, a, b: torch.maximum(a, b),
    "MaxPool": partial(_pooled, mean=False),
    "Min": lambda _, a, b: torch.minimum(a, b),
    "Mul": lambda _, a, b: a * b,
    "PRelu": lambda _, x, slope: torch.where(x > 0, x, x * slope),
    "Pad": _pad,
    "Pow": lambda _, a, b: a**b,
    "ReduceL2": _reduced(lambda x, axes, kept: torch.linalg.vector_norm(x, dim=axes, keepdim=kept)),
    "ReduceMean": _reduced(lambda x, axes, kept: x.mean(axes, kept)),
    "ReduceSum": _reduced(lambda x, axes, kept: x.sum(axes, kept)),
    "Relu": lambda _, x: x.relu(),
    "Reshape": _reshape,
    "Shape": lambda _, x: torch.tensor(x.shape).to(x.device),
    "Sigmoid": lambda _, x: x.sigmoid(),
    "Sqrt": lambda _, x: x.sqrt(),
    "Squeeze": _squeezed,
    "Sub": lambda _, a, b: a - b,
    "Tanh": lambda _, x: x.tanh(),
    "Transpose": lambda about, x: x.permute(*about["perm"]),
    "Unsqueeze": _unsqueezed,
}
