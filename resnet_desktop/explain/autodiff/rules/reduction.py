"""Sums, means, norms and extremes over axes."""

from __future__ import annotations

import math

import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step


def _mean(step: Step) -> Found:
    return _summed(step, mean=True)


def _sum(step: Step) -> Found:
    return _summed(step, mean=False)


def _summed(step: Step, *, mean: bool) -> Found:
    write = step.write
    axes = _axes(write.view, step.node)
    assert axes is not None
    if not axes:
        return {0: step.lazy}
    name = _kept(step, step.gradient, axes)
    if mean:
        name = write.op("Mul", [name, write.number(1 / math.prod(write.extents(step.x, sorted(axes))), step.x)])
    return {0: Gradient(name, loose=True)}


def _kept(step: Step, name: str, axes: set[int]) -> str:
    """Something of the shape of the output, with the axes that are reduced as sizes of 1."""
    if step.integer("keepdims", 1):
        return name
    write = step.write
    kept = [1 if i in axes else -1 if size is None else size for i, size in enumerate(write.shape(step.x))]
    if kept.count(-1) > 1:
        return write.unsqueeze(name, sorted(axes))
    if kept[0] == -1 and write.shape(step.y)[:1] == (None,):
        kept[0] = 0
    return write.reshape(name, kept)


def _axes(view: GraphView, node: onnx.NodeProto) -> set[int] | None:
    """The axes that are reduced; None where they are computed from the picture."""
    given = attributes(node)
    rank = len(view.shape(node.input[0]))
    axes = given.get("axes")
    if len(node.input) > 1 and node.input[1]:
        axes = view.integers(node.input[1])
        if axes is None:
            return None
    if not axes:
        return set() if given.get("noop_with_empty_axes") else set(range(rank))
    return {int(axis) % rank for axis in axes}  # type: ignore[attr-defined]


def _parts(step: Step) -> tuple[str, str]:
    """Gradient and output, the axes that are reduced as sizes of 1."""
    axes = _axes(step.write.view, step.node) or set()
    return _kept(step, step.gradient, axes), _kept(step, step.y, axes)


def _extreme(step: Step) -> Found:
    # In equal parts to all that are the greatest, as in PyTorch's amax.
    write = step.write
    gradient, extreme = _parts(step)
    axes = sorted(_axes(write.view, step.node) or set())
    chosen = write.cast(write.op("Equal", [step.x, extreme]), write.dtype(step.x))
    share = write.op("Div", [chosen, write.sum(chosen, axes)]) if axes else chosen
    return step.only(write.op("Mul", [share, gradient]))


def _euclidean(step: Step) -> Found:
    # x / |x|; where all is 0, so is the gradient.
    write = step.write
    gradient, norm = _parts(step)
    direction = write.op("Div", [step.x, write.op("Max", [norm, write.tiny(step.x)])])
    return step.only(write.op("Mul", [direction, gradient]))


def _absolute(step: Step) -> Found:
    gradient, _ = _parts(step)
    return step.only(step.write.op("Mul", [step.write.op("Sign", [step.x]), gradient]))


def _squares(step: Step) -> Found:
    write = step.write
    gradient, _ = _parts(step)
    double = write.op("Mul", [step.x, write.number(2, step.x)])
    return step.only(write.op("Mul", [double, gradient]))


def _log_sum_exp(step: Step) -> Found:
    write = step.write
    gradient, total = _parts(step)
    return step.only(write.op("Mul", [write.op("Exp", [write.op("Sub", [step.x, total])]), gradient]))


def _limited(view: GraphView, node: onnx.NodeProto) -> bool:
    return not view.shape(node.input[0]) or _axes(view, node) is None


RULES: dict[str, Rule] = {
    "ReduceL1": _absolute,
    "ReduceL2": _euclidean,
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": _extreme,
    "ReduceMean": _mean,
    "ReduceMin": _extreme,
    "ReduceSum": _sum,
    "ReduceSumSquare": _squares,
}
LIMITS = dict.fromkeys(RULES, _limited)
