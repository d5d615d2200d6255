"""Which places of a network's tensors have a part in its answer.

A transformer that answers by its class token never looks again at the other tokens that its last layers make: their
gradient is 0 for every picture. The graph is walked from the answer back to the picture; what is heard of a tensor is
told axis by axis, so that at most too much counts as heard, never too little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.bundle.structure.operators import (
    CONVOLVED,
    DIMENSIONS,
    PAIRED,
    PRODUCTS,
    QUANTIZED_PRODUCTS,
    REDUCED,
    SAME,
    VIEWS,
)
from resnet_desktop.bundle.structure.shapes import Shape

Heard = NDArray[np.bool_] | None
"""Of one axis: which of its entries are heard; None if all are."""

Mask = tuple[Heard, ...] | None
"""Of a tensor: its axes; None if all of it is heard."""

_MOST = 2**22
"""Entries of a tensor that are looked at one by one, at most; of larger ones all count as heard."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One input of a node, of which it is asked what is heard."""

    view: GraphView
    node: onnx.NodeProto
    given: Mapping[str, Any]
    place: int
    output: int
    mask: tuple[Heard, ...]

    @property
    def shape(self) -> Shape:
        """Of the input."""
        return self.view.shape(self.node.input[self.place])

    @property
    def made(self) -> Shape:
        """Of the output."""
        return self.view.shape(self.node.output[self.output])

    def numbers(self, key: str, place: int) -> list[int] | None:
        """A list of numbers that is an attribute or an input; None if it is neither, or computed."""
        if key in self.given:
            return [int(i) for i in self.given[key]]
        name = self.node.input[place] if place < len(self.node.input) else ""
        return self.view.integers(name) if name else None

    def axis(self, default: int) -> int:
        """The axis that the node works along."""
        return int(self.given.get("axis", default)) % len(self.shape)


def heard_places(view: GraphView, logits: str) -> dict[str, Mask]:
    """What is heard of each tensor that ``logits`` is computed from; those of which nothing is are left out."""
    found: dict[str, Mask] = {logits: None}
    for node in reversed(view.nodes):
        if node.op_type in DIMENSIONS:
            continue
        outputs = (
            node.output[:1] if node.op_type == "DynamicQuantizeLinear" else node.output
        )  # a scale is no number of it
        arriving = [(i, found[name]) for i, name in enumerate(outputs) if name in found]
        given = attributes(node)
        for place, name in enumerate(node.input):
            if not name or view.is_constant(name):
                continue
            for output, mask in arriving:
                whole = mask or (None,) * len(view.shape(node.output[output]))
                needed = _needed(_Asked(view, node, given, place, output, whole))
                if needed is None or any(heard is None or heard.any() for heard in needed):
                    found[name] = _either(found[name], needed) if name in found else needed
    return found


def _needed(asked: _Asked) -> Mask:
    rule = _RULES.get(asked.node.op_type)
    fits = asked.mask and asked.shape and len(asked.mask) == len(asked.made)
    if rule is None or not fits or (asked.output and asked.node.op_type not in ("Split", "SkipLayerNormalization")):
        return None
    # An axis of any size may be the tokens of all pictures, one behind the other: what is heard of it is then told for
    # one picture, which goes through what leaves the order of its entries alone.
    periodic = asked.node.op_type in _KEEPING_ORDER
    if not periodic:
        known = (heard if size is not None else None for heard, size in zip(asked.mask, asked.made, strict=True))
        asked = replace(asked, mask=tuple(known))
    mask = rule(asked)
    if mask is None or len(mask) != len(asked.shape):
        return None
    return tuple(
        None if heard is None or heard.all() or (len(heard) != size and not (size is None and periodic)) else heard
        for heard, size in zip(mask, asked.shape, strict=True)
    )


def _either(one: Mask, other: Mask) -> Mask:
    if one is None or other is None or len(one) != len(other):
        return None
    return tuple(None if a is None or b is None or len(a) != len(b) else a | b for a, b in zip(one, other, strict=True))


def _by_number(asked: _Asked) -> Mask:
    """Number by number, shapes stretched where they must be."""
    extra = len(asked.mask) - len(asked.shape)
    if extra < 0:
        return None
    return tuple(
        heard if size == made else None
        for heard, size, made in zip(asked.mask[extra:], asked.shape, asked.made[extra:], strict=True)
    )


def _mixed_from(default: int) -> _Rule:
    """All that lies along an axis, and those behind it, has a part in each number."""

    def rule(asked: _Asked) -> Mask:
        mask = _by_number(asked)
        first = asked.axis(default)
        return mask and tuple(None if i >= first else heard for i, heard in enumerate(mask))

    return rule


