"""How far a model spreads: bounds that are looked at before any work that grows with what they bound.

A file of a kilobyte can name a network of billions of nodes: a function of two calls of a function of two calls, and
so on. ONNX's own checks follow every call. Here calls are counted, each function once, and nothing is followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx

from resnet_desktop.core.errors import ModelError

MAX_NODES = 200_000
"""Nodes of a network, those in subgraphs and in the bodies of called functions included. ResNet-152 has 520."""
MAX_DEPTH = 16
"""Subgraphs, or calls of functions, inside each other."""
MAX_RANK = 64
"""Dimensions of a tensor; ONNX Runtime's kernels know a few."""

_Name = tuple[str, str, str]


def check_extent(model: onnx.ModelProto) -> None:
    """Raises ModelError ``unsupported_model`` if the model is spread too far or calls itself, ``wrong_shapes``."""
    functions = {_name_of(f.domain, f.name, f.overload): f for f in model.functions}
    counted = _Counter(functions)
    counted.nodes(model.graph.node, depth=0)
    for function in model.functions:  # those that nobody calls are checked as well
        counted.function(_name_of(function.domain, function.name, function.overload), depth=0)
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        _check_rank(value.name, len(value.type.tensor_type.shape.dim))
    for tensor in model.graph.initializer:
        _check_rank(tensor.name, len(tensor.dims))


class _Counter:
    """Counts the nodes that a model stands for, and how deep they lie."""

    def __init__(self, functions: dict[_Name, onnx.FunctionProto]) -> None:
        self._functions = functions
        self._known: dict[_Name, tuple[int, int]] = {}
        self._open: set[_Name] = set()

    def nodes(self, nodes: Iterable[onnx.NodeProto], depth: int) -> tuple[int, int]:
        """Of a graph or a body that lies ``depth`` deep: how many nodes, and how many levels."""
        if depth > MAX_DEPTH:
            raise _too_deep()
        total, levels = 0, 0
        for node in nodes:
            parts = [self.function(_name_of(node.domain, node.op_type, node.overload), depth + 1)]
            for attribute in node.attribute:
                parts += self._within(attribute, depth + 1)
            total += 1 + sum(count for count, _ in parts)
            levels = max(levels, *(height for _, height in parts))
            if total > MAX_NODES:
                raise _refusal(f"it expands to more than {MAX_NODES:,} nodes")
        return total, levels + 1

    def function(self, name: _Name, depth: int) -> tuple[int, int]:
        """Of a function's body; 0 and 0 if there is no such function."""
        function = self._functions.get(name)
        if function is None:
            return 0, 0
        if name in self._open:
            raise _refusal("one of its functions calls itself")
        if name not in self._known:
            self._open.add(name)
            self._known[name] = self.nodes(function.node, depth)
            self._open.discard(name)
        count, levels = self._known[name]
        if depth + levels > MAX_DEPTH + 1:
            raise _too_deep()
        return count, levels

    def _within(self, attribute: onnx.AttributeProto, depth: int) -> Iterator[tuple[int, int]]:
        """Of the subgraphs of an attribute; its tensors are looked at besides."""
        graphs = [*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs]
        held = [*((attribute.t,) if attribute.HasField("t") else ()), *attribute.tensors]
        for tensor in (*held, *(tensor for graph in graphs for tensor in graph.initializer)):
            _check_rank(tensor.name, len(tensor.dims))
        for graph in graphs:
            yield self.nodes(graph.node, depth)


def _name_of(domain: str, name: str, overload: str) -> _Name:
    return "" if domain == "ai.onnx" else domain, name, overload


def _check_rank(name: str, rank: int) -> None:
    if rank > MAX_RANK:
        raise ModelError("wrong_shapes", f"The tensor {name[:80]!r} has {rank:,} dimensions.")


def _refusal(reason: str) -> ModelError:
    return ModelError("unsupported_model", f"The model cannot be used: {reason}.")


def _too_deep() -> ModelError:
    return _refusal(f"its parts are nested more than {MAX_DEPTH} levels deep")
