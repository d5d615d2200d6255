"""The layers of a network that can be explained: tensors with height and width, in network order."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.builders.efficientnet import is_efficientnet_lite
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.structure.blocks import ACTIVATIONS, SAME, find_blocks, leading_to, summands
from resnet_desktop.bundle.structure.graph_view import GraphView, readable_name
from resnet_desktop.bundle.structure.grids import Grid

_KINDS = {
    "Conv": "convolution",
    "FusedConv": "convolution",
    "BatchNormalization": "batch norm",
    **dict.fromkeys(("QLinearConv", "ConvInteger"), "convolution"),
    **dict.fromkeys(("Concat", "QLinearConcat"), "concatenation"),
    "MaxPool": "pooling",
    "AveragePool": "pooling",
    **dict.fromkeys(ACTIVATIONS, "activation"),
}
_BLOCK_KINDS = ("residual block", "plain block", "inverted residual block", "inverted block")
_CURVES = ("Sigmoid", "HardSigmoid", "Erf", "Tanh", "Softplus", "Clip")
_WRITTEN_OUT = (*_CURVES, "Add", "Sub", "Mul", "Div", "Neg", "Pow", "Exp", "Log", *SAME)
"""What exporters write activations with that the operator set lacks: SiLU, GELU, Mish, hard-swish."""

_LONGEST = 16
"""Nodes of an activation that is written out, at most."""

_MOVED = ("Slice", "Split", "Gather", "Reshape", "Transpose", "Squeeze", "Unsqueeze", *SAME)
_REARRANGING = (*_MOVED, "Concat", "Neg", "Mul", "Add", "Sub")
_MOST_PIECES = 64
"""Tensors between a tensor and what is made of its pieces, at most."""

_OWN_DOMAINS = ("", "ai.onnx", "com.microsoft")


FINE_GRID = 7
"""Cells along a side from which the last layer's map is fine enough to be the recommended one."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Attributes:
        name: for people and the command line, such as ``layer3.5``; no two layers share it.
        kind: ``residual block``, ``plain block``, ``activation``, ``pooling``, ``convolution`` ….
        shape: ``(channels, height, width)``.
        residual: whether a skip connection ends here.
        recommended: where explanations start (see ``FINE_GRID``).
        tensor: the graph's name of it, as an output for ``serialized``. How it lies in memory the graph's layout says.
        note: what to know of its maps, in words; empty for ordinary layers.
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    residual: bool
    recommended: bool
    tensor: str
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """The layer as it stands in JSON output."""
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "residual": self.residual,
            "recommended": self.recommended,
            "note": self.note,
        }


def layers(bundle: Bundle) -> tuple[Layer, ...]:
    """The layers of a network that keep height and width, from input to output.

    A bundle's are the stem and its blocks, by their names; another model's are its residual blocks, activations, sums
    and concatenations, and what stands where there is none. Tokens count as a grid. Left out is what is not known to
    be a grid, and what has no part in the answer but by a class token. Empty if no layer has height and width.
    """
    arch = ARCHITECTURES.get(bundle.metadata.arch or "")
    view = bundle.view
    if arch is not None and all(view.producer(block.name) is not None for block in arch.blocks):
        found = _own(view, arch)
    elif is_efficientnet_lite(bundle.metadata.arch):
        found = _inverted(view)
    else:
        found = [layer for layer in _foreign(view, bundle.output_name) if not bundle.plan.adds(layer.tensor)]
    if not found:
        return ()
    recommended = _recommended(bundle, found)
    made = []
    for layer, name in zip(found, _unique_names(found), strict=True):
        grid = _grid(view, layer.tensor)
        first = layer.tensor == recommended
        made.append(Layer(name, layer.kind, grid.shape, layer.residual, first, layer.tensor, grid.note))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _Found:
    tensor: str
    name: str
    kind: str
    residual: bool = False


