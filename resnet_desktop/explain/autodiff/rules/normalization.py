"""Normalization: by fixed numbers as at inference, or by the mean and deviation of what is there."""

from __future__ import annotations

import numpy as np
import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step, rescaled


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


def _layer(step: Step) -> Found:
    # Ba et al. 2016 (arXiv:1607.06450), equation 4: over the axes from one on.
    axes = _last_axes(step)
    gradient = step.write.op("Mul", [step.gradient, step.input(1)]) if step.input(1) else step.gradient
    return step.only(standardized(step, step.x, gradient, axes))


def _instance(step: Step) -> Found:
    # Ulyanov et al. 2016 (arXiv:1607.08022): every channel of every picture by itself.
    write, rank = step.write, len(step.write.shape(step.x))
    gradient = write.op("Mul", [step.gradient, write.reshape(step.input(1), [1, -1, *[1] * (rank - 2)])])
    return step.only(standardized(step, step.x, gradient, list(range(2, rank))))


def _group(step: Step) -> Found:
    # Wu and He 2018 (arXiv:1803.08494): groups of channels.
    write, rank, groups = step.write, len(step.write.shape(step.x)), step.integer("num_groups", 1)
    gradient = write.op("Mul", [step.gradient, write.reshape(step.input(1), [1, -1, *[1] * (rank - 2)])])
    x, gradient = (write.reshape(name, [0, groups, -1]) for name in (step.x, gradient))
    found = standardized(step, x, gradient, [2])
    return step.only(write.op("Reshape", [found, write.op("Shape", [step.x])]))


def standardized(
    step: Step, x: str, gradient: str, axes: list[int], *, centred: bool = True, epsilon: float | None = None
) -> str:
    """The gradient at x of (x - mean) / deviation over ``axes``, or of x / root mean square.

    With z that quotient: (g - mean(g) - z mean(g z)) / deviation, the second term only if ``centred``.
    """
    write = step.write
    apart = write.op("Sub", [x, write.mean(x, axes)]) if centred else x
    variance = write.mean(write.op("Mul", [apart, apart]), axes)
    added = write.number(step.number("epsilon", 1e-5) if epsilon is None else epsilon, step.x)
    deviation = write.op("Sqrt", [write.op("Add", [variance, added])])
    z = write.op("Div", [apart, deviation])
    along = write.op("Mul", [z, write.mean(write.op("Mul", [gradient, z]), axes)])
    rest = write.op("Sub", [gradient, along])
    if centred:
        rest = write.op("Sub", [rest, write.mean(gradient, axes)])
    return write.op("Div", [rest, deviation])


def _root_mean_square(step: Step) -> Found:
    # Zhang and Sennrich 2019 (arXiv:1910.07467), equation 4.
    gradient = step.write.op("Mul", [step.gradient, step.input(1)])
    return step.only(standardized(step, step.x, gradient, _last_axes(step), centred=False))


def _last_axes(step: Step) -> list[int]:
    rank = len(step.write.shape(step.x))
    return list(range(step.integer("axis", -1) % rank, rank))


def _unit_length(step: Step) -> Found:
    # y = x / |x|: what is along y is taken out.
    write = step.write
    axis = [step.integer("axis", -1) % len(write.shape(step.x))]
    length = write.op("Sqrt", [write.sum(write.op("Mul", [step.x, step.x]), axis)])
    along = write.op("Mul", [step.y, write.sum(write.op("Mul", [step.gradient, step.y]), axis)])
    rest = write.op("Sub", [step.gradient, along])
    return step.only(write.op("Div", [rest, write.op("Max", [length, write.tiny(step.x)])]))


def _limited_batch_normalization(_view: GraphView, node: onnx.NodeProto) -> bool:
    given = attributes(node)
    return bool(given.get("training_mode", 0)) or not given.get("spatial", 1)


def _limited_length(_view: GraphView, node: onnx.NodeProto) -> bool:
    return attributes(node).get("p", 2) != 2


def _limited_group(view: GraphView, node: onnx.NodeProto) -> bool:
    return len(view.shape(node.input[0])) < 3 or view.shape(node.input[0])[1] is None


RULES: dict[str, Rule] = {
    "BatchNormalization": _batch_normalization,
    "GroupNormalization": _group,
    "InstanceNormalization": _instance,
    "LayerNormalization": _layer,
    "LpNormalization": _unit_length,
    "LRN": _local_response,
    "RMSNormalization": _root_mean_square,
    "SimplifiedLayerNormalization": _root_mean_square,
}
LIMITS = {
    "BatchNormalization": _limited_batch_normalization,
    "GroupNormalization": _limited_group,
    "LpNormalization": _limited_length,
}
