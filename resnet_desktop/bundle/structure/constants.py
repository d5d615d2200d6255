"""What operators make of constants, in NumPy: weights, and the whole numbers of which exporters compute shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]
_Given = Mapping[str, Any]
_Inputs = Sequence[Array]

_MOST = 2**24
"""Elements of a result, at most: a file may ask for any size."""


def computed(node: onnx.NodeProto, inputs: Sequence[Array | None], given: _Given) -> Array | None:
    """What ``node`` makes of ``inputs`` (None where one is left out); None if its operator is not known here."""
    if any(a.ref_attr_name for a in node.attribute):
        return None
    return operated(node.op_type, inputs, given)


def operated(op: str, inputs: Sequence[Array | None], given: _Given) -> Array | None:
    """The same by the operator's name; a tensor among the attributes ``given`` may be an array already."""
    operator = _OPERATORS.get(op)
    if operator is None:
        return None
    whole = [value for value in inputs if value is not None]
    if any(value is None for value in inputs[: len(whole)]):
        return None  # one is left out before one that is there: no operator here has such a form
    try:
        with np.errstate(all="ignore"):
            found = operator(whole, given)
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError, MemoryError):
        return None  # not valid: the runtime says so, and better
    return None if found is None else np.asarray(found)


def _constant(_inputs: _Inputs, given: _Given) -> Array | None:
    if isinstance(given.get("value"), TensorProto):
        return numpy_helper.to_array(given["value"])
    for key, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        if key in given:
            return np.array(given[key], dtype)
    for key, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
        if key in given:
            return np.array(list(given[key]), dtype)
    return None


def _filled(inputs: _Inputs, given: _Given) -> Array | None:
    value = given.get("value", np.zeros(1, np.float32))
    if isinstance(value, TensorProto):
        value = numpy_helper.to_array(value)
    return np.full(_sizes(inputs[0]), value.reshape(()), value.dtype)


def _sizes(dims: Array) -> list[int]:
    sizes = [int(size) for size in dims.reshape(-1)]
    if np.prod([float(size) for size in sizes]) > _MOST:
        raise ValueError("too large")
    return sizes


def _cast(inputs: _Inputs, given: _Given) -> Array:
    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(int(given["to"])))


def _squeezed(inputs: _Inputs, given: _Given) -> Array:
    axes = _axes(inputs, given)
    return np.squeeze(inputs[0], axes if axes else None)


def _axes(inputs: _Inputs, given: _Given) -> tuple[int, ...]:
    given_axes = inputs[1].reshape(-1) if len(inputs) > 1 else given.get("axes", ())
    return tuple(int(axis) for axis in given_axes)


def _reshaped(inputs: _Inputs, given: _Given) -> Array:
    x, dims = inputs
    sizes = [int(d) if d or given.get("allowzero") else x.shape[i] for i, d in enumerate(dims.reshape(-1))]
    return x.reshape(sizes)


def _dequantized(inputs: _Inputs, given: _Given) -> Array | None:
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


def _divided(inputs: _Inputs, _given: _Given) -> Array | None:
    a, b = inputs
    if a.dtype.kind == "f":
        return np.asarray(np.divide(a, b))
    if not np.all(b):
        return None
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)  # towards 0, as in C


def _sliced(inputs: _Inputs, given: _Given) -> Array:
    x, *rest = inputs
    if "starts" in given:
        rest = [np.array(given[key]) for key in ("starts", "ends", "axes") if key in given]
    starts, ends = rest[0].reshape(-1), rest[1].reshape(-1)
    axes = rest[2].reshape(-1) if len(rest) > 2 else np.arange(len(starts))
    steps = rest[3].reshape(-1) if len(rest) > 3 else np.ones(len(starts), np.int64)
    cut = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = x.shape[int(axis)]
        last = None if int(end) < -size and step < 0 else int(end)
        cut[int(axis)] = slice(int(start), last, int(step))
    return x[tuple(cut)]


