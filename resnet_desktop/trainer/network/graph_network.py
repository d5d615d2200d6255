"""A network of PyTorch made from the graph of any classifier: its own weights, its own nodes, and a new head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.graph.base import Base
from resnet_desktop.bundle.graph.nodes import Graph, GraphNode
from resnet_desktop.bundle.structure.constants import operated
from resnet_desktop.core.errors import JobError
from resnet_desktop.trainer.graph import RULES
from resnet_desktop.trainer.graph.names import NORM_PARTS, Names
from resnet_desktop.trainer.graph.normalization import EPSILON
from resnet_desktop.trainer.graph.rule import Array, Value, refused, tensor
from resnet_desktop.trainer.network.classifier import Classifier, is_head, own_depth, part_name

_KNOWN_SIZES = 8
"""Sizes of batches and pictures whose shape arithmetic is remembered."""
_FRESH = ("BatchNormalization", "Conv", "Add", "Sum", "Gemm", "MatMul")
"""Operators whose backward pass does not need what they gave: an activation may be written over it."""


class GraphNetwork(Classifier):
    """The graph up to its features, and a head.

    Args:
        graph: ends in features ``[batch, width]``.
        stages: the stage of each tensor, as ``bundle.graph.stages`` tells it.
        width: how many features.
        classes: how many logits.
        hidden: sizes of hidden layers in the head.
        dropout: on the features while training.
        arch: the name of the architecture, if it has one.
        reduction: as in ``Classifier``.

    Raises:
        JobError: an operator has no rule here, or the graph computes with whole numbers.
    """

    def __init__(
        self,
        graph: Graph,
        stages: Mapping[str, int],
        *,
        width: int,
        classes: int,
        hidden: tuple[int, ...] = (),
        dropout: float = 0.0,
        arch: str = "",
        reduction: int = 32,
    ) -> None:
        super().__init__()
        _check(graph)
        self.width, self.arch, self.reduction = width, arch, reduction
        self.graph = graph
        self.constants = _Constants({n: a for n, a in graph.constants.items() if a.size > 1 and a.dtype.kind == "f"})
        self._fixed: dict[str, Value] = {n: a for n, a in graph.constants.items() if n not in self.constants.places}
        names = Names(self)
        self._norms: dict[str, str] = {}
        self._held: list[tuple[str, nn.Module, str]] = []
        self._take_arrays(names)
        self.add_head(classes, hidden, dropout)
        self.initializers = names.initializers
        for name, module, key in self._held:
            if name in graph.statistics:  # of a batch norm that is none of PyTorch's: they stay as they are
                module.get_parameter(key).requires_grad = False
        self._depths = _depths(graph, stages)
        self._overwritten = _overwritten(graph)
        self._last_reader = _last_readers(graph.nodes, graph.output)
        self.graph = graph.bare()  # the arrays are held by now
        integers = any(array.dtype.kind in "iu" for array in graph.constants.values())
        self.traceable = not integers and all(node.op not in ("Shape", "Size") for node in graph.nodes)
        self._known: dict[tuple[int, ...], dict[str, Array]] = {}
        self._cut: tuple[str, frozenset[int]] | None = None
        self.base: Base | None = None
        """What it was made from, and is exported to."""

    @property
    def last_stage(self) -> int:
        """The number of the last stage."""
        if self.arch in ARCHITECTURES:
            return len(ARCHITECTURES[self.arch].depths)
        return max(self._depths.values(), default=0)

    def depth(self, name: str) -> int:
        """The stage of a parameter of the body: 0 for what comes first."""
        if self.arch in ARCHITECTURES:
            return own_depth(name)
        return self._depths.get(self.initializers.get(name, ""), 0)

    def part(self, name: str) -> str:
        """What the part is called that a parameter belongs to."""
        if self.arch in ARCHITECTURES:
            return part_name(name)
        depth = self.depth(name)
        return "head" if is_head(name) else "stem" if not depth else f"stage {depth}"

    def freeze_before(self, stage: int) -> None:
        """Leave the body free from ``stage`` on."""
        for name, parameter in self.named_parameters():
            if not is_head(name) and self.depth(name) < stage:
                parameter.requires_grad = False
        self._cut = self._where_learning_begins()

    def pooled(self, x: Tensor) -> Tensor:
        """From normalized pictures ``[batch, 3, h, w]`` to features ``[batch, width]``."""
        return self._computed(self.graph.input, x, range(len(self.graph.nodes)), self.graph.output)

    def frozen_part(self, x: Tensor) -> Tensor:
        """What the nodes in front of all that learns make of pictures, if one tensor holds it."""
        if self._cut is None:
            return x
        name, learning = self._cut
        return self._computed(self.graph.input, x, [i for i in range(len(self.graph.nodes)) if i not in learning], name)

    def learning_part(self, x: Tensor) -> Tensor:
        """Logits from what ``frozen_part`` gave."""
        if self._cut is None:
            logits: Tensor = self(x)
            return logits
        name, learning = self._cut
        return self.classify(self._computed(name, x, sorted(learning), self.graph.output))

    @torch.inference_mode()
    def tensors(self, x: Tensor) -> dict[str, Tensor]:
        """All tensors of floats that the nodes make of pictures."""
        seen: dict[str, Tensor] = {}
        self._computed(self.graph.input, x, range(len(self.graph.nodes)), self.graph.output, seen)
        return seen

    def arrays(self) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """Weights and running statistics of the body by the initializers' names, float32."""
        state = self.state_dict()
        return {name: state[key].detach().float().cpu().contiguous().numpy() for key, name in self.initializers.items()}

    def _computed(
        self, start: str, x: Tensor, places: Iterable[int], end: str, seen: dict[str, Tensor] | None = None
    ) -> Tensor:
        """Compute the nodes at ``places`` with ``x`` for ``start``; the tensor ``end``. ``seen`` gets copies."""
        values: dict[str, Value] = {**self._fixed, **self.constants.values(), start: x}
        values |= {name: module.get_parameter(key) for name, module, key in self._held}
        known = self._known.get(x.shape) if start == self.graph.input else {}
        sizes: dict[str, Array] = {}
        for place in places:
            node = self.graph.nodes[place]
            if known and node.outputs[0] in known:
                values[node.outputs[0]] = known[node.outputs[0]]
                continue
            found = self._node(node, [values.get(name) for name in node.inputs])
            for name, value in zip(node.outputs, found, strict=False):
                values[name] = value
                if not isinstance(value, Tensor):
                    sizes[name] = value
                elif seen is not None and value.is_floating_point():
                    seen[name] = value.clone()
            for name in self._last_reader.get(place, ()):
                if name != end:
                    values.pop(name, None)
        if known is None and len(self._known) < _KNOWN_SIZES:
            self._known[tuple(x.shape)] = sizes
        return tensor(values[end])

    def _node(self, node: GraphNode, inputs: list[Value | None]) -> tuple[Value, ...] | list[Value]:
        name = node.outputs[0]
        if name in self._norms:
            return [self.get_submodule(self._norms[name])(inputs[0])]
        if name in self._overwritten:
            assert isinstance(inputs[0], Tensor), "made by a node"
            return [functional.relu(inputs[0], inplace=True)]
        if not any(isinstance(value, Tensor) for value in inputs):
            value = operated(node.op, [x for x in inputs if not isinstance(x, Tensor)], node.given)
            if value is not None:
                return [value]
        found = RULES[node.op](node, inputs)
        return [found] if isinstance(found, (Tensor, np.ndarray)) else list(found)

    def _take_arrays(self, names: Names) -> None:
        """Register parameters and batch norms in the order of the nodes, from the picture on."""
        arrays = {**self.graph.weights, **self.graph.statistics}
        taken: set[str] = set()
        for node in self.graph.nodes:
            if node.op == "BatchNormalization" and all(name in arrays for name in node.inputs[1:5]):
                norm = _norm(node, [torch.from_numpy(np.array(arrays[name])) for name in node.inputs[1:5]])
                self._norms[node.outputs[0]] = names.norm(node.inputs[1:5], norm)
                continue
            for name in node.inputs:
                if name in arrays and name not in taken:
                    taken.add(name)
                    parameter = nn.Parameter(torch.from_numpy(np.array(arrays[name])))
                    self._held.append((name, *names.parameter(name, parameter)))

    def _where_learning_begins(self) -> tuple[str, frozenset[int]] | None:
        """The tensor that is all that the learning nodes read of the others, and those nodes; None if there is none."""
        free = {self.initializers.get(name) for name, p in self.named_parameters() if p.requires_grad}
        learning: set[int] = set()
        made: set[str] = set()
        for i, node in enumerate(self.graph.nodes):
            if not free.isdisjoint(node.inputs) or not made.isdisjoint(node.inputs):
                learning.add(i)
                made.update(node.outputs)
        before = {name for i, node in enumerate(self.graph.nodes) if i not in learning for name in node.outputs}
        read = {name for i in learning for name in self.graph.nodes[i].inputs} & (before | {self.graph.input})
        if not learning:
            read = {self.graph.output}
        return (read.pop(), frozenset(learning)) if len(read) == 1 and self.graph.input not in read else None


