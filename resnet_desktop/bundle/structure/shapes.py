"""Shapes behind shapes that the graph computes itself: Shape, Gather, Concat, Reshape and the arithmetic between.

Inference by symbols gives up on the divisions and comparisons that exporters write. Here the graph is walked twice, for
two batches of different sizes: every small number is then simply computed. What comes out the same is fixed, what does
not is the batch or a multiple of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from resnet_desktop.bundle.structure.constants import Array, computed
from resnet_desktop.bundle.structure.runtime_shapes import runtime_shapes

_BATCHES = (2, 3)
_MOST_ELEMENTS = 4096
"""Values up to this size are computed: shapes, indices, masks of small windows."""

Shape = tuple[int | None, ...]
"""Dimensions of a tensor; None where it is not known beforehand (the batch)."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a graph.

    Attributes:
        shapes: type (as in ``TensorProto.DataType``) and shape of each tensor whose rank is known.
        values: the small ones that are the same whatever the batch, though made from shapes.
    """

    shapes: Mapping[str, tuple[int, Shape]]
    values: Mapping[str, Array]


def known(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], opset: Sequence[onnx.OperatorSetIdProto]) -> Known:
    """Walk over ``nodes``, sorted, with the inputs and small initializers of ``graph``."""
    first, second = (_Walk(graph, opset, batch) for batch in _BATCHES)
    for node in nodes:
        first.take(node)
        second.take(node)
    shapes: dict[str, tuple[int, Shape]] = {}
    for name, (kind, dims) in first.shapes.items():
        others = second.shapes.get(name)
        if others is not None and len(others[1]) == len(dims):
            shapes[name] = kind, tuple(a if a == b else None for a, b in zip(dims, others[1], strict=True))
    values = {}
    for name, value in first.values.items():
        other = second.values.get(name)
        if other is not None and value.shape == other.shape and np.array_equal(value, other):
            values[name] = value
    return Known(shapes, values)


class _Walk:
    """One walk with one size of the batch."""

    def __init__(self, graph: onnx.GraphProto, opset: Sequence[onnx.OperatorSetIdProto], batch: int) -> None:
        self.shapes: dict[str, tuple[int, tuple[int, ...]]] = {}
        self.values: dict[str, Array] = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self._opset = list(opset)
        self._versions = {o.domain: o.version for o in opset}
        for tensor in graph.initializer:
            self.shapes[tensor.name] = tensor.data_type, tuple(tensor.dims)
        for value in graph.input:
            kind = value.type.tensor_type
            dims = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
            if None not in dims[1:]:
                self.shapes[value.name] = kind.elem_type, tuple(batch if d is None else d for d in dims)

    def take(self, node: onnx.NodeProto) -> None:
        """Find the shapes of a node's outputs, and their values where they are small."""
        given = {a.name: helper.get_attribute_value(a) for a in node.attribute if not a.ref_attr_name}
        value = self._value(node, given)
        if value is not None and value.size <= _MOST_ELEMENTS:
            self.values[node.output[0]] = value
            kind = helper.np_dtype_to_tensor_dtype(value.dtype)
            self.shapes[node.output[0]] = kind, value.shape
            return
        for name, found in self._inferred(node, given).items():
            if name:
                self.shapes[name] = found

    def _value(self, node: onnx.NodeProto, given: dict[str, object]) -> Array | None:
        if node.domain not in ("", "ai.onnx") or len(node.output) != 1:
            return None
        if node.op_type in ("Shape", "Size"):
            if node.input[0] not in self.shapes:
                return None
            dims = np.array(self.shapes[node.input[0]][1], np.int64)
            if node.op_type == "Size":
                return np.array(dims.prod(), np.int64)
            return dims[slice(given.get("start", 0), given.get("end"))]
        if any(name and name not in self.values for name in node.input):
            return None
        return computed(node, [self.values[name] if name else None for name in node.input], given)

    def _inferred(self, node: onnx.NodeProto, given: dict[str, object]) -> dict[str, tuple[int, tuple[int, ...]]]:
        found = runtime_shapes(node, given, self.shapes, self.values)
        if found:
            return found
        domain = "" if node.domain == "ai.onnx" else node.domain
        types = {name: helper.make_tensor_type_proto(*self.shapes[name]) for name in node.input if name in self.shapes}
        if len(types) < len({name for name in node.input if name}):
            return {}
        data = {
            name: numpy_helper.from_array(self.values[name], name)
            for name in node.input
            if name in self.values and self.values[name].dtype.kind in "iuf"
        }
        try:
            schema = onnx.defs.get_schema(node.op_type, self._versions.get(domain, 1), domain)
            outputs = shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=self._opset)
        except (onnx.defs.SchemaError, shape_inference.InferenceError, RuntimeError, ValueError):
            return {}
        return {name: shape for name, kind in outputs.items() if (shape := _fixed(kind)) is not None}


def _fixed(kind: onnx.TypeProto) -> tuple[int, tuple[int, ...]] | None:
    tensor = kind.tensor_type
    if not kind.HasField("tensor_type") or not tensor.HasField("shape") or tensor.elem_type == TensorProto.UNDEFINED:
        return None
    if not all(dim.HasField("dim_value") for dim in tensor.shape.dim):
        return None
    return tensor.elem_type, tuple(dim.dim_value for dim in tensor.shape.dim)
