"""What the output that is taken does not need: other outputs, and operators, weights and inputs that only they use.

People export features, attention maps, losses and decoded labels beside the scores. ONNX Runtime refuses a whole file
for one operator that it lacks, wherever it stands; so what is not needed is left out before anything is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import onnx

from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, RUNTIME_DOMAINS, attributes, with_inner


def leave_out_hindrances(model: onnx.ModelProto, wanted: str | None) -> bool:
    """Leave out outputs that cannot be computed here where others can, and all that no output needs, in place.

    An output cannot be computed if it needs an operator that ONNX Runtime does not have, or more than one picture.

    Args:
        model: without functions of its own.
        wanted: the output that the user names, or a tensor inside; it always stays.

    Returns:
        Whether something was left out.
    """
    needs = _Needs(model)
    outputs = [value.name for value in model.graph.output]
    roots = list(dict.fromkeys([*outputs, *([wanted] if wanted is not None and needs.makes(wanted) else [])]))
    if not all(map(needs.makes, roots)):
        return False  # damaged, which is said where the graph is checked
    told = needs.inputs([wanted]) if wanted in roots and wanted is not None else None
    sound = [
        name
        for name in roots
        if name == wanted or not (needs.lacks_operator(name) or _is_of_other_inputs(needs.inputs([name]), told))
    ]
    return prune(model, sound or roots)


def prune(model: onnx.ModelProto, roots: Sequence[str]) -> bool:
    """Keep of a graph, in place, only what these tensors need, and of its outputs only these.

    Returns:
        Whether something was left out.
    """
    graph, needs = model.graph, _Needs(model)
    if not all(map(needs.makes, roots)):
        return False
    nodes, tensors = needs.of(roots)
    counted = [len(graph.node), len(graph.input), len(graph.output), len(graph.initializer)]
    _keep(graph.node, [i in nodes for i in range(len(graph.node))])
    if any(value.name in tensors for value in graph.input):  # else the one input says nothing of the answer
        _keep(graph.input, [value.name in tensors for value in graph.input])
    _keep(graph.output, [value.name in roots for value in graph.output])
    _keep(graph.initializer, [tensor.name in tensors for tensor in graph.initializer])
    return counted != [len(graph.node), len(graph.input), len(graph.output), len(graph.initializer)]


def _keep(there: Any, kept: list[bool]) -> None:  # noqa: ANN401 - a repeated field of protobuf
    """Delete the others in place: what is kept would be copied otherwise, weights and all."""
    for place in reversed(range(len(kept))):
        if not kept[place]:
            del there[place]


def _is_of_other_inputs(inputs: set[str], told: set[str] | None) -> bool:
    return len(inputs) != 1 or (told is not None and inputs != told)


class _Needs:
    """What the tensors of a graph are made of."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._nodes = list(model.graph.node)
        self._weights = {tensor.name for tensor in model.graph.initializer}
        self._inputs = {value.name for value in model.graph.input} - self._weights
        self._opset = max((o.version for o in model.opset_import if o.domain in ONNX_DOMAINS), default=1)
        self._makers: dict[str, list[int]] = defaultdict(list)  # several only in a damaged graph
        for i, node in enumerate(self._nodes):
            for name in node.output:
                self._makers[name].append(i)

    def makes(self, tensor: str) -> bool:
        """Whether there is such a tensor."""
        return bool(tensor) and (tensor in self._makers or tensor in self._inputs or tensor in self._weights)

    def of(self, roots: Iterable[str]) -> tuple[set[int], set[str]]:
        """The places of the nodes, and the names of all tensors, that these tensors need."""
        nodes: set[int] = set()
        tensors: set[str] = set()
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name in tensors or not name:
                continue
            tensors.add(name)
            for i in self._makers.get(name, ()):
                if i not in nodes:
                    nodes.add(i)
                    waiting += _read_by(self._nodes[i])
        return nodes, tensors

    def inputs(self, roots: Iterable[str]) -> set[str]:
        """The inputs of the graph that these tensors depend on."""
        return self.of(roots)[1] & self._inputs

    def lacks_operator(self, tensor: str) -> bool:
        """Whether it needs an operator that ONNX Runtime does not have."""
        return any(
            not _is_known(node, self._opset) for i in self.of([tensor])[0] for node in with_inner([self._nodes[i]])
        )


def _is_known(node: onnx.NodeProto, opset: int) -> bool:
    if node.domain not in ONNX_DOMAINS:
        return node.domain in RUNTIME_DOMAINS
    return bool(onnx.defs.has(node.op_type, opset, ""))


def _read_by(node: onnx.NodeProto) -> Iterator[str]:
    """The tensors that a node reads, those that the graphs inside it read from outside among them."""
    for one in with_inner([node]):
        yield from one.input
        for value in attributes(one).values():
            for graph in value if isinstance(value, list) else [value]:
                if isinstance(graph, onnx.GraphProto):
                    yield from (output.name for output in graph.output)
