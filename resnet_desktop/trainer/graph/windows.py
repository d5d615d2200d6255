"""Padding of convolutions and poolings, explicit or such that the output is as large as the input over the stride."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode

Sides = tuple[tuple[int, ...], tuple[int, ...]]
"""Cells added before and behind, for each axis."""


def spread(node: GraphNode, key: str, count: int) -> tuple[int, ...]:
    """A number for each of ``count`` axes, 1 where nothing is said."""
    return tuple(node.given.get(key, (1,) * count))


def sides(node: GraphNode, sizes: Sequence[int], kernel: Sequence[int]) -> Sides:
    """What is added to axes of ``sizes``."""
    count = len(kernel)
    mode = node.given.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        pads = tuple(node.given.get("pads", (0,) * 2 * count))
        return pads[:count], pads[count:]
    if mode == "VALID":
        return (0,) * count, (0,) * count
    strides, dilations = spread(node, "strides", count), spread(node, "dilations", count)
    totals = [
        max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    less, more = tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
    return (less, more) if mode == "SAME_UPPER" else (more, less)


def padded(x: Tensor, added: Sides, value: float = 0.0) -> Tensor:
    """``x`` with cells added around its last axes; negative numbers cut away."""
    before, behind = added
    if not any(before) and not any(behind):
        return x
    flat = [side for pair in zip(before[::-1], behind[::-1], strict=True) for side in pair]
    return functional.pad(x, flat, value=value)
