"""Quantization: straight through, as if rounding were not there (Bengio et al. 2013, arXiv:1308.3432).

A quantized tensor's gradient is that with respect to the numbers that its integers stand for, and the operators that
compute with integers are what they are in those numbers. Quantizers fold ReLU and ReLU6 into the range of the integers:
what lies beyond it gets no gradient, as in PyTorch's ``fake_quantize`` (Jacob et al. 2018, arXiv:1712.05877). Operators
that are given integers without their scales (``MatMulInteger``) are what they are in the integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.bundle.structure.quantized import scale_of
from resnet_desktop.explain.autodiff.rules import convolution, linear, pooling
from resnet_desktop.explain.autodiff.rules.activation import positive, softmax_at
from resnet_desktop.explain.autodiff.rules.arithmetic import fitted
from resnet_desktop.explain.autodiff.rules.basis.constants import Array
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step
from resnet_desktop.explain.autodiff.rules.basis.windows import windows

_RANGES: dict[int, tuple[int, int]] = {
    TensorProto.UINT8: (0, 255),
    TensorProto.INT8: (-128, 127),
    TensorProto.UINT16: (0, 65535),
    TensorProto.INT16: (-32768, 32767),
}
"""The lowest and the highest integer of each type that quantizers give."""

_ONE_AXIS = 13
"""The operator set since which a softmax sums over one axis, and not over all from that one on."""

_HANDED_ON = (
    *("Cast", "DequantizeLinear", "Flatten", "Identity", "Reshape", "Squeeze"),
    *("Log", "LogSoftmax", "Max", "QLinearSigmoid", "QLinearSoftmax", "Sigmoid", "Softmax"),
)
"""What may stand between the last rounding and the answer."""


def _straight_through(step: Step) -> Found:
    return {0: step.lazy}


def _rounded(step: Step) -> Found:
    # What is rounded to the lowest or the highest integer passes, what lies beyond them does not: PyTorch's mask.
    write = step.write
    scale, zero = (write.value(name) if name else None for name in (step.input(1), step.input(2)))
    ends = _ends(step)
    if ends is None or scale is None or (step.input(2) and zero is None) or _is_blocked(step):
        return {0: step.lazy}
    rank = len(write.shape(step.x))
    axis = step.integer("axis", 1) % rank if scale.size > 1 else 0
    factor = _along(scale.astype(np.float64), rank, axis)
    shift = _along(np.zeros(1) if zero is None else zero.astype(np.float64), rank, axis)
    if _is_answer(write.view, step.y):
        return {0: _within(step, step.input(2))}
    dtype = write.dtype(step.x)
    middle = write.constant(((sum(ends) / 2 - shift) * factor).astype(dtype))
    half = write.constant(((ends[1] - ends[0] + 1) / 2 * factor).astype(dtype))
    apart = write.op("Abs", [write.op("Sub", [step.x, middle])])
    inside = positive(step, write.op("Sub", [half, apart]), like=step.x)
    return {0: Gradient(write.op("Mul", [step.gradient, inside]))}


def _along(values: Array, rank: int, axis: int) -> Array:
    """One number, or one for each place of an axis, in a shape that broadcasts along it."""
    return values.reshape(()) if values.size == 1 else values.reshape([-1 if i == axis else 1 for i in range(rank)])


def _is_blocked(step: Step) -> bool:
    return bool(step.integer("block_size", 0))


def _ends(step: Step) -> tuple[int, int] | None:
    """The lowest and the highest integer of the output's type."""
    found = step.write.view.tensors.get(step.y)
    return _RANGES.get(found.type) if found is not None else None


def _within(step: Step, zero: str) -> Gradient:
    """The gradient at the output's integers, without those that are cut off at an end of their range.

    Whether the integer at an end was cut off or only rounded to it cannot be told from it. It is taken as cut off: it
    stands for all that lies beyond, which a ReLU6 fills, and else for one step of the range alone. Not so in the
    answer: a class that is surer than all that the quantizer saw still is what the heatmap is asked for.
    """
    write, ends = step.write, _ends(step)
    if ends is None:
        return step.lazy
    y = write.cast(step.y, write.dtype(step.y))
    if _is_answer(write.view, step.y):
        value = write.value(zero) if zero else np.zeros((), np.uint8)
        if value is None or not (value == ends[0]).all():
            return step.lazy
        inside = positive(step, write.op("Sub", [y, write.number(ends[0], step.y)]))
    else:
        apart = write.op("Abs", [write.op("Sub", [y, write.number(sum(ends) / 2, step.y)])])
        inside = positive(step, write.op("Sub", [write.number((ends[1] - ends[0]) / 2, step.y), apart]))
    return Gradient(write.op("Mul", [step.gradient, inside]))


