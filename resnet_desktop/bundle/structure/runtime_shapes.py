"""Shapes that the onnx package does not infer: those that ONNX Runtime's own operators make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from resnet_desktop.bundle.structure.constants import Array

DOMAIN = "com.microsoft"
_Shape = tuple[int, ...]
Shapes = Mapping[str, tuple[int, _Shape]]

_SAME = (
    *("Gelu", "FastGelu", "QuickGelu", "BiasGelu", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"),
    *("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "BiasSoftmax", "DynamicQuantizeLinear"),
    *("QuantizeLinear", "DequantizeLinear", "GroupNorm", "SkipGroupNorm", "SimplifiedLayerNormalization", "BiasAdd"),
)
"""Operators whose first output has the shape of their first input."""

_SAME_OF_ONNX = ("GroupNormalization", "SimplifiedLayerNormalization")
"""The same of ONNX's own set, for which nothing is inferred."""

_SUMS = {"SkipLayerNormalization": 3, "SkipSimplifiedLayerNormalization": 3, "SkipGroupNorm": 1}
"""Where norms of a sum give the sum itself: an output of the same shape once more."""


def runtime_shapes(
    node: onnx.NodeProto, given: Mapping[str, Any], shapes: Shapes, values: Mapping[str, Array]
) -> dict[str, tuple[int, _Shape]]:
    """Type and shape of the outputs by their names; those that are not known here are left out."""
    found = _first_output(node, given, shapes, values)
    if found is None:
        return {}
    known = {node.output[0]: found}
    place = _SUMS.get(node.op_type, len(node.output))
    if place < len(node.output):
        known[node.output[place]] = found
    if node.op_type.endswith("LayerNormalization"):  # the mean, and one over the deviation, are of no use to anybody
        known |= dict.fromkeys(node.output[1:3], (TensorProto.FLOAT, (*found[1][:-1], 1)))
    return {name: one for name, one in known.items() if name}


def _first_output(
    node: onnx.NodeProto, given: Mapping[str, Any], shapes: Shapes, values: Mapping[str, Array]
) -> tuple[int, _Shape] | None:
    if not node.input or node.input[0] not in shapes:
        return None
    kind, first = shapes[node.input[0]]
    if node.domain in ("", "ai.onnx") and node.op_type in _SAME_OF_ONNX:
        return kind, first
    if node.domain != DOMAIN:
        return None
    if node.op_type == "DequantizeLinear":
        return shapes.get(node.input[1], (TensorProto.FLOAT, ()))[0], first
    if node.op_type == "QuantizeLinear":
        zero = node.input[2] if len(node.input) > 2 else ""
        return shapes.get(zero, (TensorProto.UINT8, ()))[0], first
    if node.op_type in _SAME:
        return kind, first
    rule = _RULES.get(node.op_type)
    dims = None if rule is None else rule(node, given, shapes, values)
    if dims is None:
        return None
    if node.op_type in ("MatMulIntegerToFloat", "DynamicQuantizeMatMul"):
        kind = TensorProto.FLOAT
    elif node.op_type == "QLinearConcat":  # which begins with the scale of its output
        kind = shapes[node.input[2]][0]
    return kind, dims


_Rule = Callable[[onnx.NodeProto, Mapping[str, Any], Shapes, Mapping[str, Array]], _Shape | None]


def _dims(node: onnx.NodeProto, shapes: Shapes, place: int) -> _Shape | None:
    found = shapes.get(node.input[place]) if place < len(node.input) else None
    return found[1] if found is not None else None


def _broadcast(a: int, b: int) -> _Rule:
    """Of two inputs, by their places."""

    def rule(node: onnx.NodeProto, _given: Mapping[str, Any], shapes: Shapes, _v: Mapping[str, Array]) -> _Shape | None:
        one, other = _dims(node, shapes, a), _dims(node, shapes, b)
        if one is None or other is None:
            return None
        try:
            return np.broadcast_shapes(one, other)
        except ValueError:
            return None

    return rule


