"""Batch normalization as it is at inference, and local response normalization."""

from __future__ import annotations

import numpy as np
import onnx

from resnet_desktop.bundle.graph_view import GraphView, attributes
from resnet_desktop.explain.rules.step import Found, Gradient, Rule, Step, rescaled


def _batch_normalization(step: Step) -> Found:
    # A factor and an offset for each channel.
    weight, variance = (step.write.value(step.input(i)) for i in (1, 4))
    epsilon = step.number("epsilon", 1e-5)
    if weight is not None and variance is not None:
        factor = weight.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
        return {0: rescaled(step.lazy, factor)}
    write = step.write
    deviation = write.op("Sqrt", [write.op("Add", [step.input(4), write.number(epsilon, step.input(4))])])
    ones = [1] * (len(write.shape(step.x)) - 2)
    name = write.reshape(write.op("Div", [step.input(1), deviation]), [1, -1, *ones])
    return step.only(write.op("Mul", [step.gradient, name]))


def _local_response(step: Step) -> Found:
    # y = x s^-beta, s = bias + alpha / size * (sum of x^2 over neighbouring channels). Krizhevsky et al. 2012, 3.3.
    write, gradient = step.write, step.gradient
    (channels,) = write.extents(step.x, [1])
    size, alpha, beta = step.integer("size", 1), step.number("alpha", 1e-4), step.number("beta", 0.75)
    place = np.arange(channels)
    distance = place[None, :] - place[:, None]
    band = (-((size - 1) // 2) <= distance) & (distance <= size // 2)
    weight = (band * (alpha / size)).astype(write.dtype(step.x))[..., *[None] * (len(write.shape(step.x)) - 2)]
    bias = np.full(channels, step.number("bias", 1.0), write.dtype(step.x))
    square = write.op("Mul", [step.x, step.x])
    total = write.op("Conv", [square, write.constant(weight), write.constant(bias)])
    direct = write.op("Mul", [gradient, write.op("Pow", [total, write.number(-beta, step.x)])])
    spread = write.op("Div", [write.op("Mul", [gradient, step.y]), total])
    spread = write.op("Conv", [spread, write.constant(weight.swapaxes(0, 1))])
    slope = write.op("Mul", [step.x, write.number(2 * beta, step.x)])
    return {0: Gradient(write.op("Sub", [direct, write.op("Mul", [slope, spread])]))}


def _limited_batch_normalization(_view: GraphView, node: onnx.NodeProto) -> bool:
    given = attributes(node)
    return bool(given.get("training_mode", 0)) or not given.get("spatial", 1)


RULES: dict[str, Rule] = {"BatchNormalization": _batch_normalization, "LRN": _local_response}
LIMITS = {"BatchNormalization": _limited_batch_normalization}
