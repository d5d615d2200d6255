"""Operators that change no number: other types, other shapes, other places."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step

_END = 2**31 - 1
"""What exporters write for the end of an axis, or more."""


def _same(step: Step) -> Found:
    return {0: step.lazy}


def _cast(step: Step) -> Found:
    write = step.write
    if write.dtype(step.x) == write.dtype(step.y):
        return {0: step.lazy}
    return step.only(write.cast(step.gradient, write.dtype(step.x)))


def _reshaped(step: Step) -> Found:
    return step.only(step.write.reshape_like(step.gradient, step.x, step.y))


def _transposed(step: Step) -> Found:
    rank = len(step.write.shape(step.x))
    order = step.integers("perm", list(reversed(range(rank))))
    return step.only(step.write.op("Transpose", [step.gradient], perm=[order.index(axis) for axis in range(rank)]))


def _joined(step: Step) -> Found:
    axis = step.integer("axis", 1) % len(step.write.shape(step.y))
    gradient = step.unscaled
    by_channel = gradient.scale if axis == 1 else None
    name = gradient.name if by_channel is not None else step.gradient
    found, start = {}, 0
    for place, tensor in enumerate(step.node.input):
        (size,) = step.write.extents(tensor, [axis])
        if place in step.wanted:
            piece = step.write.slice(name, [start], [start + size], [axis])
            found[place] = Gradient(piece, by_channel[start : start + size] if by_channel is not None else None)
        start += size
    return found


def _split(step: Step) -> Found:
    pieces = []
    for place, output in enumerate(step.node.output):
        if step.arriving[place] is None:
            pieces.append(step.write.zeros(output))
        else:
            pieces.append(step.gradient_at(place))
    axis = step.integer("axis", 0) % len(step.write.shape(step.x))
    return step.only(step.write.op("Concat", pieces, axis=axis))


def _slice_ranges(view: GraphView, node: onnx.NodeProto) -> dict[int, tuple[int, int]] | None:
    """Start and step of the axes that a Slice cuts; None where they are computed from the picture."""
    given: dict[str, Any] = attributes(node)
    if "starts" in given:
        starts, ends, axes, steps = given["starts"], given["ends"], given.get("axes"), None
    else:
        names = [*node.input[1:], "", ""][:4]
        starts, ends, axes, steps = (view.integers(name) if name else None for name in names)
        if starts is None or ends is None or (axes is None and names[2]) or (steps is None and names[3]):
            return None
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    rank = len(view.shape(node.input[0]))
    if not rank or 0 in steps:
        return None
    ranges = zip(axes, starts, ends, steps, strict=True)
    return {axis % rank: (start, step) for axis, start, end, step in ranges if (start, step) != (0, 1) or end < _END}


def _sliced(step: Step) -> Found:
    write, name = step.write, step.gradient
    ranges = _slice_ranges(write.view, step.node) or {}
    rank = len(write.shape(step.x))
    for axis, (start, stride) in ranges.items():
        (size,), (count,) = write.extents(step.x, [axis]), write.extents(step.y, [axis])
        if size == count and stride > 0:
            continue
        first = min(max(start + size if start < 0 else start, 0), size)
        if stride < 0:  # backwards: turned round, it is the slice that begins where this one ends
            name = write.along(name, rank, axis, np.eye(count, dtype=write.dtype(step.x))[::-1])
            first, stride = min(first, size - 1) + (count - 1) * stride, -stride
        if stride > 1:
            wide = np.zeros((count * stride, count), write.dtype(step.x))
            wide[np.arange(count) * stride, np.arange(count)] = 1
            name = write.along(name, rank, axis, wide)
        before, after = [0] * rank, [0] * rank
        before[axis], after[axis] = first, size - first - count * stride
        name = write.pad(name, before, after, step.x)
    return step.only(name)


def _pads(view: GraphView, node: onnx.NodeProto) -> tuple[list[int], list[int]] | None:
    """Cells before and after every axis; None where they are computed."""
    rank = len(view.shape(node.input[0]))
    given = attributes(node).get("pads")
    sizes = [int(i) for i in given] if given is not None else view.integers(node.input[1])  # type: ignore[attr-defined]
    axes: list[int] | None = list(range(rank))
    if len(node.input) > 3 and node.input[3]:
        axes = view.integers(node.input[3])
    if sizes is None or axes is None or not rank:
        return None
    before, after = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis % rank], after[axis % rank] = sizes[i], sizes[i + len(axes)]
    return before, after


def _padded(step: Step) -> Found:
    before, after = _pads(step.write.view, step.node) or ([], [])
    return step.only(step.write.pad(step.gradient, [-size for size in before], [-size for size in after], step.x))


def _limited_pad(view: GraphView, node: onnx.NodeProto) -> bool:
    return attributes(node).get("mode", b"constant") != b"constant" or _pads(view, node) is None


def _limited_slice(view: GraphView, node: onnx.NodeProto) -> bool:
    return _slice_ranges(view, node) is None


def _limited_dropout(view: GraphView, node: onnx.NodeProto) -> bool:
    """Whether a Dropout may drop something: it is told whether it is in training."""
    return len(node.input) > 2 and bool(node.input[2]) and not view.is_constant(node.input[2])


RULES: dict[str, Rule] = {
    "Cast": _cast,
    "Concat": _joined,
    "Dropout": _same,
    "Flatten": _reshaped,
    "Identity": _same,
    "Pad": _padded,
    "Reshape": _reshaped,
    "Slice": _sliced,
    "Split": _split,
    "Squeeze": _reshaped,
    "Transpose": _transposed,
    "Unsqueeze": _reshaped,
}
LIMITS = {"Dropout": _limited_dropout, "Pad": _limited_pad, "Slice": _limited_slice}
