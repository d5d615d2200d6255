"""Activations: functions of one number at a time, and the softmax.

Where a function has a kink its derivative is that of the flat side, so that a unit which is just off gets nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from resnet_desktop.bundle.structure.quantized import WHOLE
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step


def times(step: Step, factor: str) -> Found:
    """The chain rule: the gradient times the derivative, number by number."""
    lazy = step.lazy
    return {0: replace(lazy, name=step.write.op("Mul", [lazy.name, factor]), loose=False)}


def positive(step: Step, tensor: str, like: str = "") -> str:
    """1 where ``tensor``, of the type of the output or of the tensor ``like``, is above 0, else 0."""
    write, like = step.write, like or step.y
    if write.dtype(like) == np.float32:
        # min(max(3e38 * number, 0), 1): one pass on all threads, in whatever order of memory the runtime likes, where a
        # comparison and a cast are two in the plain order. Any number above 1e-38 gives 1.
        return write.op("HardSigmoid", [tensor], alpha=3e38, beta=0.0)
    return write.cast(write.op("Greater", [tensor, write.number(0, like)]), write.dtype(like))


def _between(step: Step, low: str, high: str) -> str:
    """1 where the output lies between the limits and touches neither, else 0; an empty name is no limit."""
    write, y = step.write, step.y
    found = write.view.tensors.get(y)
    if found is not None and found.type in WHOLE:  # of rounded numbers, whose gradient is that of what they stand for
        y, low, high = (write.cast(name, np.dtype(np.float32)) if name else "" for name in (y, low, high))
    sides = []
    if low:
        sides.append(positive(step, write.op("Sub", [y, low])))
    if high:
        sides.append(positive(step, write.op("Sub", [high, y])))
    return sides[0] if len(sides) == 1 else write.op("Mul", sides)


def _relu(step: Step) -> Found:
    return times(step, positive(step, step.y))


def _leaky_relu(step: Step) -> Found:
    write, alpha = step.write, step.number("alpha", 0.01)
    rising = write.op("Mul", [positive(step, step.x), write.number(1 - alpha, step.x)])
    return times(step, write.op("Add", [rising, write.number(alpha, step.x)]))


def _clip(step: Step) -> Found:
    limits = [step.input(1), step.input(2)]
    if step.write.opset < 11:
        limits = [step.write.number(step.given[key], step.x) if key in step.given else "" for key in ("min", "max")]
    return times(step, _between(step, *limits)) if any(limits) else {0: step.lazy}


def _sigmoid(step: Step) -> Found:
    rest = step.write.op("Sub", [step.write.number(1, step.y), step.y])
    return times(step, step.write.op("Mul", [step.y, rest]))


def _hard_sigmoid(step: Step) -> Found:
    write = step.write
    rising = _between(step, write.number(0, step.y), write.number(1, step.y))
    return times(step, write.op("Mul", [rising, write.number(step.number("alpha", 0.2), step.y)]))


def _hard_swish(step: Step) -> Found:
    # y = x h(x) with h(x) = min(max(x / 6 + 1/2, 0), 1), whose own slope is 1/6 where it lies between 0 and 1.
    write = step.write
    gate = write.op("HardSigmoid", [step.x], alpha=1 / 6, beta=0.5)
    inside = write.op("Mul", [gate, write.op("Sub", [write.number(1, step.x), gate])])
    rising = positive(step, inside)
    slope = write.op("Mul", [write.op("Mul", [step.x, rising]), write.number(1 / 6, step.x)])
    return times(step, write.op("Add", [gate, slope]))


def _tanh(step: Step) -> Found:
    square = step.write.op("Mul", [step.y, step.y])
    return times(step, step.write.op("Sub", [step.write.number(1, step.y), square]))


def _erf(step: Step) -> Found:
    write = step.write
    bell = write.op("Exp", [write.op("Neg", [write.op("Mul", [step.x, step.x])])])
    return times(step, write.op("Mul", [bell, write.number(2 / math.sqrt(math.pi), step.x)]))


def _elu(step: Step) -> Found:
    # 1 above 0; below, alpha exp(x) = y + alpha.
    write = step.write
    flat = write.op("Add", [step.y, write.number(step.number("alpha", 1.0), step.y)])
    above = positive(step, step.x)
    below = write.op("Mul", [flat, write.op("Sub", [write.number(1, step.y), above])])
    return times(step, write.op("Add", [above, below]))


def _selu(step: Step) -> Found:
    # gamma above 0; below, gamma alpha exp(x) = y + gamma alpha.
    alpha, gamma = step.number("alpha", 1.6732632423543772), step.number("gamma", 1.0507009873554805)
    return _two_sided(step, gamma, step.write.op("Add", [step.y, step.write.number(alpha * gamma, step.y)]))


def _celu(step: Step) -> Found:
    # 1 above 0; below, exp(x / alpha) = y / alpha + 1.
    write = step.write
    below = write.op("Div", [step.y, write.number(step.number("alpha", 1.0), step.y)])
    return _two_sided(step, 1.0, write.op("Add", [below, write.number(1, step.y)]))


def _two_sided(step: Step, above: float, below: str) -> Found:
    """A number above 0, and something else below."""
    write = step.write
    on = positive(step, step.x)
    off = write.op("Mul", [below, write.op("Sub", [write.number(1, step.y), on])])
    return times(step, write.op("Add", [write.op("Mul", [on, write.number(above, step.y)]), off]))


def _prelu(step: Step) -> Found:
    # 1 above 0, the slope below.
    write, slope = step.write, step.input(1)
    rising = write.op("Mul", [positive(step, step.x), write.op("Sub", [write.number(1, step.x), slope])])
    return times(step, write.op("Add", [rising, slope]))


def _mish(step: Step) -> Found:
    # x tanh(softplus(x)). Misra 2019 (arXiv:1908.08681).
    write = step.write
    one = write.number(1, step.x)
    gate = write.op("Tanh", [write.op("Softplus", [step.x])])
    bend = write.op("Mul", [write.op("Sub", [one, write.op("Mul", [gate, gate])]), write.op("Sigmoid", [step.x])])
    return times(step, write.op("Add", [gate, write.op("Mul", [step.x, bend])]))


def _gelu(step: Step) -> Found:
    # x P(x) with P the normal distribution, or its approximation by a tanh. Hendrycks and Gimpel 2016 (1606.08415).
    return gelu_at(step, step.x, by_tanh=step.given.get("approximate", b"none") == b"tanh")


def gelu_at(step: Step, x: str, *, by_tanh: bool) -> Found:
    """The chain rule through GELU of the tensor ``x``, which has the shape of the step's output."""
    write = step.write
    if by_tanh:
        return times(step, _gelu_by_tanh(step, x))
    inner = write.op("Erf", [write.op("Mul", [x, write.number(math.sqrt(0.5), step.y)])])
    below = write.op("Mul", [write.op("Add", [inner, write.number(1, step.y)]), write.number(0.5, step.y)])
    square = write.op("Mul", [write.op("Mul", [x, x]), write.number(-0.5, step.y)])
    bell = write.op("Mul", [write.op("Exp", [square]), write.number(1 / math.sqrt(2 * math.pi), step.y)])
    return times(step, write.op("Add", [below, write.op("Mul", [x, bell])]))


