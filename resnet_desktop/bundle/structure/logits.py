"""Finding the end of a classifier: its logits, and the features that one linear layer weighs.

Where a network ends in activations, global average pooling and one linear layer, Grad-CAM at those activations has a
closed form (Zhou et al. 2016, arXiv:1512.04150; Selvaraju et al. 2017, arXiv:1610.02391, section 3): no gradient is
needed, only the activations and the linear layer's weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from resnet_desktop.bundle.structure.graph_view import RUNTIME_DOMAINS, GraphView, attributes, readable_name

_VIEWS = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Dropout", "Cast")
_ROUNDED = (*_VIEWS, "QuantizeLinear", "DequantizeLinear")
_SAME = ("Identity", "Dropout")
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)


@dataclass(frozen=True, slots=True, eq=False)
class FeatureLayer:
    """The last activations with spatial extent, and the linear layer behind their average.

    Attributes:
        name: the tensor, as an output for ``serialized`` and the session.
        layer: its name for people, such as ``layer4.2``.
        channels: C of the activations ``[batch, C, height, width]``.
        height: rows of the activations.
        width: columns of the activations.
        fc_weight: float32 ``(classes, channels)``; logits = fc_weight @ mean(activations) + fc_bias. Read-only.
        fc_bias: float32 ``(classes,)``. Read-only.
    """

    name: str
    layer: str
    channels: int
    height: int
    width: int
    fc_weight: NDArray[np.float32]
    fc_bias: NDArray[np.float32]


def behind_softmax(view: GraphView, output: str) -> str | None:
    """The tensor that a final Softmax over the classes takes; None if ``output`` is not made by one.

    Before opset 13 a Softmax without an axis runs over all axes but the first, since then over the last one.
    """
    node = view.producer(_behind(view, output, _ROUNDED))
    if node is None or node.op_type not in ("Softmax", "QLinearSoftmax"):
        return None
    shape, given = view.shape(node.input[0]), attributes(node)
    opset = int(given.get("opset", view.opset))  # type: ignore[call-overload]
    axis = int(given.get("axis", 1 if opset < 13 else -1))  # type: ignore[call-overload]
    if not shape or not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    wide = [i for i, side in enumerate(shape) if side != 1 and (i or len(shape) == 1)]
    if len(wide) != 1 or axis > wide[0] or (axis < wide[0] and opset >= 13) or (not axis and len(shape) > 1):
        return None
    return str(node.input[0])


def final_node(view: GraphView, output: str) -> onnx.NodeProto | None:
    """The node that makes ``output``, views such as Flatten, and rounding, passed over; None for an input."""
    return view.producer(_behind(view, output, _ROUNDED))


def final_operator(view: GraphView, output: str) -> str:
    """The operator that makes ``output``, views such as Flatten, and rounding, passed over."""
    node = final_node(view, output)
    return node.op_type if node is not None else ""


def find_features(view: GraphView, model: onnx.ModelProto, logits: str) -> FeatureLayer | None:
    """Walk back from ``logits`` over exactly one linear layer and a global average pooling to the activations.

    Returns:
        None if the graph does not end so.
    """
    linear = _linear(view, _Constants(view, model), _behind(view, logits, _VIEWS))
    if linear is None:
        return None
    source, weight, bias = linear
    activations = _pooled(view, source)
    if activations is None:
        return None
    name = _behind(view, activations, _SAME)
    shape = view.shape(name)
    if len(shape) != 4 or shape[1] != weight.shape[1] or not shape[2] or not shape[3] or name in view.inputs:
        return None
    grid = view.layout.grid(name)
    if (grid is None and _is_displaced(view, name)) or (grid is not None and not grid.is_plain):
        return None  # its cells do not lie as the picture's: the gradient's way puts them back, where that can be
    for array in (weight, bias):
        array.flags.writeable = False
    return FeatureLayer(name, readable_name(view, name), weight.shape[1], shape[2], shape[3], weight, bias)


def _is_displaced(view: GraphView, tensor: str) -> bool:
    """Whether rows or columns are known not to lie where the picture has them."""
    return any("displaced" in axis.kinds or axis.part is not None for axis in view.layout.axes(tensor) or ())


class _Constants:
    """Values of tensors that depend on weights alone."""

    def __init__(self, view: GraphView, model: onnx.ModelProto) -> None:
        self._view = view
        self._initializers = {t.name: t for t in model.graph.initializer}

    def value(self, name: str) -> NDArray[np.float32] | None:
        """The float32 value of ``name``, through Cast, Identity, Transpose and Constant; None if it is not constant."""
        transposed = False
        for _ in range(8):  # no exporter stacks more of them
            if name in self._initializers:
                return self._array(self._initializers[name], transposed=transposed)
            node = self._view.producer(name)
            if node is None or node.domain:
                return None
            if node.op_type == "Constant":
                tensor = attributes(node).get("value")
                return self._array(tensor, transposed=transposed) if isinstance(tensor, TensorProto) else None
            if node.op_type == "Transpose" and attributes(node).get("perm") in (None, [1, 0]):
                transposed = not transposed
            elif node.op_type not in ("Cast", "Identity"):
                return None
            name = node.input[0]
        return None

    @staticmethod
    def _array(tensor: TensorProto, *, transposed: bool) -> NDArray[np.float32] | None:
        if tensor.data_type not in _FLOATS:
            return None
        array = numpy_helper.to_array(tensor).astype(np.float32)
        return array.T if transposed else array


_Linear = tuple[str, NDArray[np.float32], NDArray[np.float32]]


def _linear(view: GraphView, constants: _Constants, output: str) -> _Linear | None:
    """The linear layer that makes ``output``: its input, weight ``(classes, channels)`` and bias ``(classes,)``."""
    node = view.producer(output)
    if node is None or node.domain:
        return None
    match node.op_type:
        case "Gemm":
            return _gemm(node, constants)
        case "MatMul":
            return _oriented(node.input[0], constants.value(node.input[1]), None, transposed=True)
        case "Add":
            return _matmul_and_add(view, node, constants)
        case "Conv":
            return _pointwise(view, node, constants)
    return None


def _gemm(node: onnx.NodeProto, constants: _Constants) -> _Linear | None:
    given = attributes(node)
    if given.get("transA", 0):
        return None
    bias = constants.value(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1, np.float32)
    found = _oriented(node.input[0], constants.value(node.input[1]), bias, transposed=not given.get("transB", 0))
    if found is None:
        return None
    alpha, beta = (np.float32(given.get(name, 1.0)) for name in ("alpha", "beta"))  # type: ignore[arg-type]
    if not np.isfinite((alpha, beta)).all():
        return None
    return found[0], found[1] * alpha, found[2] * beta


def _matmul_and_add(view: GraphView, node: onnx.NodeProto, constants: _Constants) -> _Linear | None:
    for product, added in (node.input[:2], reversed(node.input[:2])):
        matmul = view.producer(_behind(view, product, _SAME))
        if matmul is not None and matmul.op_type == "MatMul":
            weight, bias = constants.value(matmul.input[1]), constants.value(added)
            return _oriented(matmul.input[0], weight, bias, transposed=True) if bias is not None else None
    return None


def _pointwise(view: GraphView, node: onnx.NodeProto, constants: _Constants) -> _Linear | None:
    """A 1x1 convolution over pooled features is a linear layer too."""
    weight = constants.value(node.input[1])
    if weight is None or weight.ndim != 4 or weight.shape[2:] != (1, 1) or view.shape(node.input[0])[2:] != (1, 1):
        return None
    given = attributes(node)
    if given.get("group", 1) != 1 or any(given.get("pads", ())):  # type: ignore[arg-type]
        return None
    bias = constants.value(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1, np.float32)
    return _oriented(node.input[0], weight.reshape(weight.shape[:2]), bias, transposed=False)


def _oriented(
    source: str, weight: NDArray[np.float32] | None, bias: NDArray[np.float32] | None, *, transposed: bool
) -> _Linear | None:
    """Weight as ``(classes, channels)`` and bias as ``(classes,)``, both in memory of their own."""
    if weight is None or weight.ndim != 2:
        return None
    weight = np.array(weight.T if transposed else weight, np.float32, order="C")
    bias = np.zeros(1, np.float32) if bias is None else bias.reshape(-1)
    if bias.size not in (1, weight.shape[0]):
        return None
    return source, weight, np.array(np.broadcast_to(bias, weight.shape[:1]))


def _pooled(view: GraphView, source: str) -> str | None:
    """The rank-4 tensor whose average over height and width ``source`` is; None if it is no such average."""
    node = view.producer(_behind(view, source, _VIEWS))
    if node is None or node.domain:
        return None
    given = attributes(node)
    source = str(node.input[0])
    shape = view.shape(source)
    if node.op_type == "GlobalAveragePool":
        return source
    if node.op_type == "AveragePool":
        whole = len(shape) == 4 and tuple(given.get("kernel_shape", ())) == shape[2:]  # type: ignore[arg-type]
        return source if whole and not any(given.get("pads", ())) else None  # type: ignore[arg-type]
    if node.op_type != "ReduceMean":
        return None
    axes = _axes(view, node, given)
    if len(shape) == 4 and axes == {2, 3}:
        return source
    if len(shape) == 4 and axes == {1, 2}:  # channels at the end, as Keras has them; before that they were not
        return _before_transpose(view, source)
    if len(shape) == 3 and axes == {2}:  # rows and columns laid end to end first
        before = _behind(view, source, _VIEWS)
        before_shape = view.shape(before)
        same = len(before_shape) == 4 and before_shape[1] == shape[1] and None not in before_shape[2:]
        return before if same else None
    return None


def _before_transpose(view: GraphView, tensor: str) -> str | None:
    """The tensor ``[batch, channels, height, width]`` of which ``tensor`` is ``[batch, height, width, channels]``."""
    node = view.producer(_behind(view, tensor, _SAME))
    if node is None or node.op_type != "Transpose" or attributes(node).get("perm") != [0, 2, 3, 1]:
        return None
    return str(node.input[0])


def _axes(view: GraphView, node: onnx.NodeProto, given: dict[str, object]) -> set[int]:
    """The axes that a ReduceMean averages over, counted from the front; an attribute before opset 18, then an input."""
    rank = len(view.shape(node.input[0]))
    axes = given.get("axes")
    if axes is None and len(node.input) > 1:
        axes = view.integers(node.input[1])
    return {a % rank for a in axes} if isinstance(axes, (list, tuple)) and rank else set()


def _behind(view: GraphView, tensor: str, kinds: tuple[str, ...]) -> str:
    """Follow ``tensor`` back over operators that change no number. It ends, since a checked graph has no circle."""
    node = view.producer(tensor)
    while node is not None and node.op_type in kinds and node.domain in RUNTIME_DOMAINS:
        to = attributes(node).get("to")
        if to is not None and to not in _FLOATS:
            break
        tensor = node.input[0]
        node = view.producer(tensor)
    return tensor