def _normalized(asked: _Asked) -> Mask:
    """A softmax: along one axis, or all behind it before opset 13."""
    if int(asked.given.get("opset", asked.view.opset)) < 13:
        return _mixed_from(1)(asked)
    axis = asked.axis(-1)
    return tuple(None if i == axis else heard for i, heard in enumerate(asked.mask))


def _batch_only(asked: _Asked) -> Mask:
    """All of each picture, or of what else lies along the first axis."""
    return (asked.mask[0], *[None] * (len(asked.shape) - 1)) if asked.place == 0 else None


def _product(other: int) -> _Rule:
    """Rows of the first operand are rows of the product, columns of the other one its columns."""

    def rule(asked: _Asked) -> Mask:
        rank = len(asked.shape)
        if asked.place not in (0, other):
            return _by_number(asked) if asked.node.op_type == "Gemm" else None
        if rank < 2 or len(asked.mask) < 2 or asked.given.get("transBatchA") or asked.given.get("transBatchB"):
            return None
        leading = [
            asked.mask[i] if -i <= len(asked.mask) and asked.made[i] == asked.shape[i] else None
            for i in range(-rank, -2)
        ]
        ends = (asked.mask[-2], None) if asked.place == 0 else (None, asked.mask[-1])
        turned = asked.given.get("transA" if asked.place == 0 else "transB")
        return (*leading, *(ends[::-1] if turned else ends))

    return rule


def _attention(asked: _Asked) -> Mask:
    """Each query gives one row; keys and values have a part in all."""
    if asked.place or len(asked.shape) != len(asked.mask):
        return None
    return (*asked.mask[:-1], None)


def _einsum(asked: _Asked) -> Mask:
    formula = asked.given["equation"].decode().replace(" ", "")
    if "." in formula or "->" not in formula:
        return None
    sources, target = formula.split("->")
    heard = dict(zip(target, asked.mask, strict=True))
    return tuple(heard.get(letter) for letter in sources.split(",")[asked.place])


def _reduced(asked: _Asked) -> Mask:
    axes = asked.numbers("axes", 1)
    rank = len(asked.shape)
    if asked.place or not axes:
        return None
    gone = {axis % rank for axis in axes}
    kept = iter([heard for i, heard in enumerate(asked.mask) if not asked.given.get("keepdims", 1) or i not in gone])
    return tuple(None if i in gone else next(kept) for i in range(rank))


def _transposed(asked: _Asked) -> Mask:
    order = list(asked.given.get("perm", range(len(asked.mask))[::-1]))
    return tuple(asked.mask[order.index(i)] for i in range(len(order)))


def _set_back(asked: _Asked, axis: int, places: Sequence[int]) -> Heard:
    """What is heard along ``axis`` of the input, of which the output has the entries at ``places``."""
    size, heard = asked.shape[axis], asked.mask[axis]
    if size is None:
        return None
    found = np.zeros(size, np.bool_)
    taken = np.asarray(places, np.int64)
    found[taken if heard is None else taken[heard]] = True
    return found


def _sliced(asked: _Asked) -> Mask:
    starts, ends = asked.numbers("starts", 1), asked.numbers("ends", 2)
    if asked.place or starts is None or ends is None:
        return None
    listed = asked.numbers("axes", 3) or list(range(len(starts)))
    steps = asked.numbers("steps", 4) or [1] * len(starts)
    found = list(asked.mask)
    for axis, start, end, step in zip(listed, starts, ends, steps, strict=True):
        size = asked.shape[axis]
        if size is None:
            return None
        found[axis] = _set_back(asked, axis % len(found), range(size)[slice(start, end, step)])
    return tuple(found)


def _gathered(asked: _Asked) -> Mask:
    axis, rank = asked.axis(0), len(asked.view.shape(asked.node.input[1]))
    places = asked.view.integers(asked.node.input[1])
    size = asked.shape[axis]
    if asked.place:
        return None
    along: Heard = None
    if places is not None and size is not None:
        along = np.zeros(size, np.bool_)
        heard = asked.mask[axis] if rank == 1 else None
        along[np.asarray(places, np.int64) if heard is None else np.asarray(places, np.int64)[heard]] = True
    return (*asked.mask[:axis], along, *asked.mask[axis + rank :])


def _split(asked: _Asked) -> Mask:
    axis = asked.axis(0)
    sizes = [asked.view.shape(name)[axis] if asked.view.shape(name) else None for name in asked.node.output]
    if asked.place or None in sizes[: asked.output + 1]:
        return None
    start = sum(size or 0 for size in sizes[: asked.output])
    found = list(asked.mask)
    found[axis] = _set_back(asked, axis, range(start, start + (sizes[asked.output] or 0)))
    return tuple(found)


