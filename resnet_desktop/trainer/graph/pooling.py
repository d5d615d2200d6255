"""Pooling over windows, and over everything."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, refused, tensor
from resnet_desktop.trainer.graph.windows import Sides, padded, sides, spread

_MAXIMA = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_MEANS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def _maximum(node: GraphNode, inputs: Inputs) -> Tensor:
    x, kernel = tensor(inputs[0]), tuple(node.given["kernel_shape"])
    if len([name for name in node.outputs if name]) > 1:
        raise refused(node, "the second output")
    count = len(kernel)
    strides, dilations = spread(node, "strides", count), spread(node, "dilations", count)
    added = sides(node, x.shape[2:], kernel)
    halves = all(a == b and 2 * a <= k for a, b, k in zip(*added, kernel, strict=True))
    if halves and min(added[0]) >= 0:
        ceil = bool(node.given.get("ceil_mode", 0))
        return _MAXIMA[count](x, kernel, strides, added[0], dilations, ceil_mode=ceil)
    x = padded(x, _reached(node, x, added, kernel), -torch.inf)
    return _MAXIMA[count](x, kernel, strides, 0, dilations)


def _mean(node: GraphNode, inputs: Inputs) -> Tensor:
    x, kernel = tensor(inputs[0]), tuple(node.given["kernel_shape"])
    count = len(kernel)
    strides = spread(node, "strides", count)
    if any(d != 1 for d in spread(node, "dilations", count)):
        raise refused(node, "dilation")
    added = sides(node, x.shape[2:], kernel)
    pads_count = bool(node.given.get("count_include_pad", 0))
    if not node.given.get("ceil_mode", 0) and (pads_count or not any((*added[0], *added[1]))):
        return _MEANS[count](padded(x, added), kernel, strides)
    # Cells that only the rounding up of the number of windows adds are never counted.
    seen = torch.ones(1, 1, *x.shape[2:], dtype=x.dtype, device=x.device)
    seen = padded(seen, added, 1.0 if pads_count else 0.0)
    more = _reached(node, x, added, kernel)
    rest: Sides = ((0,) * count, tuple(a - b for a, b in zip(more[1], added[1], strict=True)))
    total = _MEANS[count](padded(x, more), kernel, strides)
    return total / _MEANS[count](padded(seen, rest), kernel, strides)


def _reached(node: GraphNode, x: Tensor, added: Sides, kernel: tuple[int, ...]) -> Sides:
    """The padding with what a last window needs that only counts where the number of windows is rounded up."""
    if not node.given.get("ceil_mode", 0):
        return added
    behind = []
    strides, dilations = spread(node, "strides", len(kernel)), spread(node, "dilations", len(kernel))
    for size, k, s, d, before, after in zip(x.shape[2:], kernel, strides, dilations, *added, strict=True):
        reach = d * (k - 1) + 1
        windows = -(-(size + before + after - reach) // s) + 1
        if (windows - 1) * s >= size + before:  # it would begin behind the picture
            windows -= 1
        behind.append(max(after, (windows - 1) * s + reach - size - before))
    return added[0], tuple(behind)


def _whole_mean(_node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    return x.mean(tuple(range(2, x.ndim)), keepdim=True)


def _whole_maximum(_node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    return x.amax(tuple(range(2, x.ndim)), keepdim=True)


RULES: dict[str, Rule] = {
    "AveragePool": _mean,
    "GlobalAveragePool": _whole_mean,
    "GlobalMaxPool": _whole_maximum,
    "MaxPool": _maximum,
}
