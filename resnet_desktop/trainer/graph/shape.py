"""What moves numbers about: reshaping, transposing, joining, cutting, picking, padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import (
    Array,
    Inputs,
    Rule,
    Value,
    axes,
    floats,
    number,
    numbers,
    optional,
    refused,
    tensor,
)

_MODES = {"edge": "replicate", "reflect": "reflect", "wrap": "circular"}


def _shape(node: GraphNode, inputs: Inputs) -> Array:
    x = inputs[0]
    assert x is not None, "its only input"
    return np.array(x.shape, np.int64)[slice(node.given.get("start", 0), node.given.get("end"))]


def _size(_node: GraphNode, inputs: Inputs) -> Array:
    x = inputs[0]
    assert x is not None, "its only input"
    return np.array(np.prod(x.shape), np.int64)


def _reshape(node: GraphNode, inputs: Inputs) -> Tensor:
    x, asked = tensor(inputs[0]), node.given.get("shape")
    sizes = list(asked) if asked is not None else numbers(inputs[1])
    if not node.given.get("allowzero", 0):
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return x.reshape(sizes)


def _transpose(node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    return x.permute(node.given.get("perm", tuple(range(x.ndim))[::-1]))


def _flatten(node: GraphNode, inputs: Inputs) -> Tensor:
    x, axis = tensor(inputs[0]), int(node.given.get("axis", 1))
    axis = axis + x.ndim if axis < 0 else axis
    if axis == 1:
        return x.flatten(1) if x.ndim > 1 else x[:, None]
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def _squeeze(node: GraphNode, inputs: Inputs) -> Tensor:
    x, which = tensor(inputs[0]), axes(node, inputs)
    return x.squeeze(tuple(which)) if which else x.squeeze()


def _unsqueeze(node: GraphNode, inputs: Inputs) -> Tensor:
    x, which = tensor(inputs[0]), axes(node, inputs)
    rank = x.ndim + len(which)
    for axis in sorted(a % rank for a in which):
        x = x.unsqueeze(axis)
    return x


def _concat(node: GraphNode, inputs: Inputs) -> Tensor:
    return torch.cat(floats(inputs), int(node.given["axis"]))


def _split(node: GraphNode, inputs: Inputs) -> Sequence[Tensor]:
    x, axis = tensor(inputs[0]), int(node.given.get("axis", 0))
    asked = node.given.get("split")
    sizes = list(asked) if asked is not None else numbers(optional(inputs, 1))
    if not sizes:
        each = -(-x.shape[axis] // len(node.outputs))
        return torch.split(x, each, axis)
    return torch.split(x, sizes, axis)


def _slice(node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    given = [node.given.get(key) for key in ("starts", "ends", "axes")]
    if given[0] is None:
        given = [numbers(optional(inputs, place)) or None for place in (1, 2, 3)]
    starts, ends = given[0] or (), given[1] or ()
    which = given[2] or tuple(range(len(starts)))
    steps = numbers(optional(inputs, 4)) or [1] * len(starts)
    cut: list[slice] = [slice(None)] * x.ndim
    turned: list[int] = []
    for axis, start, end, step in zip(which, starts, ends, steps, strict=True):
        size, place = x.shape[axis], axis % x.ndim
        if step > 0:
            cut[place] = slice(start, end, step)
            continue
        chosen = range(size)[slice(start, None if end < -size else end, step)]
        cut[place] = slice(chosen[-1], chosen[0] + 1, -step) if len(chosen) else slice(0, 0)
        turned.append(place)
    found = x[tuple(cut)]
    return found.flip(turned) if turned else found


def _gather(node: GraphNode, inputs: Inputs) -> Tensor:
    x, index, axis = tensor(inputs[0]), inputs[1], int(node.given.get("axis", 0))
    assert index is not None, "an input"
    if not isinstance(index, Tensor) and index.size == 1 and index.ndim == 0:
        return x.select(axis, int(index.item()))
    which = tensor(index, x).long()
    which = torch.where(which < 0, which + x.shape[axis], which)
    axis %= x.ndim
    picked = x.index_select(axis, which.reshape(-1))
    return picked.reshape(*x.shape[:axis], *which.shape, *x.shape[axis + 1 :])


def _expand(_node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    return x.expand(np.broadcast_shapes(tuple(x.shape), tuple(numbers(inputs[1]))))


def _tile(_node: GraphNode, inputs: Inputs) -> Tensor:
    return tensor(inputs[0]).repeat(numbers(inputs[1]))


def _pad(node: GraphNode, inputs: Inputs) -> Tensor:
    x, asked = tensor(inputs[0]), node.given.get("pads", node.given.get("paddings"))
    pads = list(asked) if asked is not None else numbers(inputs[1])
    which = [axis % x.ndim for axis in numbers(optional(inputs, 3))] or list(range(x.ndim))
    before, behind = [0] * x.ndim, [0] * x.ndim
    for i, axis in enumerate(which):
        before[axis], behind[axis] = pads[i], pads[i + len(which)]
    flat = [side for pair in zip(before[::-1], behind[::-1], strict=True) for side in pair]
    mode = node.given.get("mode", "constant")
    if mode == "constant":
        value = number(optional(inputs, 2), float(node.given.get("value", 0.0)))
        return functional.pad(x, flat, value=value)
    moved = x.ndim - 2
    if mode not in _MODES or any(flat[2 * moved :]) or not 1 <= moved <= 3:
        raise refused(node, f"the mode {mode}")
    return functional.pad(x, flat[: 2 * moved], mode=_MODES[mode])


def _filled(node: GraphNode, inputs: Inputs) -> Array:
    value = node.given.get("value", np.zeros(1, np.float32))
    return np.full(numbers(inputs[0]), value.reshape(()), value.dtype)


def _range(_node: GraphNode, inputs: Inputs) -> Tensor:
    start, end, step = (number(value, 0) for value in inputs)
    first = tensor(inputs[0])
    return torch.arange(start, end, step, dtype=first.dtype, device=first.device)


def _gather_elements(node: GraphNode, inputs: Inputs) -> Tensor:
    x, axis = tensor(inputs[0]), int(node.given.get("axis", 0))
    index = tensor(inputs[1], x).long()
    return x.gather(axis, torch.where(index < 0, index + x.shape[axis], index))


def _depth_to_space(node: GraphNode, inputs: Inputs) -> Tensor:
    x, side = tensor(inputs[0]), int(node.given["blocksize"])
    n, c, h, w = x.shape
    if node.given.get("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(x, side)
    x = x.reshape(n, side, side, c // side**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, c // side**2, h * side, w * side)


def _space_to_depth(node: GraphNode, inputs: Inputs) -> Tensor:
    x, side = tensor(inputs[0]), int(node.given["blocksize"])
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // side, side, w // side, side).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * side**2, h // side, w // side)


def _triangle(node: GraphNode, inputs: Inputs) -> Value:
    x, away = tensor(inputs[0]), int(number(optional(inputs, 1), 0))
    return x.triu(away) if node.given.get("upper", 1) else x.tril(away)


RULES: dict[str, Rule] = {
    "Concat": _concat,
    "ConstantOfShape": _filled,
    "DepthToSpace": _depth_to_space,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Trilu": _triangle,
    "Unsqueeze": _unsqueeze,
}
