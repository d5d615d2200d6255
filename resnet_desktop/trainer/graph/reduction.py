"""Reductions along axes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, axes, tensor

Reduction = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def _reduced(function: Reduction) -> Rule:
    def apply(node: GraphNode, inputs: Inputs) -> Tensor:
        x, over = tensor(inputs[0]), axes(node, inputs)
        if not over and node.given.get("noop_with_empty_axes", 0):
            return x
        along = tuple(axis % x.ndim for axis in over) or tuple(range(x.ndim))
        return function(x, along, bool(node.given.get("keepdims", 1)))

    return apply


def _product(x: Tensor, over: tuple[int, ...], keep: bool) -> Tensor:
    for axis in sorted(over, reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


RULES: dict[str, Rule] = {
    "ReduceL1": _reduced(lambda x, over, keep: torch.linalg.vector_norm(x, 1, over, keepdim=keep)),
    "ReduceL2": _reduced(lambda x, over, keep: torch.linalg.vector_norm(x, 2, over, keepdim=keep)),
    "ReduceLogSumExp": _reduced(lambda x, over, keep: torch.logsumexp(x, over, keepdim=keep)),
    "ReduceMax": _reduced(lambda x, over, keep: x.amax(over, keepdim=keep)),
    "ReduceMean": _reduced(lambda x, over, keep: x.mean(over, keepdim=keep)),
    "ReduceMin": _reduced(lambda x, over, keep: x.amin(over, keepdim=keep)),
    "ReduceProd": _reduced(_product),
    "ReduceSum": _reduced(lambda x, over, keep: x.sum(over, keepdim=keep)),
    "ReduceSumSquare": _reduced(lambda x, over, keep: x.square().sum(over, keepdim=keep)),
}
