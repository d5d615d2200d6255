"""Matrix products."""

from __future__ import annotations

import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView, Shape, attributes
from resnet_desktop.explain.autodiff.rules.arithmetic import fitted
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step


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
    return products(step, step.gradient, (step.input(0), step.input(1)), (0, 1))


def products(step: Step, gradient: str, pair: tuple[str, str], places: tuple[int, int]) -> Found:
    """The gradients at both operands of a matrix product.

    Args:
        step: the node.
        gradient: with respect to the product.
        pair: the operands as they are multiplied.
        places: where they are among the node's inputs; these have the same shapes, but for turned last axes.
    """
    write = step.write
    shapes = tuple(write.shape(step.input(place)) for place in places)
    found = {}
    if places[0] in step.wanted:
        turned = _turned(step, pair[1], len(shapes[1]))
        found[places[0]] = _summed(step, shapes[0], shapes[1], write.op("MatMul", [gradient, turned]))
    if places[1] in step.wanted:
        turned = _turned(step, pair[0], len(shapes[0]))
        found[places[1]] = _summed(step, shapes[1], shapes[0], write.op("MatMul", [turned, gradient]))
    return found


def turned(step: Step, tensor: str) -> str:
    """A tensor of the model with its last two axes exchanged."""
    return _turned(step, tensor, len(step.write.shape(tensor)))


def _turned(step: Step, tensor: str, rank: int) -> str:
    return step.write.op("Transpose", [tensor], perm=[*range(rank - 2), rank - 1, rank - 2])


def _summed(step: Step, shape: Shape, other: Shape, name: str) -> Gradient:
    """Summed over the leading axes along which the operand of this shape was repeated."""
    missing = max(len(other) - len(shape), 0)
    if missing:
        name = step.write.sum(name, range(missing), keep=False)
    axes = [
        i for i in range(len(shape) - 2) if shape[i] == 1 and (j := i - len(shape) + len(other)) >= 0 and other[j] != 1
    ]
    return Gradient(step.write.sum(name, axes) if axes else name)


def _einsum(step: Step) -> Found:
    # The formula with one operand and the output exchanged.
    sources, target = _formula(step.node)
    found = {}
    for place in step.wanted:
        others = [i for i in range(len(sources)) if i != place]
        formula = ",".join([target, *(sources[i] for i in others)]) + "->" + sources[place]
        names = [step.gradient, *(step.input(i) for i in others)]
        found[place] = Gradient(step.write.op("Einsum", names, equation=formula))
    return found


def _formula(node: onnx.NodeProto) -> tuple[list[str], str]:
    """The letters of the operands and of the output."""
    text = attributes(node)["equation"].decode().replace(" ", "")  # type: ignore[attr-defined]
    left, _, target = text.partition("->")
    return left.split(","), target


def _limited_einsum(_view: GraphView, node: onnx.NodeProto) -> bool:
    sources, target = _formula(node)
    if not target or "." in "".join(sources):
        return True
    for i, letters in enumerate(sources):
        elsewhere = set(target).union(*(other for j, other in enumerate(sources) if j != i))
        if len(set(letters)) < len(letters) or not set(letters) <= elsewhere:  # diagonals, sums of one operand
            return True
    return len(set(target)) < len(target)


def _limited_matmul(view: GraphView, node: onnx.NodeProto) -> bool:
    return any(len(view.shape(name)) < 2 for name in node.input[:2])


RULES: dict[str, Rule] = {"Einsum": _einsum, "Gemm": _gemm, "MatMul": _matmul}
LIMITS = {"Einsum": _limited_einsum, "MatMul": _limited_matmul}
