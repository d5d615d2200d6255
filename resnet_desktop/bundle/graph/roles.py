"""Which arrays of a graph are weights: told by what reads them, since a file does not say so.

A literal of the code, such as the 0.5 of a GELU that is written out, lies in a file just as a weight does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from resnet_desktop.bundle.structure.constants import Array

if TYPE_CHECKING:
    from resnet_desktop.bundle.graph.nodes import GraphNode

_NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "InstanceNormalization")
_WEIGHTED = (
    "Conv",
    "ConvTranspose",
    "Gemm",
    "MatMul",
    "Einsum",
    "com.microsoft.FusedConv",
    "com.microsoft.FusedMatMul",
)
_READ_WITH = {
    **dict.fromkeys(_WEIGHTED, (0, 1, 2)),
    **dict.fromkeys(_NORMS, (1, 2)),
    **dict.fromkeys(("RMSNormalization", "SimplifiedLayerNormalization", "PRelu", "com.microsoft.BiasGelu"), (1,)),
}
"""The inputs of operators that take weights, by their places."""
_BESIDE = ("Add", "Sub", "Mul", "Div", "Sum", "Concat")
"""Operators that may take a weight beside what comes from the picture: biases, scales, tokens, tables of positions."""
_MOVED = (
    "Transpose",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Expand",
    "Tile",
    "Gather",
    "Slice",
    "Identity",
    "Cast",
)
_MASKED = -50.0
"""What masks add to the scores of attention is less than this, and 0 where nothing is masked."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the arrays that are weights, and of the running statistics of batch norms."""

    weights: frozenset[str]
    statistics: frozenset[str]


def sort(nodes: Sequence[GraphNode], arrays: Mapping[str, Array], initializers: Collection[str], picture: str) -> Roles:
    """Sort the arrays of a graph.

    Args:
        nodes: sorted.
        arrays: all that nodes read.
        initializers: names of those that are initializers of the file, and no constants of its code.
        picture: the graph's input.
    """
    readers: dict[str, list[tuple[GraphNode, int]]] = defaultdict(list)
    for node in nodes:
        for place, name in enumerate(node.inputs):
            readers[name].append((node, place))
    early = _before_weights(nodes, picture)
    statistics = {name for node in nodes if node.op == "BatchNormalization" for name in node.inputs[3:5]}
    weights = set()
    for name, array in arrays.items():
        if array.dtype.kind == "f" and name not in statistics and _is_weight(name, array, readers, early, initializers):
            weights.add(name)
    return Roles(frozenset(weights), frozenset(statistics & arrays.keys()))


def _is_weight(
    name: str,
    array: Array,
    readers: Mapping[str, Sequence[tuple[GraphNode, int]]],
    early: frozenset[str],
    initializers: Collection[str],
) -> bool:
    beside = name in initializers and array.size > 1 and not _is_mask(array)
    waiting, seen = [name], {name}
    while waiting:
        for node, place in readers[waiting.pop()]:
            if place in _READ_WITH.get(node.op, ()) and not _is_filler(node, place, array):
                return True
            if node.op in _BESIDE and beside and early.isdisjoint(node.inputs):
                return True
            if node.op in _MOVED and not place and node.outputs[0] not in seen:
                seen.add(node.outputs[0])
                waiting.append(node.outputs[0])
    return False


def _before_weights(nodes: Sequence[GraphNode], picture: str) -> frozenset[str]:
    """The picture and what is made of it before a weight is met: means and deviations of colours are no weights."""
    early = {picture}
    for node in nodes:
        if node.op not in _READ_WITH and not early.isdisjoint(node.inputs):
            early.update(node.outputs)
    return frozenset(early)


def _is_filler(node: GraphNode, place: int, array: Array) -> bool:
    """Whether it only fills a place: group norms are written as instance norms that scale by 1 and add 0."""
    return node.op == "InstanceNormalization" and bool((array == (1 if place == 1 else 0)).all())


def _is_mask(array: Array) -> bool:
    return array.size > 8 and bool(np.isin(array, (0.0, array.min())).all()) and float(array.min()) < _MASKED