def _concatenated(first: int = 0, every: int = 1) -> _Rule:
    """The piece of the output that the input is."""

    def rule(asked: _Asked) -> Mask:
        axis = asked.axis(0)
        heard = asked.mask[axis]
        if heard is None:
            return asked.mask
        if (asked.place - first) % every:
            return None
        before = [asked.view.shape(name) for name in asked.node.input[first : asked.place : every]]
        sizes = [shape[axis] if shape else None for shape in (*before, asked.shape)]
        if None in sizes:
            return None
        start = sum(size or 0 for size in sizes[:-1])
        return (*asked.mask[:axis], heard[start : start + (sizes[-1] or 0)], *asked.mask[axis + 1 :])

    return rule


def _in_another_shape(asked: _Asked) -> Mask:
    """The same numbers in another shape: axes that are cut or joined are looked at number by number."""
    if asked.place:
        return None
    sizes = _fixed(asked.shape, asked.made)
    if sizes is None:
        return None
    inner, outer = _as_long_as_told(asked, *sizes)
    found: list[Heard] = []
    for here, there in _groups(inner, outer):
        masks, dims = [asked.mask[i] for i in there], [inner[i] for i in here]
        if any(heard is not None and len(heard) != outer[i] for i, heard in zip(there, masks, strict=True)):
            return None
        if all(heard is None for heard in masks):
            found += [None] * len(here)
        elif len(here) == len(there) == 1:
            found += masks
        elif math.prod(dims) > _MOST:
            return None
        else:
            whole = np.ones([outer[i] for i in there], np.bool_)
            for axis, heard in enumerate(masks):
                if heard is not None:
                    whole &= heard.reshape([-1 if i == axis else 1 for i in range(len(masks))])
            turned = whole.reshape(dims)
            found += [np.asarray(turned.any(tuple({*range(len(dims))} - {i}))) for i in range(len(dims))]
    return tuple(found)


def _fixed(inner: Shape, outer: Shape) -> tuple[list[int], list[int]] | None:
    """Both shapes with a batch of any size set to the least that fits; None if they do not fit."""
    if inner.count(None) != outer.count(None) or inner.count(None) > 1:
        return None
    one, other = (math.prod(size for size in shape if size is not None) for shape in (inner, outer))
    if not one or not other or (one != other and None not in inner):
        return None
    both = math.lcm(one, other)
    return [both // one if size is None else size for size in inner], [
        both // other if size is None else size for size in outer
    ]


def _as_long_as_told(asked: _Asked, inner: list[int], outer: list[int]) -> tuple[list[int], list[int]]:
    """The sizes with as many pictures in the batch as what is heard of the output is told for."""
    for axis, (size, heard) in enumerate(zip(asked.made, asked.mask, strict=True)):
        if size is None and heard is not None and len(heard) % outer[axis] == 0:
            times = len(heard) // outer[axis]
            return tuple(
                [number * times if given is None else number for given, number in zip(shape, numbers, strict=True)]
                for shape, numbers in ((asked.shape, inner), (asked.made, outer))
            )  # type: ignore[return-value] # of two
    return inner, outer


def _groups(inner: Sequence[int], outer: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The axes of two shapes of one size, put together where they hold the same numbers."""
    found = []
    i = j = 0
    while i < len(inner) or j < len(outer):
        first = i, j
        i, j = min(i + 1, len(inner)), min(j + 1, len(outer))
        while (difference := math.prod(inner[first[0] : i]) - math.prod(outer[first[1] : j])) != 0:
            i, j = (i + 1, j) if difference < 0 else (i, j + 1)
        found.append((list(range(first[0], i)), list(range(first[1], j))))
    return found


_KEEPING_ORDER = (*SAME, *PAIRED, *VIEWS, *PRODUCTS, *QUANTIZED_PRODUCTS)
_Rule = Callable[[_Asked], Mask]
_ALONG = ("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization")
_RULES: dict[str, _Rule] = {
    **dict.fromkeys((*SAME, *PAIRED, "Expand", "QLinearAdd", "QLinearMul"), _by_number),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax", "QLinearSoftmax"), _normalized),
    **dict.fromkeys((*_ALONG, "LpNormalization"), _mixed_from(-1)),
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization", "GroupNorm", "LRN"), _batch_only),
    **dict.fromkeys(("MeanVarianceNormalization", "CumSum"), lambda _asked: None),
    **dict.fromkeys((*CONVOLVED, "DepthToSpace", "SpaceToDepth"), _batch_only),
    **dict.fromkeys(REDUCED, _reduced),
    **dict.fromkeys(VIEWS, _in_another_shape),
    **dict.fromkeys(PRODUCTS, _product(1)),
    **dict.fromkeys(QUANTIZED_PRODUCTS, _product(3)),
    **dict.fromkeys(("Attention", "MultiHeadAttention"), _attention),
    "Concat": _concatenated(),
    "Einsum": _einsum,
    "Gather": _gathered,
    "QLinearConcat": _concatenated(2, 3),
    "Slice": _sliced,
    "Split": _split,
    "Transpose": _transposed,
}
