"""A graph as plain data, for whoever computes it by other means than ONNX Runtime: no type of ONNX's own is left.

What can be computed beforehand is computed; arrays are sorted into weights, which training may change, running
statistics and constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from resnet_desktop.bundle.graph import roles
from resnet_desktop.bundle.structure.constants import Array, computed
from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, attributes

QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")
_LITERAL = 1024
"""Elements of a constant that somebody may have written into code; more of them were learnt."""
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)


@dataclass(frozen=True, slots=True, eq=False)
class GraphNode:
    """One node.

    Attributes:
        op: its operator; one that ONNX does not have with its domain, such as ``com.microsoft.QuickGelu``.
        name: for messages.
        inputs: names of tensors; "" for one that is left out.
        outputs: the same.
        given: its attributes: numbers, texts, tuples and arrays.
        version: of the set of operators that its meaning follows from.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    given: Mapping[str, Any]
    version: int


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A graph with one input and one output.

    Attributes:
        nodes: sorted: what a node reads comes before it.
        weights: by the initializer's name: what training may change, float32.
        statistics: the running means and variances of batch norms, float32.
        constants: all other arrays that nodes read.
        input: name of the input.
        output: name of the output.
        quantized: whether it computes with whole numbers.
    """

    nodes: tuple[GraphNode, ...]
    weights: Mapping[str, NDArray[np.float32]]
    statistics: Mapping[str, NDArray[np.float32]]
    constants: Mapping[str, Array]
    input: str
    output: str
    quantized: bool

    def bare(self) -> Graph:
        """The same without its arrays, for whoever has taken them."""
        return replace(self, weights={}, statistics={}, constants={})


def read_graph(model: onnx.ModelProto) -> Graph:
    """The graph of a checked model with one input, up to its first output. It is not changed."""
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    reader = _Reader(model)
    for node in model.graph.node:
        reader.take(node)
    return reader.graph()


class _Reader:
    """Takes nodes one by one, and passes over those that only hand on an array."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._versions = {("" if o.domain in ONNX_DOMAINS else o.domain): o.version for o in model.opset_import}
        self._arrays: dict[str, Array] = {}
        self._initializers = {t.name for t in model.graph.initializer}
        self._same: dict[str, str] = {}
        self._nodes: list[GraphNode] = []
        self._quantized = False
        for tensor in model.graph.initializer:
            self._arrays[tensor.name] = _array(tensor)
        (given,) = (value for value in model.graph.input if value.name not in self._initializers)
        self._input, self._output = given.name, model.graph.output[0].name

    def take(self, node: onnx.NodeProto) -> None:
        """Compute a node if it depends on constants alone, else keep it."""
        own = node.domain in ONNX_DOMAINS
        op = node.op_type if own else f"{node.domain}.{node.op_type}"
        self._quantized |= node.op_type in QUANTIZED or node.op_type.startswith(("QLinear", "QGemm"))
        inputs = tuple(self._same.get(name, name) for name in node.input)
        given = attributes(node)
        if own and self._is_handed_on(node, inputs, given):
            self._same[node.output[0]] = inputs[0]
            return
        if own and all(not name or self._is_constant(name) for name in inputs):
            value = computed(node, [self._arrays[name] if name else None for name in inputs], given)
            if value is not None:
                self._arrays[node.output[0]] = _single(value)
                if node.op_type == "Constant" and value.size > _LITERAL:
                    self._initializers.add(node.output[0])
                return
        version = self._versions.get("" if own else node.domain, 1)
        values = {key: _plain(value) for key, value in given.items()}
        self._nodes.append(GraphNode(op, node.name or node.output[0], inputs, tuple(node.output), values, version))

    def graph(self) -> Graph:
        """All of it."""
        output = self._same.get(self._output, self._output)
        needed, kept = {output}, []
        for node in reversed(self._nodes):
            if not needed.isdisjoint(node.outputs):
                needed.update(node.inputs)
                kept.append(node)
        nodes = tuple(reversed(kept))
        arrays = {name: array for name, array in self._arrays.items() if name in needed}
        found = roles.sort(nodes, arrays, self._initializers, self._input)
        return Graph(
            nodes=nodes,
            weights={name: arrays[name] for name in arrays if name in found.weights},
            statistics={name: arrays[name] for name in arrays if name in found.statistics},
            constants={n: a for n, a in arrays.items() if n not in found.weights | found.statistics},
            input=self._input,
            output=output,
            quantized=self._quantized,
        )

    def _is_handed_on(self, node: onnx.NodeProto, inputs: tuple[str, ...], given: Mapping[str, Any]) -> bool:
        """Whether a node gives an array as it is: weights stored as float16 are read as float32 from the start."""
        if node.op_type == "Cast":
            return (
                given.get("to") in _FLOATS and inputs[0] in self._arrays and self._arrays[inputs[0]].dtype.kind == "f"
            )
        return node.op_type in ("Identity", "CastLike") and inputs[0] in self._arrays and len(node.output) == 1

    def _is_constant(self, name: str) -> bool:
        """Whether a tensor is a constant that no weight has a part in: floats of initializers may be weights."""
        array = self._arrays.get(name)
        return array is not None and not (name in self._initializers and array.dtype.kind == "f" and array.size > 1)


def _array(tensor: onnx.TensorProto) -> Array:
    return _single(numpy_helper.to_array(tensor))


def _single(array: Array) -> Array:
    """The array, in single precision if it holds floats; bfloat16 and its like are no kind of NumPy's own."""
    if array.dtype.kind in "fV" and array.dtype != np.float32:
        return array.astype(np.float32)
    return array


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever an attribute may be
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case TensorProto():
            return _array(value)
        case onnx.GraphProto():
            return None
        case list():
            return tuple(_plain(item) for item in value)
    return value
