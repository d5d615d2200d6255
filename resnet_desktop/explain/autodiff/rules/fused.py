"""Operators into which ONNX Runtime joins others when it saves a model that it has optimized."""

from __future__ import annotations

import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.explain.autodiff.rules import convolution, linear
from resnet_desktop.explain.autodiff.rules.activation import gelu_at, positive, swish_at
from resnet_desktop.explain.autodiff.rules.arithmetic import fitted
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step
from resnet_desktop.explain.autodiff.rules.basis.windows import windows
from resnet_desktop.explain.autodiff.rules.normalization import standardized

_ACTIVATIONS = (b"", b"Relu", b"LeakyRelu", b"Sigmoid", b"Tanh", b"Clip", b"HardSigmoid")


def _gelu(step: Step) -> Found:
    return gelu_at(step, _with_bias(step), by_tanh=False)


def _fast_gelu(step: Step) -> Found:
    return gelu_at(step, _with_bias(step), by_tanh=True)


def _with_bias(step: Step) -> str:
    return step.write.op("Add", [step.x, step.input(1)]) if step.input(1) else step.x


def _quick_gelu(step: Step) -> Found:
    return swish_at(step, step.x, step.number("alpha", 1.702))


def _convolution(step: Step) -> Found:
    # act(conv(x, w) + b + z)
    write = step.write
    name, gradient = step.input(1), _before_activation(step)
    found = {}
    if 3 in step.wanted:
        found[3] = Gradient(gradient)
    if 0 in step.wanted:
        weight = write.value(name)
        place = windows(step, write.extents(name, range(2, len(write.shape(name)))))
        assert weight is not None
        found[0] = Gradient(convolution.backward(write, gradient, weight, step.integer("group", 1), place))
    return found


def _before_activation(step: Step) -> str:
    """The gradient at the sum that the activation takes; all of these derivatives follow from its result."""
    write, y = step.write, step.y
    kind = step.given.get("activation", b"")
    given = [float(value) for value in step.given.get("activation_params", ())]
    match kind:
        case b"Relu":
            slope = positive(step, y)
        case b"LeakyRelu":
            rest = write.op("Mul", [positive(step, y), write.number(1 - given[0], y)])
            slope = write.op("Add", [rest, write.number(given[0], y)])
        case b"Sigmoid":
            slope = write.op("Mul", [y, write.op("Sub", [write.number(1, y), y])])
        case b"Tanh":
            slope = write.op("Sub", [write.number(1, y), write.op("Mul", [y, y])])
        case b"Clip" | b"HardSigmoid":
            low, high = given if kind == b"Clip" else (0.0, 1.0)
            sides = [["Sub", y, write.number(low, y)], ["Sub", write.number(high, y), y]]
            slope = write.op("Mul", [positive(step, write.op(op, pair)) for op, *pair in sides])
            if kind == b"HardSigmoid":
                slope = write.op("Mul", [slope, write.number(given[0], y)])
        case _:
            return step.gradient
    return write.op("Mul", [step.gradient, slope])


def _product(step: Step) -> Found:
    # alpha op(A) op(B)
    write = step.write
    alpha = write.number(step.number("alpha", 1.0), step.y)
    gradient = write.op("Mul", [step.gradient, alpha])
    trans = step.integer("transA", 0), step.integer("transB", 0)
    turned = [linear.turned(step, step.input(i)) if trans[i] else step.input(i) for i in (0, 1)]
    found = dict(linear.products(step, gradient, (turned[0], turned[1]), (0, 1)))
    for place in found:
        if trans[place]:
            rank = len(write.shape(step.input(place)))
            perm = [*range(rank - 2), rank - 1, rank - 2]
            found[place] = Gradient(write.op("Transpose", [found[place].name], perm=perm))
    return found


def _skip_norm(step: Step) -> Found:
    # The norm of x + skip (+ bias); the sum itself may be the fourth output.
    write = step.write
    total = write.op("Add", [step.x, step.input(1)])
    if step.input(4):
        total = write.op("Add", [total, step.input(4)])
    parts = []
    if step.arriving[0] is not None:
        scaled = write.op("Mul", [step.gradient, step.input(2)])
        last = [len(write.shape(step.x)) - 1]
        parts.append(standardized(step, total, scaled, last, epsilon=step.number("epsilon", 1e-12)))
    if len(step.arriving) > 3 and step.arriving[3] is not None:
        parts.append(step.gradient_at(3))
    if not parts:
        return {}
    gradient = Gradient(parts[0] if len(parts) == 1 else write.op("Add", parts))
    return {place: fitted(step, step.input(place), gradient) for place in step.wanted}


def _limited_convolution(view: GraphView, node: onnx.NodeProto) -> bool:
    known = attributes(node).get("activation", b"") in _ACTIVATIONS
    return not known or not view.is_constant(node.input[1])


def _limited_product(view: GraphView, node: onnx.NodeProto) -> bool:
    given = attributes(node)
    batched = given.get("transBatchA", 0) or given.get("transBatchB", 0)
    return bool(batched) or any(len(view.shape(name)) < 2 for name in node.input)


RUNTIME_RULES: dict[str, Rule] = {
    "BiasGelu": _gelu,
    "FastGelu": _fast_gelu,
    "FusedConv": _convolution,
    "FusedMatMul": _product,
    "Gelu": _gelu,
    "QuickGelu": _quick_gelu,
    "SkipLayerNormalization": _skip_norm,
}
LIMITS = {"FusedConv": _limited_convolution, "FusedMatMul": _limited_product}
