"""Attention as one operator: ONNX's own (operator sets 23 and 24), and those of ONNX Runtime's optimizers.

What it computes on the way is computed once more: of the scores s = scale Q K' and the weights p = softmax(s + mask),
with y = p V, the gradients are p' g at V, and scale t K and scale t' Q at Q and K, where t = p (g V' - sum(p g V')).
Vaswani et al. 2017 (arXiv:1706.03762), equation 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, GraphView, attributes
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Gradient, Rule, Step

_NEVER, _NEVER_IN_HALF = -1e30, -6e4
"""What is added to scores that do not count; in half precision the largest number is 65504."""


@dataclass(frozen=True, slots=True)
class _Heads:
    """Query, key, value and the gradient at the result, ``(batch, heads, tokens, size)``; what scores go through."""

    tensors: Sequence[str]
    scale: float
    masks: tuple[str, ...]
    cap: float = 0.0


def _onnx(step: Step) -> Found:
    write = step.write
    flat = len(write.shape(step.x)) == 3
    heads = step.integer("q_num_heads", 0) if flat else 0
    tensors = [_apart(step, name, heads) for name in (*step.node.input[:3], step.gradient)]
    size = write.extents(step.x, [-1])[0] / (heads or 1)
    masks = [_mask(step, step.input(3))] if step.input(3) else []
    if step.integer("is_causal", 0):
        masks.append(_causal(step))
    scale = step.number("scale", 0.0) or size**-0.5
    found = _gradients(step, _Heads(tensors, scale, tuple(masks), step.number("softcap", 0.0)))
    return {place: Gradient(_together(step, found[place], heads)) for place in step.wanted}


def _of_several(step: Step) -> Found:
    # MultiHeadAttention: query, key and value flat, with one bias for the three; further on a mask that is added.
    heads, write = step.integer("num_heads", 1), step.write
    names = [step.input(place) for place in range(3)]
    if step.input(3):
        sizes = [write.extents(name, [-1])[0] for name in names]
        names = [write.op("Add", [a, b]) for a, b in zip(names, _pieces(step, step.input(3), sizes, 0), strict=True)]
    found = _projected(step, names, write.extents(step.x, [-1])[0] // heads)
    return {place: Gradient(_together(step, found[place], heads)) for place in step.wanted}


def _of_one(step: Step) -> Found:
    # Attention of ONNX Runtime: the input by the weights of all three, then as above.
    write, heads = step.write, step.integer("num_heads", 1)
    whole = write.op("Add", [write.op("MatMul", [step.x, step.input(1)]), step.input(2)])
    (wide,) = write.extents(step.input(1), [1])
    sizes = step.integers("qkv_hidden_sizes", [wide // 3] * 3)
    found = _projected(step, _pieces(step, whole, sizes, 2), sizes[0] // heads)
    joined = write.op("Concat", [_together(step, part, heads) for part in found], axis=2)
    return step.only(write.op("MatMul", [joined, write.op("Transpose", [step.input(1)], perm=[1, 0])]))


def _projected(step: Step, names: list[str], size: int) -> list[str]:
    """The gradients at query, key and value, given flat."""
    heads = step.integer("num_heads", 1)
    tensors = [_apart(step, name, heads) for name in (*names, step.gradient)]
    masks = [step.input(5)] if step.input(5) else []
    if step.integer("unidirectional", 0):
        masks.append(_causal(step))
    return _gradients(step, _Heads(tensors, step.number("scale", 0.0) or size**-0.5, tuple(masks)))


def _pieces(step: Step, tensor: str, sizes: list[int], axis: int) -> list[str]:
    ends = np.cumsum(sizes).tolist()
    return [step.write.slice(tensor, [end - size], [end], [axis]) for end, size in zip(ends, sizes, strict=True)]


def _gradients(step: Step, given: _Heads) -> list[str]:
    """The gradients at query, key and value."""
    write, y = step.write, step.y
    query, key, value, gradient = given.tensors
    turn = [0, 1, 3, 2]
    scale = write.number(given.scale, y)
    scores = write.op("MatMul", [query, write.op("Transpose", [key], perm=turn)])
    scores = write.op("Mul", [scores, scale])
    bent = ""
    if given.cap:
        cap = write.number(given.cap, y)
        bent = write.op("Tanh", [write.op("Div", [scores, cap])])
        scores = write.op("Mul", [bent, cap])
    for mask in given.masks:
        scores = write.op("Add", [scores, mask])
    weights = write.op("Softmax", [scores], axis=-1)
    arriving = write.op("MatMul", [gradient, write.op("Transpose", [value], perm=turn)])
    weighed = write.op("Mul", [weights, arriving])
    slope = write.op("Sub", [weighed, write.op("Mul", [weights, write.sum(weighed, [3])])])
    if bent:
        rest = write.op("Sub", [write.number(1, y), write.op("Mul", [bent, bent])])
        slope = write.op("Mul", [slope, rest])
    slope = write.op("Mul", [slope, scale])
    return [
        write.op("MatMul", [slope, key]),
        write.op("MatMul", [write.op("Transpose", [slope], perm=turn), query]),
        write.op("MatMul", [write.op("Transpose", [weights], perm=turn), gradient]),
    ]


def _apart(step: Step, tensor: str, heads: int) -> str:
    """``(batch, tokens, heads * size)`` as ``(batch, heads, tokens, size)``; 0 heads: it is that already."""
    if not heads:
        return tensor
    return step.write.op("Transpose", [step.write.reshape(tensor, [0, 0, heads, -1])], perm=[0, 2, 1, 3])


def _together(step: Step, tensor: str, heads: int) -> str:
    """The other way round."""
    if not heads:
        return tensor
    return step.write.reshape(step.write.op("Transpose", [tensor], perm=[0, 2, 1, 3]), [0, 0, -1])


def _never(step: Step) -> float:
    return _NEVER_IN_HALF if step.write.dtype(step.y) == np.float16 else _NEVER


def _mask(step: Step, tensor: str) -> str:
    """A mask as numbers that are added: where it says which scores count, very low ones for the others."""
    write, found = step.write, step.write.view.tensors.get(tensor)
    if found is None or found.type != TensorProto.BOOL:
        return tensor
    return write.op("Where", [tensor, write.number(0, step.y), write.number(_never(step), step.y)])


def _causal(step: Step) -> str:
    """Each token hears those up to itself."""
    write = step.write
    axis = 2 if len(write.shape(step.x)) == 4 else 1
    other = step.input(1) if step.node.op_type != "Attention" or step.node.domain in ONNX_DOMAINS else step.x
    (rows,), (columns,) = write.extents(step.x, [axis]), write.extents(other, [axis])
    later = np.triu(np.ones((rows, columns), bool), 1)
    return write.constant(np.where(later, _never(step), 0.0).astype(write.dtype(step.y)))


def _limited(view: GraphView, node: onnx.NodeProto) -> bool:
    if any(node.output[1:]):  # keys and values to go on with, or the scores
        return True
    given = attributes(node)
    if node.domain not in ONNX_DOMAINS:
        return _limited_of_one(view, node, given)
    shapes = [view.shape(name) for name in node.input[:3]]
    if any(node.input[4:]) or {len(shape) for shape in shapes} not in ({3}, {4}):
        return True
    if len(shapes[0]) == 3:
        several = given.get("q_num_heads", 0) != given.get("kv_num_heads", 0) or not given.get("q_num_heads", 0)
    else:
        several = len({shape[1] for shape in shapes}) > 1
    return several or shapes[0][-1] is None or (bool(given.get("is_causal", 0)) and _is_open(view, node.input[:2]))


def _is_open(view: GraphView, names: Sequence[str]) -> bool:
    """Whether it is not known how many tokens there are."""
    return any(view.shape(name)[-2 if len(view.shape(name)) == 4 else 1] is None for name in names)


def _limited_of_one(view: GraphView, node: onnx.NodeProto, given: dict[str, object]) -> bool:
    inputs = [*node.input, *[""] * 7][:7]
    if any(inputs[i] for i in (3, 4, 6)) or not inputs[2] or not view.is_constant(inputs[1]):
        return True
    if given.get("do_rotary", 0) or len(view.shape(inputs[0])) != 3:
        return True
    return bool(given.get("unidirectional", 0)) and _is_open(view, inputs[:1])


def _limited_of_several(view: GraphView, node: onnx.NodeProto) -> bool:
    inputs = [*node.input, *[""] * 8][:8]
    if any(node.output[1:]) or any(inputs[i] for i in (4, 6, 7)) or not all(inputs[:3]):
        return True
    shapes = [view.shape(name) for name in inputs[:3]]
    if any(len(shape) != 3 or shape[-1] is None for shape in shapes):
        return True
    return bool(attributes(node).get("unidirectional", 0)) and _is_open(view, inputs[:2])


RULES: dict[str, Rule] = {"Attention": _onnx}
RUNTIME_RULES: dict[str, Rule] = {"Attention": _of_one, "MultiHeadAttention": _of_several}
LIMITS = {"Attention": _limited, "MultiHeadAttention": _limited_of_several}
