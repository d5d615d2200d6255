"""Operators that pick: entries along an axis, one of two tensors, the greater one; and those that repeat."""

from __future__ import annotations

import numpy as np
import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.explain.autodiff.rules.arithmetic import fitted
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step

_WITH_SUMS = 16
"""The version since which ScatterND adds up what meets in one place."""


def _gathered(step: Step) -> Found:
    write = step.write
    shape, rank = write.shape(step.x), len(write.shape(step.x))
    axis = step.integer("axis", 0) % rank
    places, count = write.view.integers(step.input(1)), len(write.shape(step.input(1)))
    size = shape[axis]
    if places is None or size is None or count > 1:
        return step.only(_scattered(step, axis))
    places = [place % size for place in places]
    name = write.unsqueeze(step.gradient, [axis]) if count == 0 else step.gradient
    if places == list(range(places[0], places[0] + len(places))):
        before, after = [0] * rank, [0] * rank
        before[axis], after[axis] = places[0], size - places[-1] - 1
        return step.only(write.pad(name, before, after, step.x))
    picked = np.zeros((size, len(places)), write.dtype(step.x))
    picked[places, np.arange(len(places))] = 1
    return step.only(write.along(name, rank, axis, picked))


def _scattered(step: Step, axis: int) -> str:
    """For places that are computed: what was picked is added back where it came from."""
    write = step.write
    rank, count = len(write.shape(step.x)), len(write.shape(step.input(1)))
    order = [axis, *(i for i in range(rank) if i != axis)]
    # The axes of the places stand where the axis was; for ScatterND they come first.
    made = [*range(axis, axis + count), *range(axis), *range(axis + count, rank - 1 + count)]
    wide = np.dtype(np.float64) if write.dtype(step.x) == np.float64 else np.dtype(np.float32)
    nothing = write.cast(write.op("Transpose", [write.zeros(step.x)], perm=order), wide)
    values = write.cast(write.op("Transpose", [step.gradient], perm=made), wide)
    places = write.unsqueeze(write.cast(step.input(1), np.dtype(np.int64)), [count])
    summed = write.op("ScatterND", [nothing, places, values], reduction="add")
    back = write.op("Transpose", [summed], perm=[order.index(i) for i in range(rank)])
    return write.cast(back, write.dtype(step.x))


def _expanded(step: Step) -> Found:
    return {0: fitted(step, step.x, step.unscaled)}


def _tiled(step: Step) -> Found:
    # Each axis as two, the repeats and what is repeated; the repeats are summed.
    write = step.write
    repeats = write.view.integers(step.input(1)) or []
    dims: list[int] = []
    axes = []
    for size, count in zip(write.shape(step.x), repeats, strict=True):
        if count != 1:
            axes.append(len(dims))
            dims.append(count)
        dims.append(-1 if size is None else size)
    name = write.reshape(step.gradient, dims) if axes else step.gradient
    return step.only(write.sum(name, axes, keep=False) if axes else name)


def _chosen(step: Step) -> Found:
    write = step.write
    zero = write.number(0, step.y)
    found = {}
    for place in step.wanted:
        pair = [step.gradient, zero] if place == 1 else [zero, step.gradient]
        found[place] = fitted(step, step.input(place), Gradient(write.op("Where", [step.input(0), *pair])))
    return found


def _greatest(step: Step) -> Found:
    # To all that equal the greatest in equal parts, as in PyTorch.
    write = step.write
    equal = [write.cast(write.op("Equal", [name, step.y]), write.dtype(step.y)) for name in step.node.input]
    count = equal[0] if len(equal) == 1 else write.op("Sum", equal)
    share = write.op("Div", [step.gradient, count])
    return {
        place: fitted(step, step.input(place), Gradient(write.op("Mul", [equal[place], share])))
        for place in step.wanted
    }  # fmt: skip


def _limited_gather(view: GraphView, node: onnx.NodeProto) -> bool:
    places = view.integers(node.input[1])
    known = places is not None and len(view.shape(node.input[1])) < 2
    return not view.shape(node.input[0]) or not places if known else view.opset < _WITH_SUMS


def _limited_tile(view: GraphView, node: onnx.NodeProto) -> bool:
    repeats, shape = view.integers(node.input[1]), view.shape(node.input[0])
    return not repeats or 0 in repeats or len(repeats) != len(shape) or shape.count(None) > 1


def _limited_choice(view: GraphView, node: onnx.NodeProto) -> bool:
    return any(view.tensors.get(name) is None or view.tensors[name].shape is None for name in node.input)


RULES: dict[str, Rule] = {
    "Expand": _expanded,
    "Gather": _gathered,
    "Max": _greatest,
    "Min": _greatest,
    "Tile": _tiled,
    "Where": _chosen,
}
LIMITS = {
    **dict.fromkeys(("Max", "Min", "Where"), _limited_choice),
    "Gather": _limited_gather,
    "Tile": _limited_tile,
}
