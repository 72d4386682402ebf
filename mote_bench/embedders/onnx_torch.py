"""The network of an ONNX file as a torch module, which gradients pass through: for explanations down to pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mote_bench.contracts import InputError

Attributes = Mapping[str, Any]


class Network(nn.Module):
    """The nodes of a graph in their order, as the file has them; the last one's rows are brought to unit length.

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
        """(n, d) unit embeddings of (n, 3, 112, 112) faces."""
        known: dict[str, Tensor] = dict(zip(self._names, self.constants, strict=True)) | {self._given: faces}
        for step in self.steps:
            known[step.output] = step(*[known[name] for name in step.inputs])
        return F.normalize(known[self._last].flatten(1), dim=1)

    def last_maps(self, size: int) -> nn.Module:
        """The last step that still has the form of the last convolution whose maps are wider than a pixel.

        Parameters
        ----------
        size : int
            Of a face, in pixels.
        """
        shapes: list[tuple[int, ...]] = []
        hooks = [
            step.register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape))) for step in self.steps
        ]
        with torch.no_grad():
            self(torch.zeros(1, 3, size, size))
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

    def forward(self, *values: Tensor) -> Tensor:
        return _OPERATIONS[self.kind](self._attributes, *values)


def network(path: Path) -> Network:
    """The network of a file, with its numbers.

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
    steps = []
    for node in graph.node:
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            constants[node.output[0]] = _tensor(attributes["value"])
        elif node.op_type in _OPERATIONS and all(node.input):
            steps.append(Step(node.op_type, list(node.input), node.output[0], attributes))
        else:
            raise InputError(
                f"'{path}' has the operation {node.op_type}, which gradients aren't taken through here; expected "
                f"{', '.join(sorted(_OPERATIONS))}"
            )
    (given,) = (one.name for one in graph.input if one.name not in constants)
    return Network(steps, constants, given, graph.output[0].name).eval()


def _tensor(stored: Any) -> Tensor:
    from onnx import numpy_helper

    return torch.from_numpy(numpy_helper.to_array(stored).copy())


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


def _pad(about: Attributes, x: Tensor, pads: Tensor, value: Tensor | None = None) -> Tensor:
    if bytes(about.get("mode", b"constant")) != b"constant":
        raise InputError("the ONNX file pads by other than a constant, which gradients aren't taken through here")
    return F.pad(x, _ends(pads.tolist()), value=0.0 if value is None else float(value))


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


_OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Add": lambda _, a, b: a + b,
    "BatchNormalization": _normalised,
    "Conv": _conv,
    "Div": lambda _, a, b: a / b,
    "Dropout": lambda _, x, *__: x,  # as in use, not in training
    "Flatten": _flat,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "Identity": lambda _, x: x,
    "MatMul": lambda _, a, b: a @ b,
    "Max": lambda _, a, b: torch.maximum(a, b),
    "Min": lambda _, a, b: torch.minimum(a, b),
    "Mul": lambda _, a, b: a * b,
    "PRelu": lambda _, x, slope: torch.where(x > 0, x, x * slope),
    "Pad": _pad,
    "Relu": lambda _, x: x.relu(),
    "Reshape": _reshape,
    "Sub": lambda _, a, b: a - b,
    "Transpose": lambda about, x: x.permute(*about["perm"]),
}
