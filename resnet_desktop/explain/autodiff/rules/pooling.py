"""Pooling, over windows and over everything."""

from __future__ import annotations

import itertools
import math

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.explain.autodiff.rules import convolution
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step, rescaled, scaled
from resnet_desktop.explain.autodiff.rules.basis.windows import Windows, windows

_LOWEST = -3e38
_WITH_SUMS = 16
"""The version since which ScatterElements adds up what meets in one place."""


def _max(step: Step) -> Found:
    # To one cell of each window: the first of the greatest, as in PyTorch.
    place = windows(step, tuple(step.integers("kernel_shape", [])))
    if step.write.opset < _WITH_SUMS:
        return _max_by_cells(step, place)
    write = step.write
    keys = ("kernel_shape", "strides", "pads", "dilations", "auto_pad", "ceil_mode")
    _, places = write.ops("MaxPool", [step.x], 2, **{key: step.given[key] for key in keys if key in step.given})
    nothing, arriving = write.reshape(write.zeros(step.x), [-1]), write.reshape(step.gradient, [-1])
    half = write.dtype(step.x) == np.float16  # for which the runtime has no kernel
    if half:
        nothing, arriving = (write.cast(name, np.dtype(np.float32)) for name in (nothing, arriving))
    pair = [write.reshape(places, [-1]), arriving]
    summed = write.op("ScatterElements", [nothing, *pair], axis=0, reduction="add")
    if half:
        summed = write.cast(summed, np.dtype(np.float16))
    return step.only(write.op("Reshape", [summed, write.op("Shape", [step.x])]))


def _max_by_cells(step: Step, place: Windows) -> Found:
    """The same with old operators: one picture for each cell of the windows, and a transposed convolution."""
    write, count = step.write, len(place.kernel)
    axes = range(2, 2 + count)
    lowest = -6e4 if write.dtype(step.x) == np.float16 else _LOWEST
    padded = write.pad(write.real(step.x), [0, 0, *place.before], [0, 0, *place.after], step.x, lowest)
    cells = []
    for cell in itertools.product(*(range(k) for k in place.kernel)):
        starts = [c * d for c, d in zip(cell, place.dilations, strict=True)]
        ends = [s + (o - 1) * t + 1 for s, o, t in zip(starts, place.outputs, place.strides, strict=True)]
        piece = write.slice(padded, starts, ends, axes)
        if max(place.strides) > 1:
            piece = write.op("MaxPool", [piece], kernel_shape=[1] * count, strides=list(place.strides))
        cells.append(write.reshape(piece, [-1, 1, *place.outputs]))
    first = write.op("ArgMax", [write.op("Concat", cells, axis=1)], axis=1, keepdims=1)
    numbers = np.arange(len(cells)).reshape(1, -1, *[1] * count)
    chosen = write.cast(write.op("Equal", [first, write.constant(numbers)]), write.dtype(step.x))
    spread = write.op("Mul", [chosen, write.reshape(step.gradient, [-1, 1, *place.outputs])])
    single = np.eye(len(cells), dtype=write.dtype(step.x)).reshape(-1, 1, *place.kernel)
    found = convolution.transposed(write, spread, write.constant(single), 1, place)
    return step.only(write.op("Reshape", [found, write.op("Shape", [step.x])]))


def _average(step: Step) -> Found:
    write = step.write
    place = windows(step, tuple(step.integers("kernel_shape", [])))
    if set(place.outputs) == {1} and not any(place.before) and place.kernel == place.inputs:
        return _global_average(step)
    (channels,) = write.extents(step.x, [1])
    counts = _counts(step, place)
    gradient, factor = step.unscaled, 1.0
    if counts.min() == counts.max():
        factor = 1 / float(counts.flat[0])
    else:
        shares = (1 / counts).astype(write.dtype(step.x))[None, None]
        gradient = Gradient(write.op("Mul", [gradient.name, write.constant(shares)]), gradient.scale)
    weight = np.full((channels, 1, *place.kernel), factor, write.dtype(step.x))
    name = convolution.backward(write, gradient.name, weight, channels, place)
    return {0: Gradient(name, gradient.scale)}


def _counts(step: Step, place: Windows) -> NDArray[np.float64]:
    """By how many cells each window's sum is divided."""
    counts = np.ones((), np.float64)
    pads = step.integers("pads", [0] * 2 * len(place.kernel))
    for axis, (size, kernel) in enumerate(zip(place.inputs, place.kernel, strict=True)):
        starts = np.arange(place.outputs[axis]) * place.strides[axis] - place.before[axis]
        cells = starts[:, None] + np.arange(kernel) * place.dilations[axis]
        low, high = 0, size
        if step.integer("count_include_pad", 0):
            fixed = step.given.get("auto_pad", b"NOTSET") == b"NOTSET"
            low = -place.before[axis]
            high += pads[axis + len(place.kernel)] if fixed else max(place.after[axis], 0)
        counts = counts[..., None] * ((cells >= low) & (cells < high)).sum(axis=1)
    return counts


def _global_average(step: Step) -> Found:
    channels, *sizes = step.write.extents(step.x, range(1, len(step.write.shape(step.x))))
    return {0: rescaled(_spreading(step), np.full(channels, 1 / math.prod(sizes)))}


def _spreading(step: Step) -> Gradient:
    return Gradient(scaled(step.write, step.lazy, step.y).name, loose=True)


def _global_max(step: Step) -> Found:
    write = step.write
    channels, *sizes = write.extents(step.x, range(1, len(write.shape(step.x))))
    count = math.prod(sizes)
    first = write.op("ArgMax", [write.reshape(step.x, [0, channels, count])], axis=2, keepdims=1)
    chosen = write.op("Equal", [first, write.constant(np.arange(count).reshape(1, 1, -1))])
    spread = write.op("Mul", [write.cast(chosen, write.dtype(step.x)), write.reshape(step.gradient, [0, channels, 1])])
    return step.only(write.reshape(spread, [0, channels, *sizes]))


def _limited_max(_view: GraphView, node: onnx.NodeProto) -> bool:
    return bool(attributes(node).get("storage_order", 0)) and len(node.output) > 1


RULES: dict[str, Rule] = {
    "AveragePool": _average,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_max,
    "MaxPool": _max,
}
LIMITS = {"MaxPool": _limited_max}
