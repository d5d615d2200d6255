"""Convolution: its gradient is a convolution with the kernels turned round."""

from __future__ import annotations

import numpy as np

from resnet_desktop.explain.autodiff.rules.basis.constants import Array
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Rule, Step
from resnet_desktop.explain.autodiff.rules.basis.windows import Windows, windows
from resnet_desktop.explain.autodiff.rules.basis.writer import Writer


def _convolution(step: Step) -> Found:
    name = step.input(1)
    group = step.integer("group", 1)
    weight = step.write.value(name)
    kernel = step.write.extents(name, range(2, len(step.write.shape(name))))
    place = windows(step, kernel)
    if weight is None:
        return step.only(transposed(step.write, step.gradient, name, group, place))
    gradient = step.unscaled
    if gradient.scale is not None:
        factor = gradient.scale.astype(np.float32 if weight.dtype == np.float16 else weight.dtype)
        weight = (weight * factor.reshape(-1, *[1] * (weight.ndim - 1))).astype(weight.dtype)
    return step.only(backward(step.write, gradient.name, weight, group, place))


def backward(write: Writer, gradient: str, weight: Array, group: int, place: Windows) -> str:
    """The gradient at the input of a convolution with known weights ``(outputs, inputs / group, *kernel)``."""
    if all(stride == 1 for stride in place.strides):
        return _rotated(write, gradient, weight, group, place)
    if len(place.kernel) == 2 and max(place.strides) == 2:
        if set(place.kernel) == {1} and not any(place.before):
            return _spread_out(write, gradient, weight, group, place)
        if min(k - s for k, s in zip(place.kernel, place.strides, strict=True)) >= 0:
            return _interleaved(write, gradient, weight, group, place)
    return transposed(write, gradient, write.constant(weight), group, place)


def _rotated(write: Writer, gradient: str, weight: Array, group: int, place: Windows) -> str:
    """For strides of 1: a convolution with inputs and outputs exchanged and every kernel turned round."""
    turned = np.flip(_exchanged(weight, group), tuple(range(2, weight.ndim)))
    before = [r - b for r, b in zip(place.reach, place.before, strict=True)]
    after = [r - a for r, a in zip(place.reach, place.after, strict=True)]
    if min(*before, *after) < 0:  # padding wider than the kernel reaches: those outputs saw zeros alone
        axes = range(2, weight.ndim)
        ends = [o + min(a, 0) for o, a in zip(place.outputs, after, strict=True)]
        gradient = write.slice(gradient, [max(-b, 0) for b in before], ends, axes)
    return write.op(
        "Conv",
        [gradient, write.constant(turned)],
        kernel_shape=list(place.kernel),
        pads=[max(size, 0) for size in (*before, *after)],
        dilations=list(place.dilations),
        group=group,
    )


def _exchanged(weight: Array, group: int) -> Array:
    """Weights ``(inputs, outputs / group, *kernel)`` for the way back."""
    outputs, inputs, *kernel = weight.shape
    grouped = weight.reshape(group, outputs // group, inputs, *kernel).swapaxes(1, 2)
    return grouped.reshape(group * inputs, outputs // group, *kernel)


def _spread_out(write: Writer, gradient: str, weight: Array, group: int, place: Windows) -> str:
    """For kernels of one cell: a convolution at the small size, and then zeros between its numbers."""
    weight = _exchanged(weight, group)
    name = write.op("Conv", [gradient, write.constant(weight)], kernel_shape=[1, 1], group=group)
    (rows, columns), (_, width), (down, along) = place.outputs, place.inputs, place.strides
    # A row of numbers becomes the row with zeros between them, and the rows of zeros below it.
    spread = np.zeros((columns, down * width), weight.dtype)
    spread[np.arange(columns), np.arange(columns) * along] = 1
    spread_out = write.op("MatMul", [name, write.constant(spread)])
    return _cropped(write, write.reshape(spread_out, [0, len(weight), rows * down, width]), (rows * down, width), place)


def _cropped(write: Writer, name: str, sizes: tuple[int, ...], place: Windows) -> str:
    """The input's part of something that may be a little larger."""
    return name if sizes == place.inputs else write.slice(name, [0, 0], place.inputs, [2, 3])


def _interleaved(write: Writer, gradient: str, weight: Array, group: int, place: Windows) -> str:
    """For strides of 2: one convolution for each phase of the input's rows and columns, and the results interleaved.

    Each cell of the input is reached by the kernel's even or odd rows and columns alone, so that no product is with
    zero; ONNX Runtime's convolutions are about twice as fast as its transposed ones. Source: Shi et al. 2016
    (arXiv:1609.07009).
    """
    exchanged = _exchanged(weight, group)
    sizes = [-(-i // s) for i, s in zip(place.inputs, place.strides, strict=True)]
    rows = []
    for i in range(place.strides[0]):
        row = [_phase(write, gradient, exchanged, group, place, (i, j)) for j in range(place.strides[1])]
        rows.append(_alternating(write, row, [0, len(exchanged), *sizes, 1], 4))
    found = _alternating(write, rows, [0, len(exchanged), sizes[0], 1, sizes[1] * place.strides[1]], 3)
    whole = tuple(n * s for n, s in zip(sizes, place.strides, strict=True))
    return _cropped(write, write.reshape(found, [0, len(exchanged), *whole]), whole, place)


def _alternating(write: Writer, names: list[str], shape: list[int], axis: int) -> str:
    """Tensors interleaved along a new axis of ``shape``."""
    if len(names) == 1:
        return names[0]
    return write.op("Concat", [write.reshape(name, shape) for name in names], axis=axis)


def _phase(write: Writer, gradient: str, weight: Array, group: int, place: Windows, phase: tuple[int, int]) -> str:
    """The gradient at every cell whose place is ``phase`` modulo the strides."""
    before, after = [], []
    for axis in (0, 1):
        size, stride, dilation = place.kernel[axis], place.strides[axis], place.dilations[axis]
        # Cell k of the window at output o touches input stride * o + dilation * k - padding = stride * q + phase.
        taps = {}
        for k in range(size):
            distance, rest = divmod(phase[axis] + place.before[axis] - dilation * k, stride)
            if not rest:
                taps[distance] = k
        count, outputs = -(-place.inputs[axis] // stride), place.outputs[axis]
        first, last = min([0, *taps]), max([outputs - count, *taps])
        picked = [taps.get(distance, -1) for distance in range(first, last + 1)]
        weight = np.take(weight, picked, 2 + axis)
        if -1 in picked:
            unseen = np.array(picked).reshape(-1, *[1] * (1 - axis)) < 0
            weight = np.where(unseen, weight.dtype.type(0), weight)
        before.append(-first)
        after.append(count - outputs + last)
    return write.op(
        "Conv",
        [gradient, write.constant(weight)],
        kernel_shape=list(weight.shape[2:]),
        pads=[*before, *after],
        group=group,
    )


def transposed(write: Writer, gradient: str, weight: str, group: int, place: Windows) -> str:
    """For all convolutions."""
    return write.op(
        "ConvTranspose",
        [gradient, weight],
        kernel_shape=list(place.kernel),
        strides=list(place.strides),
        dilations=list(place.dilations),
        pads=[*place.before, *[max(size, 0) for size in place.after]],
        output_padding=[max(-size, 0) for size in place.after],
        group=group,
    )


RULES: dict[str, Rule] = {"Conv": _convolution}
