"""Values of the tensors of a model that depend on weights alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.graph_view import ONNX_DOMAINS, GraphView, attributes

Array = NDArray[Any]

_Given = dict[str, Any]


class Constants:
    """Computes constants of a model in NumPy.

    Args:
        model: its initializers are read.
        view: its graph.
    """

    def __init__(self, model: onnx.ModelProto, view: GraphView) -> None:
        self._view = view
        self._initializers = {t.name: t for t in model.graph.initializer}
        self._known: dict[str, Array | None] = {}

    def value(self, tensor: str) -> Array | None:
        """The value of ``tensor``; None if it is not constant, or made by an operator that is not known here."""
        if tensor not in self._known:
            self._known[tensor] = self._computed(tensor) if tensor and self._view.is_constant(tensor) else None
        return self._known[tensor]

    def _computed(self, tensor: str) -> Array | None:
        if tensor in self._initializers:
            return numpy_helper.to_array(self._initializers[tensor])
        node = self._view.producer(tensor)
        if node is None or node.op_type not in _OPERATORS or node.domain not in (*ONNX_DOMAINS, "com.microsoft"):
            return None
        inputs = [self.value(name) if name else None for name in node.input]
        if any(value is None for value, name in zip(inputs, node.input, strict=True) if name):
            return None
        return _OPERATORS[node.op_type]([value for value in inputs if value is not None], attributes(node))


def _constant(_inputs: list[Array], given: _Given) -> Array | None:
    if isinstance(given.get("value"), TensorProto):
        return numpy_helper.to_array(given["value"])
    for key, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        if key in given:
            return np.array(given[key], dtype)
    for key, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
        if key in given:
            return np.array(list(given[key]), dtype)
    return None


def _filled(inputs: list[Array], given: _Given) -> Array:
    value = numpy_helper.to_array(given["value"]) if "value" in given else np.zeros(1, np.float32)
    return np.full([int(size) for size in inputs[0]], value.reshape(()), value.dtype)


def _cast(inputs: list[Array], given: _Given) -> Array:
    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(int(given["to"])))


def _squeezed(inputs: list[Array], given: _Given) -> Array:
    axes = _axes(inputs, given)
    return np.squeeze(inputs[0], axes if axes else None)


def _axes(inputs: list[Array], given: _Given) -> tuple[int, ...]:
    given_axes = inputs[1].reshape(-1) if len(inputs) > 1 else given.get("axes", ())
    return tuple(int(axis) for axis in given_axes)


def _reshaped(inputs: list[Array], given: _Given) -> Array:
    x, dims = inputs
    sizes = [int(d) if d or given.get("allowzero") else x.shape[i] for i, d in enumerate(dims.reshape(-1))]
    return x.reshape(sizes)


def _dequantized(inputs: list[Array], given: _Given) -> Array | None:
    x, scale, *zero = inputs
    if given.get("block_size") or scale.ndim > 1:
        return None
    if scale.size > 1:
        axis = int(given.get("axis", 1)) % x.ndim
        shape = [1] * x.ndim
        shape[axis] = -1
        scale, zero = scale.reshape(shape), [z.reshape(shape) for z in zero]
    shifted = x.astype(np.int32) - (zero[0].astype(np.int32) if zero else 0)
    return (shifted * scale.astype(np.float32)).astype(scale.dtype)


_OPERATORS: dict[str, Callable[[list[Array], _Given], Array | None]] = {
    "Add": lambda inputs, _: np.add(*inputs),
    "Cast": _cast,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "DequantizeLinear": _dequantized,
    "Div": lambda inputs, _: np.divide(*inputs) if inputs[0].dtype.kind == "f" else None,
    "Identity": lambda inputs, _: inputs[0],
    "Mul": lambda inputs, _: np.multiply(*inputs),
    "Neg": lambda inputs, _: -inputs[0],
    "Reshape": _reshaped,
    "Sqrt": lambda inputs, _: np.sqrt(inputs[0]),
    "Squeeze": _squeezed,
    "Sub": lambda inputs, _: np.subtract(*inputs),
    "Transpose": lambda inputs, given: np.transpose(inputs[0], given.get("perm")),
    "Unsqueeze": lambda inputs, given: np.expand_dims(inputs[0], _axes(inputs, given)),
}