def _expanded(inputs: _Inputs, _given: _Given) -> Array:
    x, dims = inputs
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(_sizes(dims))))


def _counted(inputs: _Inputs, _given: _Given) -> Array | None:
    start, end, step = (value.reshape(()).item() for value in inputs)
    if not step or (end - start) / step > _MOST:
        return None
    return np.asarray(np.arange(start, end, step)).astype(inputs[0].dtype)


def _reduced(function: Callable[..., Any]) -> Callable[[_Inputs, _Given], Array]:
    def reduce(inputs: _Inputs, given: _Given) -> Array:
        axes = _axes(inputs, given)
        if not axes and given.get("noop_with_empty_axes"):
            return inputs[0]
        return np.asarray(function(inputs[0], axis=axes or None, keepdims=bool(given.get("keepdims", 1))))

    return reduce


def _pairwise(function: Callable[..., Any]) -> Callable[[_Inputs, _Given], Array]:
    return lambda inputs, _: np.asarray(function(*inputs))


def _one_by_one(function: Callable[..., Any]) -> Callable[[_Inputs, _Given], Array]:
    return lambda inputs, _: np.asarray(function(inputs[0])).astype(inputs[0].dtype)


def _folded(function: Callable[..., Any]) -> Callable[[_Inputs, _Given], Array]:
    def fold(inputs: _Inputs, _given: _Given) -> Array:
        total = inputs[0]
        for value in inputs[1:]:
            total = function(total, value)
        return np.asarray(total)

    return fold


_OPERATORS: dict[str, Callable[[_Inputs, _Given], Array | None]] = {
    "Abs": _one_by_one(np.abs),
    "Add": _pairwise(np.add),
    "And": _pairwise(np.logical_and),
    "Cast": _cast,
    "CastLike": lambda inputs, _: inputs[0].astype(inputs[1].dtype),
    "Ceil": _one_by_one(np.ceil),
    "Concat": lambda inputs, given: np.concatenate(list(inputs), int(given["axis"])),
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Cos": _one_by_one(np.cos),
    "DequantizeLinear": _dequantized,
    "Div": _divided,
    "Equal": _pairwise(np.equal),
    "Exp": _one_by_one(np.exp),
    "Expand": _expanded,
    "Floor": _one_by_one(np.floor),
    "Gather": lambda inputs, given: np.take(inputs[0], inputs[1].astype(np.int64), int(given.get("axis", 0))),
    "Greater": _pairwise(np.greater),
    "GreaterOrEqual": _pairwise(np.greater_equal),
    "Identity": lambda inputs, _: inputs[0],
    "Less": _pairwise(np.less),
    "LessOrEqual": _pairwise(np.less_equal),
    "Log": _one_by_one(np.log),
    "Max": _folded(np.maximum),
    "Min": _folded(np.minimum),
    "Mod": lambda inputs, given: np.fmod(*inputs) if given.get("fmod") else np.mod(*inputs),
    "Mul": _pairwise(np.multiply),
    "Neg": _one_by_one(np.negative),
    "Not": _one_by_one(np.logical_not),
    "Or": _pairwise(np.logical_or),
    "Pow": lambda inputs, _: np.power(*inputs).astype(inputs[0].dtype),
    "Range": _counted,
    "Reciprocal": _one_by_one(np.reciprocal),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "Reshape": _reshaped,
    "Sin": _one_by_one(np.sin),
    "Slice": _sliced,
    "Sqrt": _one_by_one(np.sqrt),
    "Squeeze": _squeezed,
    "Sub": _pairwise(np.subtract),
    "Tile": lambda inputs, _: np.tile(inputs[0], _sizes(inputs[1])) if inputs[0].size <= _MOST else None,
    "Transpose": lambda inputs, given: np.transpose(inputs[0], given.get("perm")),
    "Unsqueeze": lambda inputs, given: np.expand_dims(inputs[0], _axes(inputs, given)),
    "Where": lambda inputs, _: np.where(*inputs),
}
