"""Activations: functions of one number at a time, and the softmax.

Where a function has a kink its derivative is that of the flat side, so that a unit which is just off gets nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from resnet_desktop.explain.rules.step import Found, Gradient, Rule, Step


def _times(step: Step, factor: str) -> Found:
    """The chain rule: the gradient times the derivative, number by number."""
    lazy = step.lazy
    return {0: replace(lazy, name=step.write.op("Mul", [lazy.name, factor]), loose=False)}


def _positive(step: Step, tensor: str) -> str:
    """1 where ``tensor`` is above 0, else 0."""
    write = step.write
    if write.dtype(step.y) == np.float32:
        # min(max(3e38 * number, 0), 1): one pass on all threads, in whatever order of memory the runtime likes, where a
        # comparison and a cast are two in the plain order. Any number above 1e-38 gives 1.
        return write.op("HardSigmoid", [tensor], alpha=3e38, beta=0.0)
    return write.cast(write.op("Greater", [tensor, write.number(0, step.y)]), write.dtype(step.y))


def _between(step: Step, low: str, high: str) -> str:
    """1 where the output lies between the limits and touches neither, else 0; an empty name is no limit."""
    write = step.write
    sides = []
    if low:
        sides.append(_positive(step, write.op("Sub", [step.y, low])))
    if high:
        sides.append(_positive(step, write.op("Sub", [high, step.y])))
    return sides[0] if len(sides) == 1 else write.op("Mul", sides)


def _relu(step: Step) -> Found:
    return _times(step, _positive(step, step.y))


def _leaky_relu(step: Step) -> Found:
    write, alpha = step.write, step.number("alpha", 0.01)
    rising = write.op("Mul", [_positive(step, step.x), write.number(1 - alpha, step.x)])
    return _times(step, write.op("Add", [rising, write.number(alpha, step.x)]))


def _clip(step: Step) -> Found:
    limits = [step.input(1), step.input(2)]
    if step.write.opset < 11:
        limits = [step.write.number(step.given[key], step.x) if key in step.given else "" for key in ("min", "max")]
    return _times(step, _between(step, *limits)) if any(limits) else {0: step.lazy}


def _sigmoid(step: Step) -> Found:
    rest = step.write.op("Sub", [step.write.number(1, step.y), step.y])
    return _times(step, step.write.op("Mul", [step.y, rest]))


def _hard_sigmoid(step: Step) -> Found:
    write = step.write
    rising = _between(step, write.number(0, step.y), write.number(1, step.y))
    return _times(step, write.op("Mul", [rising, write.number(step.number("alpha", 0.2), step.y)]))


def _hard_swish(step: Step) -> Found:
    # y = x h(x) with h(x) = min(max(x / 6 + 1/2, 0), 1), whose own slope is 1/6 where it lies between 0 and 1.
    write = step.write
    gate = write.op("HardSigmoid", [step.x], alpha=1 / 6, beta=0.5)
    inside = write.op("Mul", [gate, write.op("Sub", [write.number(1, step.x), gate])])
    rising = _positive(step, inside)
    slope = write.op("Mul", [write.op("Mul", [step.x, rising]), write.number(1 / 6, step.x)])
    return _times(step, write.op("Add", [gate, slope]))


def _tanh(step: Step) -> Found:
    square = step.write.op("Mul", [step.y, step.y])
    return _times(step, step.write.op("Sub", [step.write.number(1, step.y), square]))


def _erf(step: Step) -> Found:
    write = step.write
    bell = write.op("Exp", [write.op("Neg", [write.op("Mul", [step.x, step.x])])])
    return _times(step, write.op("Mul", [bell, write.number(2 / math.sqrt(math.pi), step.x)]))


def _elu(step: Step) -> Found:
    # 1 above 0; below, alpha exp(x) = y + alpha.
    write = step.write
    flat = write.op("Add", [step.y, write.number(step.number("alpha", 1.0), step.y)])
    above = _positive(step, step.x)
    below = write.op("Mul", [flat, write.op("Sub", [write.number(1, step.y), above])])
    return _times(step, write.op("Add", [above, below]))


def _softplus(step: Step) -> Found:
    return _times(step, step.write.op("Sigmoid", [step.x]))


def _exp(step: Step) -> Found:
    return _times(step, step.y)


def _sqrt(step: Step) -> Found:
    return _times(step, step.write.op("Div", [step.write.number(0.5, step.y), step.y]))


def _negative(step: Step) -> Found:
    lazy = step.lazy
    return {0: replace(lazy, name=step.write.op("Neg", [lazy.name]))}


def _softmax(step: Step) -> Found:
    write, axes = step.write, _softmax_axes(step)
    weighed = write.op("Mul", [step.gradient, step.y])
    total = write.sum(weighed, axes)
    return {0: Gradient(write.op("Sub", [weighed, write.op("Mul", [step.y, total])]))}


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
    "Clip": _clip,
    "Elu": _elu,
    "Erf": _erf,
    "Exp": _exp,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "LeakyRelu": _leaky_relu,
    "LogSoftmax": _log_softmax,
    "Neg": _negative,
    "Relu": _relu,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "Softplus": _softplus,
    "Sqrt": _sqrt,
    "Tanh": _tanh,
}
