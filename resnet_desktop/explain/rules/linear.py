"""Matrix products."""

from __future__ import annotations

import onnx

from resnet_desktop.bundle.graph_view import GraphView
from resnet_desktop.explain.rules.arithmetic import fitted
from resnet_desktop.explain.rules.step import Found, Gradient, Rule, Step


def _gemm(step: Step) -> Found:
    # y = alpha A B + beta C, where A and B may be turned first.
    write, gradient = step.write, step.gradient
    trans_a, trans_b = step.integer("transA", 0), step.integer("transB", 0)
    a, b = step.input(0), step.input(1)
    found = {}
    if 0 in step.wanted:
        pair, turned = ([b, gradient], (trans_b, 1)) if trans_a else ([gradient, b], (0, 1 - trans_b))
        found[0] = _product(step, pair, turned)
    if 1 in step.wanted:
        pair, turned = ([gradient, a], (1, trans_a)) if trans_b else ([a, gradient], (1 - trans_a, 0))
        found[1] = _product(step, pair, turned)
    if 2 in step.wanted:
        beta = write.number(step.number("beta", 1.0), step.y)
        found[2] = fitted(step, step.input(2), Gradient(write.op("Mul", [gradient, beta])))
    return found


def _product(step: Step, pair: list[str], turned: tuple[int, int]) -> Gradient:
    if step.write.opset < 11:  # the addend was not optional then
        pair = [*pair, step.write.number(0, step.y)]
    alpha = step.number("alpha", 1.0)
    return Gradient(step.write.op("Gemm", pair, transA=turned[0], transB=turned[1], alpha=alpha))


def _matmul(step: Step) -> Found:
    write = step.write
    found = {}
    if 0 in step.wanted:
        found[0] = _summed(step, 0, write.op("MatMul", [step.gradient, _turned(step, step.input(1))]))
    if 1 in step.wanted:
        found[1] = _summed(step, 1, write.op("MatMul", [_turned(step, step.input(0)), step.gradient]))
    return found


def _turned(step: Step, tensor: str) -> str:
    rank = len(step.write.shape(tensor))
    return step.write.op("Transpose", [tensor], perm=[*range(rank - 2), rank - 1, rank - 2])


def _summed(step: Step, place: int, name: str) -> Gradient:
    """Summed over the leading axes along which the operand was repeated."""
    shape, other = (step.write.shape(step.input(i)) for i in (place, 1 - place))
    missing = max(len(other) - len(shape), 0)
    if missing:
        name = step.write.sum(name, range(missing), keep=False)
    axes = [
        i for i in range(len(shape) - 2) if shape[i] == 1 and (j := i - len(shape) + len(other)) >= 0 and other[j] != 1
    ]
    return Gradient(step.write.sum(name, axes) if axes else name)


def _limited_matmul(view: GraphView, node: onnx.NodeProto) -> bool:
    return any(len(view.shape(name)) < 2 for name in node.input)


RULES: dict[str, Rule] = {"Gemm": _gemm, "MatMul": _matmul}
LIMITS = {"MatMul": _limited_matmul}
