"""Residual blocks, found by the shape of the graph alone: x + F(x), whatever the exporter called it.

He et al. 2015 (arXiv:1512.03385) add first and apply ReLU to the sum; He et al. 2016 (arXiv:1603.05027) leave the sum
as it is and put the activations into F. Both are one Add (or Sum) of two tensors of one shape that part from the same
tensor x: one side goes through convolutions or matrix products, the other is x or a projection of it. In a transformer
(Vaswani et al. 2017, arXiv:1706.03762) attention is one such block, and the layers behind it are another.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView, readable_name

ACTIVATIONS = (
    *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish"),
    *("Tanh", "Gelu", "BiasGelu", "FastGelu", "QuickGelu", "Mish", "Softplus", "Swish"),
)
CONVOLUTIONS = ("Conv", "FusedConv", "QLinearConv", "ConvInteger")
_WEIGHTED = (
    *CONVOLUTIONS,
    *("MatMul", "Gemm", "FusedMatMul", "MatMulInteger", "DynamicQuantizeMatMul", "QLinearMatMul", "QGemm", "Einsum"),
    "MatMulNBits",
)
"""What a path that computes goes through: convolutions, and the matrix products of transformers."""

SAME = ("Identity", "Dropout", "Cast", "QuantizeLinear", "DequantizeLinear")
"""Operators that hand on what they get, but for rounding."""

_MOVED = ("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze")
"""Operators that hand on all numbers in another shape."""

_ON_A_SKIP = (
    *(*_WEIGHTED, "BatchNormalization", "LayerNormalization", "AveragePool", "MaxPool", "QLinearAveragePool"),
    *("Pad", "Slice", "Concat", "Mul", "Div", "Add", "Sub"),
)
"""What a skip may pass on its way: a projection, or what makes a smaller grid or more channels of x (He et al. 2015,
options A and B; pooled projections). Sums and products only with constants."""

_GENERIC = re.compile(
    r"([a-z]|relu|add|sum|act|activation|clip|leakyrelu|identity|node|output|tensor|val|value|module|model)?[\W_\d]*"
)
_OF_THE_OPERATOR = re.compile(r"(relu|act|activation|add|sum|final_act|nonlin)[_\d]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ResidualBlock:
    """One residual block.

    Attributes:
        name: for people, such as ``layer3.1`` or ``stage 3, block 2``; no two blocks share it.
        output: the tensor that the block hands on: the sum, or what its activation makes of it.
        total: the sum.
        residual: F(x), an input of the sum.
        skip: its other input.
        source: x, where the two paths part.
        identity: whether the skip is x itself, and no projection of it.
        activation: the operator right behind the sum, such as ``Relu``; None where the sum is handed on as it is.
        stage: from 1, by resolution.
        shape: of the output, ``(channels, height, width)``.
    """

    name: str
    output: str
    total: str
    residual: str
    skip: str
    source: str
    identity: bool
    activation: str | None
    stage: int
    shape: tuple[int, int, int]


def find_blocks(view: GraphView) -> tuple[ResidualBlock, ...]:
    """The residual blocks of a network, from input to output; none in networks that concatenate or only stack."""
    finder = _Finder(view)
    blocks = [block for node in view.nodes if (block := finder.block(node)) is not None]
    sizes = resolutions(view, blocks)
    numbered = [replace(block, stage=sizes.index(block.shape[1:]) + 1) for block in blocks]
    return tuple(replace(block, name=name) for block, name in zip(numbered, _names(view, numbered), strict=True))


def resolutions(view: GraphView, blocks: Sequence[ResidualBlock]) -> tuple[tuple[int, int], ...]:
    """Height and width of each stage, from fine to coarse: the grids that convolutions work on.

    In a network with residual blocks the first stage is that of the first block; what is finer is its stem.
    """
    sizes = {block.shape[1:] for block in blocks}
    largest = max((height * width for height, width in sizes), default=None)
    for node in view.nodes:
        grid = view.layout.grid(node.output[0]) if node.op_type in CONVOLUTIONS else None
        if grid is not None and (largest is None or grid.height * grid.width <= largest):  # 1 x 1: a gate or the head
            sizes.add((grid.height, grid.width))
    return tuple(sorted(sizes, key=lambda size: (-size[0] * size[1], size)))


def leading_to(view: GraphView, tensor: str) -> set[str]:
    """The tensors that ``tensor`` is computed from, itself and weights among them."""
    leading = {tensor}
    for node in reversed(view.nodes):
        if not leading.isdisjoint(node.output):
            leading.update(node.input)
    return leading


def summands(node: onnx.NodeProto) -> list[str]:
    """What a sum is made of; nothing if ``node`` is no sum."""
    if node.op_type == "QLinearAdd":
        return [node.input[0], node.input[3]]
    return list(node.input) if node.op_type in ("Add", "Sum") and not node.domain else []


class _Finder:
    """Looks at one sum after the other."""

    def __init__(self, view: GraphView) -> None:
        self._view = view
        self._index = {name: i for i, node in enumerate(view.nodes) for name in node.output if name}

    def block(self, node: onnx.NodeProto) -> ResidualBlock | None:
        """The block that ends in this sum; None if it is none."""
        operands = summands(node)
        if len(operands) != 2:
            return None
        shape = self._view.shape(node.output[0])
        grid = self._view.layout.grid(node.output[0])
        if grid is None or any(self._view.shape(name) != shape for name in operands):
            return None
        a, b = operands
        found = [part for part in (self._parted(a, b), self._parted(b, a)) if part is not None]
        if not found:
            return None
        best = max(found, key=lambda part: (part.identity, part.lead))
        output, activation = self._handed_on(node.output[0])
        return ResidualBlock(
            name="",
            output=output,
            total=node.output[0],
            residual=best.residual,
            skip=best.skip,
            source=self._behind_same(best.source),
            identity=best.identity,
            activation=activation,
            stage=0,
            shape=grid.shape,
        )

    def _parted(self, skip: str, residual: str) -> _Parted | None:
        """Whether ``skip`` leads back to a tensor that ``residual`` is computed from by more convolutions."""
        path = list(self._skip_path(skip))
        reached = self._convolutions_behind(residual, min(self._index.get(tensor, -1) for tensor, _, _ in path))
        for tensor, convolutions, identity in path:
            if reached.get(tensor, 0) > convolutions:
                return _Parted(skip, residual, tensor, identity, reached[tensor] - convolutions)
        return None

    def _skip_path(self, tensor: str) -> Iterator[tuple[str, int, bool]]:
        """``tensor`` and what lies before it on a skip: with the convolutions so far and whether it is still the same.

        At most one convolution: two would be a path that computes.
        """
        convolutions, identity = 0, True
        while True:
            yield tensor, convolutions, identity
            node = self._view.producer(tensor)
            if node is None or node.op_type not in (*SAME, *_MOVED, *_ON_A_SKIP):
                return
            inputs = self._inputs(node)
            convolutions += node.op_type in _WEIGHTED
            if len(inputs) != 1 or convolutions > 1:
                return
            identity = identity and node.op_type in (*SAME, *_MOVED)
            tensor = inputs[0]

    def _convolutions_behind(self, tensor: str, floor: int) -> dict[str, int]:
        """The tensors that ``tensor`` is computed from, down to the node ``floor``; with the convolutions between."""
        most = {tensor: 0}
        waiting: list[int] = []
        seen: set[int] = set()
        self._enqueue(tensor, floor, waiting, seen)
        while waiting:  # the latest node first: all its readers have been here before it
            node = self._view.nodes[-heappop(waiting)]
            passed = max(most[name] for name in node.output if name in most) + (node.op_type in _WEIGHTED)
            for name in self._inputs(node):
                most[name] = max(most.get(name, 0), passed)
                self._enqueue(name, floor, waiting, seen)
        return most

    def _enqueue(self, tensor: str, floor: int, waiting: list[int], seen: set[int]) -> None:
        index = self._index.get(tensor, -1)
        if index > floor and index not in seen:
            seen.add(index)
            heappush(waiting, -index)

    def _inputs(self, node: onnx.NodeProto) -> list[str]:
        places = slice(0, 1) if node.op_type in _MOVED else slice(None)  # a shape is no way
        return [name for name in dict.fromkeys(node.input[places]) if not self._view.is_constant(name)]

    def _behind_same(self, tensor: str) -> str:
        node = self._view.producer(tensor)
        while node is not None and node.op_type in SAME:
            tensor = node.input[0]
            node = self._view.producer(tensor)
        return tensor

    def _handed_on(self, total: str) -> tuple[str, str | None]:
        """The block's output and its activation: an activation counts if nothing else reads the sum."""
        tensor = total
        while tensor not in self._view.outputs:
            readers = self._view.consumers(tensor)
            if len(readers) != 1:
                break
            node = readers[0]
            if node.op_type in ACTIVATIONS:
                return str(node.output[0]), str(node.op_type)
            if node.op_type not in SAME:
                break
            tensor = str(node.output[0])
        return total, None


@dataclass(frozen=True, slots=True)
class _Parted:
    skip: str
    residual: str
    source: str
    identity: bool
    lead: int
    """How many more convolutions the residual path has."""


def _names(view: GraphView, blocks: list[ResidualBlock]) -> list[str]:
    """The graph's own names without the operator at their end; ``stage 3, block 2`` where they say nothing."""
    own = [block_name(readable_name(view, block.output)) for block in blocks]
    if all(own) and len(set(own)) == len(own):
        return [name for name in own if name is not None]
    place: dict[int, int] = defaultdict(int)
    names = []
    for block in blocks:
        place[block.stage] += 1
        names.append(f"stage {block.stage}, block {place[block.stage]}")
    return names


def block_name(name: str) -> str | None:
    """A block's name from the readable one of its output: ``layer4.2`` from ``layer4.2.relu_2``; None for ``relu_12``.

    An operator's name and a number say nothing about the place in the network.
    """
    parts = name.split(".")
    while len(parts) > 1 and _OF_THE_OPERATOR.fullmatch(parts[-1]):
        parts.pop()
    name = ".".join(parts)
    return None if _GENERIC.fullmatch(name.lower()) else name