def _product(b: int) -> _Rule:
    """A matrix product of the first input and the one at place ``b``, either of them turned if so said."""

    def rule(node: onnx.NodeProto, given: Mapping[str, Any], shapes: Shapes, _v: Mapping[str, Array]) -> _Shape | None:
        one, other = _dims(node, shapes, 0), _dims(node, shapes, b)
        if one is None or other is None or len(one) < 2 or len(other) < 2:
            return None
        if given.get("transA"):
            one = (*one[:-2], one[-1], one[-2])
        if given.get("transB"):
            other = (*other[:-2], other[-1], other[-2])
        return (*np.broadcast_shapes(one[:-2], other[:-2]), one[-2], other[-1])

    return rule


def _by_onnx(kind: str, places: tuple[int, ...]) -> _Rule:
    """As the ONNX operator ``kind`` of the inputs at ``places``."""

    def rule(
        node: onnx.NodeProto, given: Mapping[str, Any], shapes: Shapes, _values: Mapping[str, Array]
    ) -> _Shape | None:
        if given.get("channels_last"):
            return None
        names = [node.input[place] for place in places if place < len(node.input)]
        plain = onnx.NodeProto(op_type=kind, input=names, output=["y"])
        schema = onnx.defs.get_schema(kind, 17, "")
        plain.attribute.extend(a for a in node.attribute if a.name in schema.attributes)
        if any(name not in shapes for name in names):
            return None
        types = {name: helper.make_tensor_type_proto(TensorProto.FLOAT, shapes[name][1]) for name in names}
        opsets = [helper.make_opsetid("", 17)]
        try:
            found = onnx.shape_inference.infer_node_outputs(schema, plain, types, {}, opset_imports=opsets)
        except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
            return None
        dims = found["y"].tensor_type.shape.dim if "y" in found else []
        return tuple(d.dim_value for d in dims) if dims and all(d.HasField("dim_value") for d in dims) else None

    return rule


def _joined(
    node: onnx.NodeProto, given: Mapping[str, Any], shapes: Shapes, _values: Mapping[str, Array]
) -> _Shape | None:
    parts = [shapes.get(name) for name in node.input[2::3]]
    if not parts or any(part is None for part in parts):
        return None
    whole = [part[1] for part in parts if part is not None]
    axis = int(given["axis"]) % len(whole[0])
    return (*whole[0][:axis], sum(dims[axis] for dims in whole), *whole[0][axis + 1 :])


def _attended(
    node: onnx.NodeProto, given: Mapping[str, Any], shapes: Shapes, _values: Mapping[str, Array]
) -> _Shape | None:
    """Of attention: as wide as the values."""
    first, weights, value = (_dims(node, shapes, place) for place in range(3))
    if first is None or len(first) != 3:
        return None
    if node.op_type == "MultiHeadAttention":
        return (*first[:2], value[-1]) if value is not None and len(value) == 3 else None
    sizes = given.get("qkv_hidden_sizes")
    if sizes:
        return (*first[:2], int(sizes[-1]))
    return (*first[:2], weights[-1] // 3) if weights is not None and len(weights) == 2 else None


def _packed(
    node: onnx.NodeProto, given: Mapping[str, Any], shapes: Shapes, _values: Mapping[str, Array]
) -> _Shape | None:
    first = _dims(node, shapes, 0)
    return None if not first or "N" not in given else (*first[:-1], int(given["N"]))


_RULES: dict[str, _Rule] = {
    "Attention": _attended,
    "MatMulNBits": _packed,
    "MultiHeadAttention": _attended,
    "DynamicQuantizeMatMul": _product(1),
    "FusedConv": _by_onnx("Conv", (0, 1)),
    "FusedGemm": _product(1),
    "FusedMatMul": _product(1),
    "MatMulIntegerToFloat": _product(1),
    "QGemm": _product(3),
    "QLinearAdd": _broadcast(0, 3),
    "QLinearAveragePool": _by_onnx("AveragePool", (0,)),
    "QLinearConcat": _joined,
    "QLinearGlobalAveragePool": _by_onnx("GlobalAveragePool", (0,)),
    "QLinearMul": _broadcast(0, 3),
}