def _recommended(bundle: Bundle, found: list[_Found]) -> str:
    """Where explanations start: the last layer, or the one of its kind before its grid where that is very coarse.

    Maps of 7 x 7 cells, as the usual networks have at 224 pixels, point well; of 4 x 4 cells, as those at 128 pixels
    have, the stage before points better (the README has the table).
    """
    best = bundle.features.name if bundle.features is not None else ""
    last = next((layer for layer in found if layer.tensor == best), found[-1])
    sides = _grid(bundle.view, last.tensor).shape[1:]
    if min(sides) >= FINE_GRID:
        return last.tensor
    before = found[: found.index(last)]
    kinds = (last.kind, *_BLOCK_KINDS)
    finer = [x for x in before if x.kind in kinds and _grid(bundle.view, x.tensor).shape[1:] != sides]
    return (finer[-1] if finer else last).tensor


def _own(view: GraphView, arch: Architecture) -> list[_Found]:
    kind = "residual block" if arch.residual else "plain block"
    stem = [_Found("relu", "relu", "activation"), _Found("maxpool", "maxpool", "pooling")]
    blocks = [_Found(block.name, block.name, kind, block.residual) for block in arch.blocks]
    return [layer for layer in (*stem, *blocks) if view.layout.grid(layer.tensor) is not None]


def _inverted(view: GraphView) -> list[_Found]:
    """Stem, blocks and head of an EfficientNet-Lite; a block without a skip has no tensor ``blocks.N.residual``."""
    found = [_Found("stem", "stem", "activation")]
    for i in range(len(view.nodes)):
        name = f"blocks.{i}"
        if view.producer(name) is None:
            break
        residual = view.producer(f"{name}.residual") is not None
        kind = "inverted residual block" if residual else "inverted block"
        found.append(_Found(name, name, kind, residual))
    found.append(_Found("head", "head", "activation"))
    return [layer for layer in found if view.layout.grid(layer.tensor) is not None]


def _foreign(view: GraphView, logits: str) -> list[_Found]:
    blocks = {block.output: block.name for block in find_blocks(view)}
    leading = leading_to(view, logits) & view.layout.heard(logits)
    found = []
    for node in view.nodes:
        tensor = node.output[0]
        if node.domain not in _OWN_DOMAINS or tensor not in leading or view.layout.grid(tensor) is None:
            continue
        kind = _kind(view, node)
        if tensor in blocks:
            found.append(_Found(tensor, blocks[tensor], "residual block", residual=True))
        elif kind is not None and not _is_passed_on(view, tensor):
            found.append(_Found(tensor, readable_name(view, tensor), kind))
    return found


def _kind(view: GraphView, node: onnx.NodeProto) -> str | None:
    """What a layer made by ``node`` is called; None if it is no layer of its own."""
    operands = summands(node)
    if operands:
        is_sum = sum(not view.is_constant(name) for name in operands) > 1 and not _is_rearranged(view, node)
        return "sum" if is_sum else None
    if node.op_type == "Mul":
        return "activation" if _activated(view, node) else None
    if node.op_type == "Concat" and (_is_rolled(view, node) or _is_rearranged(view, node)):
        return None
    return _KINDS.get(node.op_type)


def _is_rolled(view: GraphView, node: onnx.NodeProto) -> bool:
    """Whether a concatenation puts the pieces of one tensor together again in another order."""
    makers = [view.producer(name) for name in node.input]
    sources = {maker.input[0] if maker is not None and maker.op_type in ("Slice", "Split") else "" for maker in makers}
    return len(sources) == 1 and "" not in sources and view.shape(node.output[0]) == view.shape(min(sources))


def _is_rearranged(view: GraphView, node: onnx.NodeProto) -> bool:
    """Whether ``node`` only puts pieces of one tensor together again, such as one turned by rotary positions."""
    found: set[str] = set()
    waiting, seen = [node], {node.output[0]}
    while waiting:
        reader = waiting.pop()
        if reader.op_type == "Concat" and any(map(view.is_constant, reader.input)):
            return False  # a token that is learnt is put before the others
        for name in reader.input[:1] if reader.op_type in _MOVED else reader.input:
            maker = view.producer(name)
            if view.is_constant(name) or name in seen:
                continue
            seen.add(name)
            if len(found) > 1 or len(seen) > _MOST_PIECES:
                return False
            if maker is not None and maker.op_type in _REARRANGING and not maker.domain:
                waiting.append(maker)
            else:
                found.add(name)
    source = view.layout.grid(found.pop()) if len(found) == 1 else None
    own = view.layout.grid(node.output[0])
    if source is None or own is None:
        return False
    return source.shape[1:] == own.shape[1:] and source.channels >= own.channels


