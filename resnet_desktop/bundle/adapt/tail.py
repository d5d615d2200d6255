"""What kind of numbers a graph ends in, found by computing its last operators on random numbers.

Exporters and people write a softmax in many ways: with exponentials, clipped, averaged over crops or models. Whatever
gives rows that are never negative and sum to 1 on any numbers is a probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx
from onnx import numpy_helper

from resnet_desktop.bundle.structure.constants import Array, computed
from resnet_desktop.bundle.structure.graph_view import GraphView, attributes

Kind = Literal["probabilities", "ratings", "unknown"]
"""Rows that sum to 1; numbers from 0 to 1, each for itself; anything else."""

_BATCH = 3
_MOST_NODES = 64
_MOST_NUMBERS = 2**20
_SCALES = (1.0, 6.0)
_TOLERANCE = 2e-3


def kind_of(model: onnx.ModelProto, view: GraphView, output: str, width: int) -> Kind:
    """What the last operators make of any numbers.

    Args:
        model: its initializers are read.
        view: its graph.
        output: a tensor of ``width`` numbers for each picture.
        width: how many.
    """
    tail = _Tail(model, view, output)
    if not tail.nodes:
        return "unknown"
    rows = []
    for seed, scale in enumerate(_SCALES):
        found = tail.run(np.random.default_rng(seed), scale)
        if found is None or found.size % width or not np.isfinite(found).all():
            return "unknown"
        rows.append(found.reshape(-1, width).astype(np.float64))
    every = np.concatenate(rows)
    if width > 1 and are_shares(every):
        return "probabilities"
    return "ratings" if every.min() >= -1e-6 and every.max() <= 1 + _TOLERANCE else "unknown"


def are_shares(rows: Array) -> bool:
    """Whether rows of numbers, ``(n, classes)``, are probabilities, as fractions or as percentages.

    They are never negative, sum to 1 or to 100 in every row, and are not the same everywhere.
    """
    totals = rows.sum(axis=1)
    whole = any(np.abs(totals / total - 1).max() < _TOLERANCE for total in (1.0, 100.0))
    return bool(whole and rows.min() >= -1e-6 and np.ptp(rows) > 1e-6)


class _Tail:
    """The operators before an output that can be computed, and the tensors that they start from."""

    def __init__(self, model: onnx.ModelProto, view: GraphView, output: str) -> None:
        self._view = view
        self._output = output
        self._initializers = {t.name: t for t in model.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        wanted = {output}
        for node in reversed(view.nodes):
            if wanted.isdisjoint(node.output) or len(self.nodes) >= _MOST_NODES:
                continue
            if _can_compute(node):
                self.nodes.insert(0, node)
                wanted.update(name for name in node.input if name)

    def run(self, rng: np.random.Generator, scale: float) -> Array | None:
        """The output for random numbers; None if something cannot be computed after all."""
        values: dict[str, Array] = {}
        for node in self.nodes:
            inputs: list[Array | None] = []
            for name in node.input:
                if name and name not in values:
                    start = self._start(name, rng, scale)
                    if start is None:
                        return None
                    values[name] = start
                inputs.append(values[name] if name else None)
            found = _compute(node, inputs, self._view.opset)
            if found is None or found.size > _MOST_NUMBERS:
                return None
            values[node.output[0]] = found
        return values.get(self._output)

    def _start(self, name: str, rng: np.random.Generator, scale: float) -> Array | None:
        if name in self._initializers:
            tensor = self._initializers[name]
            if np.prod([float(d) for d in tensor.dims]) > _MOST_NUMBERS:
                return None
            return np.asarray(numpy_helper.to_array(tensor))
        folded = self._view.folded(name)
        if folded is not None:
            return folded
        shape = self._view.tensors.get(name)
        if self._view.is_constant(name) or shape is None or shape.shape is None or shape.type not in _FLOATS:
            return None
        if None in shape.shape[1:] or np.prod([float(d or _BATCH) for d in shape.shape]) > _MOST_NUMBERS:
            return None
        numbers = rng.standard_normal([_BATCH if d is None else d for d in shape.shape]) * scale
        return numbers.astype(np.float32)


_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16)


def _can_compute(node: onnx.NodeProto) -> bool:
    if node.domain not in ("", "ai.onnx"):
        return False
    return node.op_type in _OPERATORS or node.op_type in _SIMPLE


_SIMPLE = (
    *("Abs", "Add", "Cast", "Concat", "Constant", "ConstantOfShape", "Div", "Exp", "Expand", "Gather", "Identity"),
    *("Log", "Max", "Min", "Mul", "Neg", "Pow", "Reciprocal", "ReduceMax", "ReduceMin", "ReduceSum", "Reshape"),
    *("Slice", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where", "Greater", "Less", "Equal", "Not"),
)
"""Of the operators in ``constants`` those that classifiers end in."""


def _compute(node: onnx.NodeProto, inputs: Sequence[Array | None], opset: int) -> Array | None:
    given = attributes(node)
    operator = _OPERATORS.get(node.op_type)
    if operator is None:
        return computed(node, inputs, given)
    try:
        with np.errstate(all="ignore"):
            return np.asarray(operator(inputs, given, opset))
    except (ArithmeticError, IndexError, TypeError, ValueError, AttributeError):
        return None


_Operator = Callable[[Sequence[Any], Mapping[str, Any], int], Any]


def _softmax(inputs: Sequence[Any], given: Mapping[str, Any], opset: int) -> Any:  # noqa: ANN401 - an array
    x = np.asarray(inputs[0])
    axis = int(given.get("axis", 1 if opset < 13 else -1)) % x.ndim
    axes = tuple(range(axis, x.ndim)) if opset < 13 else axis
    raised = np.exp(x - x.max(axis=axes, keepdims=True))
    return raised / raised.sum(axis=axes, keepdims=True)


def _clip(inputs: Sequence[Any], given: Mapping[str, Any], _opset: int) -> Any:  # noqa: ANN401 - an array
    x, low, high = (*inputs, None, None)[:3]
    low = given.get("min", -np.inf) if low is None else low
    high = given.get("max", np.inf) if high is None else high
    return np.minimum(np.maximum(x, low), high).astype(np.asarray(x).dtype)


def _mean(inputs: Sequence[Any], given: Mapping[str, Any], _opset: int) -> Any:  # noqa: ANN401 - an array
    axes = np.reshape(inputs[1], -1) if len(inputs) > 1 and inputs[1] is not None else given.get("axes")
    if axes is None and given.get("noop_with_empty_axes"):
        return inputs[0]
    return np.mean(
        inputs[0], axis=None if axes is None else tuple(int(a) for a in axes), keepdims=bool(given.get("keepdims", 1))
    )


def _norm(inputs: Sequence[Any], given: Mapping[str, Any], _opset: int) -> Any:  # noqa: ANN401 - an array
    axes = np.reshape(inputs[1], -1) if len(inputs) > 1 and inputs[1] is not None else given.get("axes")
    axis = None if axes is None else tuple(int(a) for a in axes)
    return np.abs(inputs[0]).sum(axis=axis, keepdims=bool(given.get("keepdims", 1)))


def _flat(inputs: Sequence[Any], given: Mapping[str, Any], _opset: int) -> Any:  # noqa: ANN401 - an array
    x = np.asarray(inputs[0])
    axis = int(given.get("axis", 1))
    axis += x.ndim if axis < 0 else 0
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _summed(inputs: Sequence[Any], _given: Mapping[str, Any], _opset: int) -> Any:  # noqa: ANN401 - an array
    total = inputs[0]
    for value in inputs[1:]:
        total = total + value
    return total


_OPERATORS: dict[str, _Operator] = {
    "Clip": _clip,
    "Dropout": lambda inputs, _given, _opset: inputs[0],
    "Flatten": _flat,
    "HardSigmoid": lambda inputs, given, _: np.clip(given.get("alpha", 0.2) * inputs[0] + given.get("beta", 0.5), 0, 1),
    "LogSoftmax": lambda inputs, given, opset: np.log(_softmax(inputs, given, opset)),
    "Mean": lambda inputs, given, opset: _summed(inputs, given, opset) / len(inputs),
    "ReduceL1": _norm,
    "ReduceMean": _mean,
    "Relu": lambda inputs, _given, _opset: np.maximum(inputs[0], 0),
    "Shape": lambda inputs, given, _: np.array(inputs[0].shape, np.int64)[given.get("start", 0) : given.get("end")],
    "Sigmoid": lambda inputs, _given, _opset: 1 / (1 + np.exp(-np.asarray(inputs[0]))),
    "Softmax": _softmax,
    "Sum": _summed,
    "Tanh": lambda inputs, _given, _opset: np.tanh(inputs[0]),
}
