"""Quantization: straight through, as if rounding were not there (Bengio et al. 2013, arXiv:1308.3432).

A quantized tensor's gradient is that with respect to the numbers that its integers stand for, and the operators that
compute with integers are what they are in those numbers. Where the lowest integer stands for 0, a ReLU has been folded
into the rounding, and what is cut off there gets no gradient. Operators that are given integers without their scales
(``MatMulInteger``) are what they are in the integers.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.explain.autodiff.rules import convolution, linear, pooling
from resnet_desktop.explain.autodiff.rules.arithmetic import fitted
from resnet_desktop.explain.autodiff.rules.constants import Array
from resnet_desktop.explain.autodiff.rules.step import Found, Gradient, Rule, Step
from resnet_desktop.explain.autodiff.rules.windows import windows

_NEVER_BELOW = ("Relu", "Clip", "Sigmoid", "HardSigmoid", "Softmax")
"""Operators whose results are not cut off at 0 once more."""

_LOWEST: dict[int, int] = {
    TensorProto.UINT8: 0,
    TensorProto.INT8: -128,
    TensorProto.UINT16: 0,
    TensorProto.INT16: -32768,
}


def _straight_through(step: Step) -> Found:
    return {0: step.lazy}


def _rounded(step: Step) -> Found:
    before = step.write.view.producer(step.x)
    if before is not None and before.op_type in _NEVER_BELOW:
        return {0: step.lazy}
    return {0: _above(step, step.input(2))}


def _above(step: Step, zero: str) -> Gradient:
    """The gradient at the output's integers, without those that are cut off at 0."""
    write = step.write
    value = write.value(zero) if zero else np.zeros((), np.uint8)
    found = write.view.tensors.get(step.y)
    lowest = _LOWEST.get(found.type) if found is not None else None
    if value is None or lowest is None or not (value == lowest).all():
        return step.lazy
    on = write.op("Greater", [write.real(step.y), write.number(float(lowest), step.y)])
    return Gradient(write.op("Mul", [step.gradient, write.cast(on, write.dtype(step.y))]))


def _dynamic(step: Step) -> Found:
    # The scale, which follows from the extremes of x, is taken as given.
    if step.arriving[0] is None:
        return {}
    return step.only(step.write.op("Div", [step.gradient, str(step.node.output[1])]))


def _real(step: Step, tensor: str, scale: str, zero: str) -> str:
    """The numbers that integers stand for: one scale for all, or one for each of the last axis."""
    write = step.write
    shifted = _shifted(step, tensor, zero)
    return write.op("Mul", [shifted, scale]) if scale else shifted


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
    return _convolved(step, weight, step.input(3), _plain(step, _above(step, step.input(7))))


def _plain(step: Step, gradient: Gradient) -> str:
    """The name of a gradient at the output for which nothing waits."""
    return step.gradient if gradient.scale is not None or gradient.loose else gradient.name


def _integer_convolution(step: Step) -> Found:
    weight = _weights(step, step.input(1), "", step.input(3))
    return _convolved(step, weight, step.input(1), step.gradient)


def _integer_product(step: Step) -> Found:
    a, b = _shifted(step, step.input(0), step.input(2)), _shifted(step, step.input(1), step.input(3))
    return linear.products(step, step.gradient, (a, b), (0, 1))


def _product(step: Step) -> Found:
    a, b = (_real(step, step.input(i), step.input(i + 1), step.input(i + 2)) for i in (0, 3))
    return linear.products(step, _plain(step, _above(step, step.input(7))), (a, b), (0, 3))


def _gemm(step: Step) -> Found:
    # y = alpha A B + C. Without a scale of the output it is a floating number.
    write = step.write
    gradient = _plain(step, _above(step, step.input(8))) if step.input(7) else step.gradient
    b = _real(step, step.input(3), step.input(4), step.input(5))
    turned = (step.integer("transB", 0), 1) if step.integer("transA", 0) else (0, 1 - step.integer("transB", 0))
    pair = [b, gradient] if step.integer("transA", 0) else [gradient, b]
    alpha = step.number("alpha", 1.0)
    return step.only(write.op("Gemm", pair, transA=turned[0], transB=turned[1], alpha=alpha))


def _sum(step: Step) -> Found:
    gradient = Gradient(_plain(step, _above(step, step.input(7))))
    return {place: fitted(step, step.input(place), gradient) for place in step.wanted}


def _times(step: Step) -> Found:
    gradient = _plain(step, _above(step, step.input(7)))
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


def _leaky(step: Step) -> Found:
    write = step.write
    on = write.op("Greater", [_real(step, step.x, step.input(1), step.input(2)), write.number(0, step.x)])
    slopes = [write.number(value, step.x) for value in (1.0, step.number("alpha", 0.01))]
    return step.only(write.op("Mul", [step.gradient, write.op("Where", [on, *slopes])]))


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
    "QuantizeLinear": _rounded,
}
"""Those of ONNX Runtime's own operators."""

LIMITS = {
    "ConvInteger": _limited_integer_convolution,
    "QLinearConv": _limited_convolution,
    "QLinearAveragePool": _channels_last,
    "QLinearGlobalAveragePool": _channels_last,
}
