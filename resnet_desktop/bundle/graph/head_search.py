"""Walking back from the logits to the last linear layer, over what is linear itself or changes no order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto

from resnet_desktop.bundle.structure.graph_view import RUNTIME_DOMAINS, GraphView, attributes
from resnet_desktop.core.errors import ModelError

_VIEWS = ("Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
_PASSED = (*_VIEWS, "DequantizeLinear", "LogSoftmax", "QuantizeLinear")
_COMBINED = {"Add": (0, 1), "Div": (0, 1), "Mul": (0, 1), "QLinearAdd": (0, 3), "QLinearMul": (0, 3), "Sub": (0, 1)}
"""Operators of two tensors, one of which must be constant, and where the two stand."""
_AVERAGES = ("AveragePool", "GlobalAveragePool", "QLinearAveragePool", "QLinearGlobalAveragePool", "ReduceMean")
_CUT_BELOW = ("Clip", "Relu")
"""May stand between a convolution and the averaging behind it, as in SqueezeNet: a new head needs none."""
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)


@dataclass(frozen=True, slots=True)
class _Operator:
    """Where a linear operator has what: the inputs of its weight, its bias, and its data's scale and zero point."""

    weight: int
    bias: int | None = None
    scale: int | None = None
    zero: int | None = None


_LINEAR = {
    "Conv": _Operator(1, 2),
    "ConvInteger": _Operator(1),
    "DynamicQuantizeMatMul": _Operator(1, 4),
    "FusedConv": _Operator(1, 2),
    "FusedGemm": _Operator(1, 2),
    "FusedMatMul": _Operator(1),
    "Gemm": _Operator(1, 2),
    "MatMul": _Operator(1),
    "MatMulInteger": _Operator(1),
    "MatMulIntegerToFloat": _Operator(1, 6, 2, 4),
    "MatMulNBits": _Operator(1, 5),
    "QGemm": _Operator(3, 6, 1, 2),
    "QLinearConv": _Operator(3, 8, 1, 2),
    "QLinearMatMul": _Operator(3, None, 1, 2),
}


@dataclass(frozen=True, slots=True)
class Linear:
    """What was found; the fields are those of ``head.Head``. ``width`` and ``classes`` are None where not known."""

    linear: str
    operator: str
    source: str
    averaged: bool
    quantized: tuple[str, ...]
    width: int | None
    classes: int | None
    weight: str
    bias: str
    transposed: bool


def not_linear(why: str) -> ModelError:
    """The error of a model that has no last layer to learn anew."""
    return ModelError(
        "unsupported_model",
        f"The last layer of this model is not a linear layer that can learn new classes: {why}.",
        "Start from another model, such as the ImageNet network that comes with the app.",
    )


def linear_behind(view: GraphView, output: str) -> Linear:
    """The last linear layer before ``output``. Raises ModelError ``unsupported_model``."""
    tensor, averaged, bias = output, False, ""
    while True:
        node = view.producer(tensor)
        if node is None or node.domain not in RUNTIME_DOMAINS:
            raise not_linear(f"it ends in {node.op_type}" if node is not None else "there is none")
        kind = node.op_type
        if kind in _LINEAR and view.is_constant(node.input[_LINEAR[kind].weight]):
            return _read(view, node, averaged=averaged, bias=bias)
        if kind in _COMBINED:
            tensor, other = _data(view, node)
            bias = root(view, other) if kind == "Add" and not bias else bias
            continue
        average = kind in _AVERAGES and _is_whole(view, node)
        if not (average or kind in _PASSED or (averaged and kind in _CUT_BELOW)):
            raise not_linear(f"it ends in {kind}")
        averaged = averaged or average
        tensor = node.input[0]


def root(view: GraphView, tensor: str) -> str:
    """The initializer that a constant is made of by Cast, Identity, Transpose and views; "" if there is none."""
    while tensor and tensor not in view.initializers:
        node = view.producer(tensor)
        if node is None or node.op_type not in _VIEWS:
            return ""
        tensor = node.input[0]
    return tensor


def _read(view: GraphView, node: onnx.NodeProto, *, averaged: bool, bias: str) -> Linear:
    places, given, kind = _LINEAR[node.op_type], attributes(node), node.op_type
    if given.get("transA") or (given.get("activation") and not averaged) or given.get("group", 1) != 1:
        raise not_linear(f"it ends in {kind} of a kind that is not known here")
    if "Conv" in kind:
        width, classes = _convolved(view, node, given, averaged=averaged)
        transposed = False
    elif averaged:
        raise not_linear("it is averaged over several positions")
    else:
        width, classes, transposed = _multiplied(view, node, given)
    source, quantized = _source(view, node, places)
    own = node.input[places.bias] if places.bias is not None and len(node.input) > places.bias else ""
    return Linear(
        linear=node.output[0],
        operator=kind,
        source=source,
        averaged=averaged,
        quantized=quantized,
        width=width,
        classes=classes,
        weight=root(view, node.input[places.weight]),
        bias=root(view, own) or bias,
        transposed=transposed,
    )


