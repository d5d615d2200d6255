"""Nodes in order: what a node reads comes before it.

ONNX asks for it; ONNX Runtime sorts for itself, and so tools that add casts at the end of the list never notice.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from resnet_desktop.bundle.structure.graph_view import with_inner


def sort_nodes(model: onnx.ModelProto) -> bool:
    """Sort the nodes of a model, of its functions and of the graphs inside them, in place, where they are not sorted.

    What can stay where it is stays. Nodes that wait for each other in a circle stay as they are: the check of the graph
    names them.

    Returns:
        Whether any were moved.
    """
    moved = False
    for part in (model.graph, *model.functions):
        for node in with_inner(part.node):
            for attribute in node.attribute:
                for graph in (attribute.g, *attribute.graphs):
                    moved |= _sort(graph)
        moved |= _sort(part)
    return moved


def _sort(part: onnx.GraphProto | onnx.FunctionProto) -> bool:
    nodes = list(part.node)
    makers = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    needs = [{makers[name] for name in _reads(node) if name in makers} for node in nodes]
    if all(not need or max(need) < i for i, need in enumerate(needs)):
        return False
    order = _ordered(needs)
    if order is None:
        return False
    del part.node[:]
    part.node.extend(nodes[i] for i in order)
    return True


def _reads(node: onnx.NodeProto) -> set[str]:
    """The tensors that a node needs: its inputs, and what the graphs inside it take from around them."""
    return {name for each in with_inner([node]) for name in each.input} | {
        output.name
        for each in with_inner([node])
        for attribute in each.attribute
        for graph in (attribute.g, *attribute.graphs)
        for output in graph.output
    }


def _ordered(needs: Sequence[set[int]]) -> list[int] | None:
    """Places such that each comes after those that it needs; None if some need each other in a circle."""
    order: list[int] = []
    done, opened = [False] * len(needs), [False] * len(needs)
    for first in range(len(needs)):
        waiting = [first]
        while waiting:
            place = waiting[-1]
            lacking = [] if opened[place] else [need for need in needs[place] if not done[need]]
            if opened[place] or not lacking:
                waiting.pop()
                if not done[place]:
                    done[place] = True
                    order.append(place)
                continue
            opened[place] = True
            if any(opened[need] for need in lacking):
                return None
            waiting += sorted(lacking, reverse=True)
    return order
