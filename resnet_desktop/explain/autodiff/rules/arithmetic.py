"""Sums, differences, products and quotients, with broadcasting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step, rescaled, whole


def fitted(step: Step, tensor: str, gradient: Gradient) -> Gradient:
    """A gradient of the shape of the step's output, summed over the axes along which ``tensor`` was repeated."""
    write = step.write
    shape, wide = write.shape(tensor), write.shape(step.y)
    if shape == wide:
        return gradient
    missing = len(wide) - len(shape)
    axes = [i for i, size in enumerate(wide) if i >= missing and shape[i - missing] == 1 and size != 1]
    if not missing and not axes:
        return gradient
    name = whole(write, gradient, step.y)
    if axes:
        name = write.sum(name, axes)
    if missing:
        name = write.sum(name, range(missing), keep=False)
    return Gradient(name)


def _sum(step: Step) -> Found:
    return {place: fitted(step, step.input(place), step.lazy) for place in step.wanted}


def _difference(step: Step) -> Found:
    found = {}
    if 0 in step.wanted:
        found[0] = fitted(step, step.input(0), step.lazy)
    if 1 in step.wanted:
        minus = replace(step.lazy, name=step.write.op("Neg", [step.lazy.name]))
        found[1] = fitted(step, step.input(1), minus)
    return found


def _product(step: Step) -> Found:
    return {place: _scaled(step, place, "Mul") for place in step.wanted}


def _quotient(step: Step) -> Found:
    found = {}
    if 0 in step.wanted:
        found[0] = _scaled(step, 0, "Div")
    if 1 in step.wanted:  # of x / z: -y / z
        write, divisor = step.write, step.input(1)
        slope = write.op("Neg", [write.op("Div", [step.y, divisor])])
        found[1] = fitted(step, divisor, Gradient(write.op("Mul", [step.gradient, slope])))
    return found


def _power(step: Step) -> Found:
    # p x^(p - 1). The square is a case of its own: others may be of numbers above 0 alone.
    write = step.write
    value = write.value(step.input(1))
    if value is not None and value.size == 1:
        exponent = float(value.reshape(()))
        below = step.x if exponent == 2 else write.op("Pow", [step.x, write.number(exponent - 1, step.x)])
        slope = write.op("Mul", [below, write.number(exponent, step.x)])
    else:
        power = write.cast(step.input(1), write.dtype(step.x))
        lowered = write.op("Sub", [power, write.number(1, step.x)])
        slope = write.op("Mul", [write.op("Pow", [step.x, lowered]), power])
    return {0: fitted(step, step.x, Gradient(write.op("Mul", [step.gradient, slope])))}


def _scaled(step: Step, place: int, kind: str) -> Gradient:
    """The gradient at one operand: multiplied with, or divided by, the other."""
    tensor, other = step.input(place), step.input(1 - place)
    factor = _channel_factor(step, tensor, other)
    if factor is not None:
        return rescaled(step.lazy, factor if kind == "Mul" else 1 / factor)
    name = step.write.op(kind, [step.gradient, other])
    return fitted(step, tensor, Gradient(name))


def _channel_factor(step: Step, tensor: str, other: str) -> NDArray[np.float64] | None:
    """The constant ``other`` as one number for each channel (axis 1) of ``tensor``; None if it is no such thing."""
    shape = step.write.shape(tensor)
    if len(shape) < 2 or shape[1] is None or shape != step.write.shape(step.y):
        return None
    value = step.write.value(other)
    if value is None or (value.size > 1 and value.shape[-len(shape) + 1 :] != (shape[1], *[1] * (len(shape) - 2))):
        return None
    if value.size > 1 and value.size != shape[1]:
        return None
    return np.broadcast_to(value.reshape(-1).astype(np.float64), (shape[1],)).copy()


RULES: dict[str, Rule] = {
    "Add": _sum,
    "Div": _quotient,
    "Mul": _product,
    "Pow": _power,
    "Sub": _difference,
    "Sum": _sum,
}