def _is_answer(view: GraphView, tensor: str) -> bool:
    """Whether a tensor is what the model answers with, but for its form."""
    seen = {tensor}
    waiting = [tensor]
    while waiting:
        for node in view.consumers(waiting.pop()):
            if node.op_type not in _HANDED_ON:
                return False
            waiting += [name for name in node.output if name not in seen]
            seen.update(node.output)
    return True


def _dynamic(step: Step) -> Found:
    # The scale, which follows from the extremes of x, is taken as given.
    if step.arriving[0] is None:
        return {}
    return step.only(step.write.op("Div", [step.gradient, str(step.node.output[1])]))


def _real(step: Step, tensor: str, scale: str, zero: str, *, rows: bool = False) -> str:
    """The numbers that integers stand for: one scale for all, or one for each of the last axis (of the one before)."""
    if rows:
        scale, zero = (_by_row(step, name) for name in (scale, zero))
    shifted = _shifted(step, tensor, zero)
    return step.write.op("Mul", [shifted, scale]) if scale else shifted


def _by_row(step: Step, name: str) -> str:
    """A list with a number for each row of a matrix, as a column; a single number as it is."""
    return step.write.reshape(name, [-1, 1]) if name and step.write.shape(name) not in ((), (1,)) else name


def _shifted(step: Step, tensor: str, zero: str) -> str:
    """Integers less their zero point, as floating numbers."""
    write = step.write
    real = write.cast(tensor, np.dtype(np.float32))
    return write.op("Sub", [real, write.cast(zero, np.dtype(np.float32))]) if zero else real


def _weights(step: Step, weight: str, scale: str, zero: str) -> Array | None:
    """The real values of a convolution's weights, one scale for all or one for each output."""
    write = step.write
    values = [write.value(name) if name else None for name in (weight, scale, zero)]
    if values[0] is None or (scale and values[1] is None) or (zero and values[2] is None):
        return None
    ones = [1] * (values[0].ndim - 1)
    real = values[0].astype(np.float32)
    if values[2] is not None:
        real = real - values[2].astype(np.float32).reshape(-1, *ones)
    return real if values[1] is None else real * values[1].astype(np.float32).reshape(-1, *ones)


def _convolved(step: Step, weight: Array | None, name: str, gradient: str) -> Found:
    assert weight is not None
    place = windows(step, step.write.extents(name, range(2, weight.ndim)))
    return step.only(convolution.backward(step.write, gradient, weight, step.integer("group", 1), place))


def _convolution(step: Step) -> Found:
    # x, its scale and zero point, the weights and theirs, those of the output.
    weight = _weights(step, step.input(3), step.input(4), step.input(5))
    return _convolved(step, weight, step.input(3), _plain(step, _within(step, step.input(7))))


def _plain(step: Step, gradient: Gradient) -> str:
    """The name of a gradient at the output for which nothing waits."""
    return step.gradient if gradient.scale is not None or gradient.loose else gradient.name


def _integer_convolution(step: Step) -> Found:
    weight = _weights(step, step.input(1), "", step.input(3))
    return _of_numbers(step, _convolved(step, weight, step.input(1), step.gradient))


def _integer_product(step: Step) -> Found:
    a, b = _shifted(step, step.input(0), step.input(2)), _shifted(step, step.input(1), step.input(3))
    return _of_numbers(step, linear.products(step, step.gradient, (a, b), (0, 1)))


def _of_numbers(step: Step, found: Found) -> Found:
    """Gradients with respect to integers as those to the numbers that they stand for, where their scale is known.

    ``DynamicQuantizeLinear`` tells no scale here: its own rule divides by it.
    """
    write, numbers = step.write, {}
    for place, gradient in found.items():
        known = scale_of(write.view, step.input(place))
        numbers[place] = gradient
        if known is not None:
            scale = write.cast(known.scale, np.dtype(np.float32))
            numbers[place] = Gradient(write.op("Div", [gradient.name, scale]))
    return numbers


def _product(step: Step) -> Found:
    a, b = (_real(step, step.input(i), step.input(i + 1), step.input(i + 2)) for i in (0, 3))
    return linear.products(step, _plain(step, _within(step, step.input(7))), (a, b), (0, 3))


def _gemm(step: Step) -> Found:
    # y = alpha A B + C. Without a scale of the output it is a floating number.
    write = step.write
    gradient = _plain(step, _within(step, step.input(8))) if step.input(7) else step.gradient
    # A weight of several scales has one for each output: these are its rows where it is turned.
    b = _real(step, step.input(3), step.input(4), step.input(5), rows=bool(step.integer("transB", 0)))
    turned = (step.integer("transB", 0), 1) if step.integer("transA", 0) else (0, 1 - step.integer("transB", 0))
    pair = [b, gradient] if step.integer("transA", 0) else [gradient, b]
    alpha = step.number("alpha", 1.0)
    return step.only(write.op("Gemm", pair, transA=turned[0], transB=turned[1], alpha=alpha))


def _sum(step: Step) -> Found:
    gradient = Gradient(_plain(step, _within(step, step.input(7))))
    return {place: fitted(step, step.input(place), gradient) for place in step.wanted}