def _norm(node: GraphNode, arrays: list[Tensor]) -> _BatchNorm:
    """The batch norm of a node, with its weight, bias, running mean and variance."""
    momentum = 1 - float(node.given.get("momentum", 0.9))
    norm = _BatchNorm(len(arrays[0]), eps=float(node.given.get("epsilon", EPSILON)), momentum=momentum)
    norm.load_state_dict(dict(zip(NORM_PARTS, arrays, strict=True)), strict=False)
    return norm


class _BatchNorm(nn.BatchNorm2d):
    """Of any number of axes behind the channels."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - as in PyTorch
        del input


class _Constants(nn.Module):
    """Arrays that go where the network goes, and that no training changes."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        super().__init__()
        self.places = {name: f"array{i}" for i, name in enumerate(arrays)}
        for name, place in self.places.items():
            self.register_buffer(place, torch.from_numpy(np.array(arrays[name])), persistent=False)
        self.eval()

    def train(self, mode: bool = True) -> _Constants:
        """They never train."""
        del mode
        return self

    def values(self) -> dict[str, Tensor]:
        """The arrays by name."""
        return {name: self.get_buffer(place) for name, place in self.places.items()}


def _check(graph: Graph) -> None:
    if graph.quantized:
        message = "The base uses 8-bit integers, so only its last layer can be trained."
        raise JobError("bad_job", message, "Train only its last layer, or choose the unquantized model.")
    for node in graph.nodes:
        if node.op not in RULES:
            raise refused(node)