def _multiplied(view: GraphView, node: onnx.NodeProto, given: dict[str, object]) -> tuple[int | None, int | None, bool]:
    """Width, classes, and whether the weight lies as ``[width, classes]``."""
    if node.op_type == "MatMulNBits":
        return int(str(given["K"])), int(str(given["N"])), False
    shape = view.shape(node.input[_LINEAR[node.op_type].weight])
    if len(shape) != 2:
        raise not_linear(f"its weights have the shape {list(shape)}")
    turned = bool(given.get("transB"))
    return (shape[1], shape[0], False) if turned else (shape[0], shape[1], True)


def _convolved(
    view: GraphView, node: onnx.NodeProto, given: dict[str, object], *, averaged: bool
) -> tuple[int | None, int | None]:
    """Width and classes of a convolution that sees all its input at once, or each cell by itself."""
    shape, seen = view.shape(node.input[_LINEAR[node.op_type].weight]), view.shape(node.input[0])
    pads, strides = (
        list(value) if isinstance(value := given.get(key), Sequence) else [] for key in ("pads", "strides")
    )
    same = given.get("auto_pad", b"NOTSET") in (b"NOTSET", b"VALID") or shape[2:] == (1, 1)
    if len(shape) != 4 or len(seen) != 4 or any(pads) or not same:
        raise not_linear("it is a convolution over parts of the picture")
    if averaged:
        if shape[2:] != (1, 1) or any(step != 1 for step in strides):
            raise not_linear("it is a convolution over parts of the picture")
        return shape[1], shape[0]
    if seen[2:] != shape[2:]:
        raise not_linear("it is a convolution over parts of the picture")
    return (shape[1] or 0) * (shape[2] or 0) * (shape[3] or 0), shape[0]


def _source(view: GraphView, node: onnx.NodeProto, places: _Operator) -> tuple[str, tuple[str, ...]]:
    """The floats in front of a head and all quantizing; where there are none, the whole numbers and their scale."""
    tensor = node.input[0]
    before = view.producer(_behind_views(view, tensor))
    if before is not None and before.op_type == "DequantizeLinear":
        maker = view.producer(_behind_views(view, before.input[0]))
        if maker is not None and maker.op_type == "QuantizeLinear":
            return str(maker.input[0]), ()
    if before is not None and before.op_type in ("QuantizeLinear", "DynamicQuantizeLinear"):
        return str(before.input[0]), ()
    found = view.tensors.get(tensor)
    if found is None or found.type in _FLOATS or not found.type:
        return str(tensor), ()
    if places.scale is None or places.zero is None:
        raise not_linear(f"it is a {node.op_type} of numbers whose scale is not known")
    return str(tensor), tuple(name for name in (node.input[places.scale], node.input[places.zero]) if name)


def _behind_views(view: GraphView, tensor: str) -> str:
    node = view.producer(tensor)
    while node is not None and node.op_type in _VIEWS and node.op_type not in ("Cast", "Transpose"):
        tensor = node.input[0]
        node = view.producer(tensor)
    return tensor


def _data(view: GraphView, node: onnx.NodeProto) -> tuple[str, str]:
    """Of the two tensors that an operator combines the one that depends on the picture, and the other.

    A dynamic quantization multiplies by a scale that depends on the picture, too; its other factor is whole numbers
    that were cast.
    """
    a, b = (node.input[i] for i in _COMBINED[node.op_type])
    if view.is_constant(b):
        return a, b
    if view.is_constant(a) and node.op_type != "Div":
        return b, a
    for tensor, other in ((a, b), (b, a)):
        before = view.producer(_behind_views(view, tensor))
        cast = view.producer(before.input[0]) if before is not None and before.op_type == "Cast" else None
        if node.op_type == "Mul" and cast is not None and cast.op_type in ("MatMulInteger", "ConvInteger"):
            return tensor, other
    raise not_linear(f"it ends in {node.op_type} of two layers")


def _is_whole(view: GraphView, node: onnx.NodeProto) -> bool:
    """Whether a node averages over all of height and width of channels that come first."""
    given, shape = attributes(node), view.shape(node.input[0])
    if "Global" in node.op_type:
        return not given.get("channels_last")
    if "AveragePool" in node.op_type:
        kernel, pads = (value if isinstance(value := given.get(k), list) else [] for k in ("kernel_shape", "pads"))
        return tuple(kernel) == shape[2:] and not any(pads)
    axes = given.get("axes")
    if axes is None and len(node.input) > 1:
        axes = view.integers(node.input[1])
    return len(shape) == 4 and isinstance(axes, Sequence) and {int(a) % 4 for a in axes} == {2, 3}