def _gelu_by_tanh(step: Step, x: str) -> str:
    write = step.write
    one, half = write.number(1, step.y), write.number(0.5, step.y)
    scale, cubed = math.sqrt(2 / math.pi), 0.044715
    square = write.op("Mul", [x, x])
    grown = write.op("Add", [write.op("Mul", [square, write.number(cubed, step.y)]), one])
    inner = write.op("Tanh", [write.op("Mul", [write.op("Mul", [x, grown]), write.number(scale, step.y)])])
    below = write.op("Mul", [write.op("Add", [inner, one]), half])
    slope = write.op("Add", [write.op("Mul", [square, write.number(3 * cubed, step.y)]), one])
    bend = write.op("Mul", [write.op("Sub", [one, write.op("Mul", [inner, inner])]), slope])
    side = write.op("Mul", [write.op("Mul", [x, bend]), write.number(0.5 * scale, step.y)])
    return write.op("Add", [below, side])


def _swish(step: Step) -> Found:
    return swish_at(step, step.x, step.number("alpha", 1.0))


def swish_at(step: Step, x: str, alpha: float) -> Found:
    """The chain rule through x sigmoid(alpha x)."""
    write = step.write
    gate = write.op("Sigmoid", [write.op("Mul", [x, write.number(alpha, step.y)])])
    rest = write.op("Mul", [step.y, write.op("Sub", [write.number(1, step.y), gate])])
    return times(step, write.op("Add", [gate, write.op("Mul", [rest, write.number(alpha, step.y)])]))