def _depths(graph: Graph, stages: Mapping[str, int]) -> dict[str, int]:
    """The stage of each weight: that of the first node which depends on it."""
    found: dict[str, int] = {}
    through: dict[str, set[str]] = {name: {name} for name in (*graph.weights, *graph.statistics)}
    for node in graph.nodes:
        weights = set().union(*(through.get(name, ()) for name in node.inputs))
        if node.outputs[0] in stages:
            for weight in weights:
                found[weight] = min(found.get(weight, stages[node.outputs[0]]), stages[node.outputs[0]])
        elif weights:  # what is made of weights alone
            through |= dict.fromkeys(node.outputs, weights)
    return found


def _overwritten(graph: Graph) -> frozenset[str]:
    """What those ReLUs give whose input nobody else reads and nothing needs on the way back."""
    readers: dict[str, int] = {graph.output: 1}
    for node in graph.nodes:
        for name in node.inputs:
            readers[name] = readers.get(name, 0) + 1
    fresh = {node.outputs[0] for node in graph.nodes if node.op in _FRESH}
    return frozenset(
        node.outputs[0]
        for node in graph.nodes
        if node.op == "Relu" and node.inputs[0] in fresh and readers[node.inputs[0]] == 1
    )


def _last_readers(nodes: Iterable[GraphNode], output: str) -> dict[int, list[str]]:
    """Which tensors nobody reads any more behind each node."""
    last: dict[str, int] = {}
    for i, node in enumerate(nodes):
        last |= dict.fromkeys((*node.inputs, *node.outputs), i)
    found: dict[int, list[str]] = {}
    for name, place in last.items():
        if name and name != output:
            found.setdefault(place, []).append(name)
    return found