def _times(step: Step) -> Found:
    gradient = _plain(step, _within(step, step.input(7)))
    found = {}
    for place in step.wanted:
        other = 3 - place
        factor = _real(step, step.input(other), step.input(other + 1), step.input(other + 2))
        found[place] = fitted(step, step.input(place), Gradient(step.write.op("Mul", [gradient, factor])))
    return found


def _joined(step: Step) -> Found:
    write = step.write
    axis = step.integer("axis", 1) % len(write.shape(step.y))
    found, start = {}, 0
    for place in range(2, len(step.node.input), 3):
        (size,) = write.extents(step.input(place), [axis])
        if place in step.wanted:
            found[place] = Gradient(write.slice(step.gradient, [start], [start + size], [axis]))
        start += size
    return found


def _sigmoid(step: Step) -> Found:
    write = step.write
    y = _real(step, step.y, step.input(3), step.input(4))
    slope = write.op("Mul", [y, write.op("Sub", [write.number(1, step.y), y])])
    return step.only(write.op("Mul", [step.gradient, slope]))


def _softmax(step: Step) -> Found:
    # Computed once more: many weights of an attention are less than a step of the integers.
    write, rank = step.write, len(step.write.shape(step.x))
    axis = step.integer("axis", -1) % rank
    y = write.op("Softmax", [_real(step, step.x, step.input(1), step.input(2))], axis=axis)
    return softmax_at(step, y, [axis] if write.opset >= _ONE_AXIS else range(axis, rank))


def _leaky(step: Step) -> Found:
    write = step.write
    on = write.op("Greater", [_real(step, step.x, step.input(1), step.input(2)), write.number(0, step.x)])
    slopes = [write.number(value, step.x) for value in (1.0, step.number("alpha", 0.01))]
    gradient = _plain(step, _within(step, step.input(4)))
    return step.only(write.op("Mul", [gradient, write.op("Where", [on, *slopes])]))


def _scaled_product(step: Step) -> Found:
    # MatMulIntegerToFloat: A, B, their scales, their zero points, an addend. In A's integers.
    b = _real(step, step.input(1), step.input(3), step.input(5))
    a = step.write.cast(step.input(0), np.dtype(np.float32))
    gradient = step.write.op("Mul", [step.gradient, step.input(2)])
    return linear.products(step, gradient, (a, b), (0, 1))


def _dynamic_product(step: Step) -> Found:
    # DynamicQuantizeMatMul: A is a floating number.
    b = _real(step, step.input(1), step.input(2), step.input(3))
    return linear.products(step, step.gradient, (step.x, b), (0, 1))


def _limited_convolution(view: GraphView, node: onnx.NodeProto) -> bool:
    return not all(view.is_constant(name) for name in node.input[3:])


def _limited_integer_convolution(view: GraphView, node: onnx.NodeProto) -> bool:
    return not all(view.is_constant(name) for name in (node.input[1], *node.input[3:]))


def _limited_softmax(view: GraphView, node: onnx.NodeProto) -> bool:
    given: dict[str, Any] = attributes(node)
    rank = len(view.shape(node.input[0]))
    last = rank > 0 and given.get("axis", -1) % rank == rank - 1
    return not rank or not (last or (given.get("opset", _ONE_AXIS) >= _ONE_AXIS) == (view.opset >= _ONE_AXIS))


def _channels_last(_view: GraphView, node: onnx.NodeProto) -> bool:
    return bool(attributes(node).get("channels_last", 0))


RULES: dict[str, Rule] = {
    "ConvInteger": _integer_convolution,
    "DequantizeLinear": _straight_through,
    "DynamicQuantizeLinear": _dynamic,
    "MatMulInteger": _integer_product,
    "QLinearConv": _convolution,
    "QLinearMatMul": _product,
    "QuantizeLinear": _rounded,
}
RUNTIME_RULES: dict[str, Rule] = {
    "DequantizeLinear": _straight_through,
    "DynamicQuantizeMatMul": _dynamic_product,
    "MatMulIntegerToFloat": _scaled_product,
    "QGemm": _gemm,
    "QLinearAdd": _sum,
    "QLinearAveragePool": pooling.RULES["AveragePool"],
    "QLinearConcat": _joined,
    "QLinearGlobalAveragePool": pooling.RULES["GlobalAveragePool"],
    "QLinearLeakyRelu": _leaky,
    "QLinearMul": _times,
    "QLinearSigmoid": _sigmoid,
    "QLinearSoftmax": _softmax,
    "QuantizeLinear": _rounded,
}
"""Those of ONNX Runtime's own operators."""

LIMITS = {
    "ConvInteger": _limited_integer_convolution,
    "QLinearConv": _limited_convolution,
    "QLinearAveragePool": _channels_last,
    "QLinearGlobalAveragePool": _channels_last,
    "QLinearSoftmax": _limited_softmax,
}