def _softsign(step: Step) -> Found:
    write = step.write
    wide = write.op("Add", [write.op("Abs", [step.x]), write.number(1, step.x)])
    return times(step, write.op("Div", [write.number(1, step.x), write.op("Mul", [wide, wide])]))


def _absolute(step: Step) -> Found:
    return times(step, step.write.op("Sign", [step.x]))


def _log(step: Step) -> Found:
    return times(step, step.write.op("Div", [step.write.number(1, step.x), step.x]))


def _reciprocal(step: Step) -> Found:
    return times(step, step.write.op("Neg", [step.write.op("Mul", [step.y, step.y])]))


def _sine(step: Step) -> Found:
    return times(step, step.write.op("Cos", [step.x]))


def _cosine(step: Step) -> Found:
    return times(step, step.write.op("Neg", [step.write.op("Sin", [step.x])]))


def _softplus(step: Step) -> Found:
    return times(step, step.write.op("Sigmoid", [step.x]))


def _exp(step: Step) -> Found:
    return times(step, step.y)


def _sqrt(step: Step) -> Found:
    return times(step, step.write.op("Div", [step.write.number(0.5, step.y), step.y]))


def _negative(step: Step) -> Found:
    lazy = step.lazy
    return {0: replace(lazy, name=step.write.op("Neg", [lazy.name]))}


def _softmax(step: Step) -> Found:
    return softmax_at(step, step.y, _softmax_axes(step))


def softmax_at(step: Step, y: str, axes: Sequence[int]) -> Found:
    """The chain rule through a softmax over ``axes``, of which the tensor ``y`` is the result."""
    write = step.write
    weighed = write.op("Mul", [step.gradient, y])
    total = write.sum(weighed, axes)
    return {0: Gradient(write.op("Sub", [weighed, write.op("Mul", [y, total])]))}


def _log_softmax(step: Step) -> Found:
    write, gradient = step.write, step.gradient
    total = write.sum(gradient, _softmax_axes(step))
    return {0: Gradient(write.op("Sub", [gradient, write.op("Mul", [write.op("Exp", [step.y]), total])]))}


def _softmax_axes(step: Step) -> list[int]:
    """The axes that a softmax sums over: one since version 13, all from that one on before."""
    rank, new = len(step.write.shape(step.x)), step.write.opset >= 13
    axis = step.integer("axis", -1 if new else 1) % rank
    return [axis] if new else list(range(axis, rank))


RULES: dict[str, Rule] = {
    "Abs": _absolute,
    "Celu": _celu,
    "Clip": _clip,
    "Cos": _cosine,
    "Elu": _elu,
    "Erf": _erf,
    "Exp": _exp,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "LeakyRelu": _leaky_relu,
    "Log": _log,
    "LogSoftmax": _log_softmax,
    "Mish": _mish,
    "Neg": _negative,
    "PRelu": _prelu,
    "Reciprocal": _reciprocal,
    "Relu": _relu,
    "Selu": _selu,
    "Sigmoid": _sigmoid,
    "Sin": _sine,
    "Softmax": _softmax,
    "Softplus": _softplus,
    "Softsign": _softsign,
    "Sqrt": _sqrt,
    "Swish": _swish,
    "Tanh": _tanh,
}