def _activated(view: GraphView, node: onnx.NodeProto) -> set[str]:
    """The tensors x of which a product is ``x f(x)``, perhaps times a number: SiLU, GELU … written out."""
    operands = [name for name in node.input if not view.is_constant(name)]
    if len(operands) == 1:  # a half of it
        before = view.producer(operands[0])
        return _activated(view, before) if before is not None and before.op_type == "Mul" else set()
    if node.op_type != "Mul" or len(operands) != 2:
        return set()
    a, b = operands
    return (_curved(view, a) & _scaled(view, b)) | (_curved(view, b) & _scaled(view, a))


def _scaled(view: GraphView, tensor: str) -> set[str]:
    """``tensor`` and what it is a multiple of."""
    found = {tensor}
    node = view.producer(tensor)
    while node is not None and node.op_type in ("Mul", "Div", *SAME) and len(found) < _LONGEST:
        data = [name for name in node.input if not view.is_constant(name)]
        if len(data) != 1 or data[0] in found:
            break
        found.add(data[0])
        node = view.producer(data[0])
    return found


def _curved(view: GraphView, tensor: str) -> set[str]:
    """The tensors of which ``tensor`` is a function number by number, with a curve on the way."""
    found: set[str] = set()
    waiting = [(tensor, False)]
    seen: set[tuple[str, bool]] = set()
    while waiting and len(seen) < _LONGEST:
        name, curved = waiting.pop(0)
        if curved:
            found.add(name)
        node = view.producer(name)
        if node is None or node.op_type not in _WRITTEN_OUT or node.domain or (name, curved) in seen:
            continue
        seen.add((name, curved))
        curved = curved or node.op_type in _CURVES
        waiting += [(data, curved) for data in node.input if not view.is_constant(data)]
    return found


def _is_passed_on(view: GraphView, tensor: str) -> bool:
    """Whether all that reads ``tensor`` is one batch norm or activation, which then stands for it."""
    if tensor in view.outputs:
        return False
    readers = view.consumers(tensor)
    if readers and all(node.op_type in (*SAME, "Transpose") or _is_offset(view, node) for node in readers):
        return all(_is_passed_on(view, node.output[0]) for node in readers)
    if len(readers) == 1 and (readers[0].op_type == "BatchNormalization" or readers[0].op_type in ACTIVATIONS):
        return True
    return _ends_in_activation(view, readers)


def _is_offset(view: GraphView, node: onnx.NodeProto) -> bool:
    """Whether ``node`` adds a bias."""
    return node.op_type == "Add" and sum(not view.is_constant(name) for name in node.input) == 1


def _ends_in_activation(view: GraphView, readers: tuple[onnx.NodeProto, ...]) -> bool:
    """Whether all ways from ``readers`` end in one activation that is written out."""
    ends: set[str] = set()
    waiting, steps = list(readers), 0
    while waiting:
        node = waiting.pop()
        steps += 1
        if steps > _LONGEST or node.op_type not in _WRITTEN_OUT or node.domain:
            return False
        if node.op_type == "Mul" and _activated(view, node):
            ends.add(node.output[0])
        else:
            waiting.extend(view.consumers(node.output[0]))
    return len(ends) == 1


def _grid(view: GraphView, tensor: str) -> Grid:
    grid = view.layout.grid(tensor)
    assert grid is not None  # else the tensor is no layer
    return grid


def _unique_names(found: list[_Found]) -> list[str]:
    """Readable names; where two would be the same, the second keeps the graph's own, with a number if need be.

    Residual blocks choose first.
    """
    taken: set[str] = set()
    names: dict[str, str] = {}
    for layer in sorted(found, key=lambda layer: not layer.residual):
        numbered = (f"{layer.name} ({i})" for i in range(2, len(found) + 2))
        name = next(n for n in (layer.name, layer.tensor, *numbered) if n not in taken)
        taken.add(name)
        names[layer.tensor] = name
    return [names[layer.tensor] for layer in found]
