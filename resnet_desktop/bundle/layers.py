"""The layers of a network that can be explained: tensors with height and width, in network order."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from resnet_desktop.bundle.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.blocks import ACTIVATIONS, SAME, find_blocks, leading_to
from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.bundle.graph.efficientnet import is_efficientnet_lite
from resnet_desktop.bundle.graph_view import GraphView, readable_name

_KINDS = {
    "Conv": "convolution",
    "FusedConv": "convolution",
    "BatchNormalization": "batch norm",
    "Concat": "concatenation",
    "MaxPool": "pooling",
    "AveragePool": "pooling",
    **dict.fromkeys(ACTIVATIONS, "activation"),
}
_GATES = ("Sigmoid", "HardSigmoid")
_BLOCK_KINDS = ("residual block", "plain block", "inverted residual block", "inverted block")


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
        tensor: the graph's name of it, as an output for ``serialized``.
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    residual: bool
    recommended: bool
    tensor: str

    def as_dict(self) -> dict[str, object]:
        """The layer as it stands in JSON output."""
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "residual": self.residual,
            "recommended": self.recommended,
        }


def layers(bundle: Bundle) -> tuple[Layer, ...]:
    """The layers of a network that keep height and width, from input to output.

    A bundle's are the stem and its blocks, by their names; another model's are its residual blocks, activations, sums
    and concatenations, and what stands where there is none. Empty if no layer has height and width.
    """
    arch = ARCHITECTURES.get(bundle.metadata.arch or "")
    view = bundle.view
    if arch is not None and all(view.producer(block.name) is not None for block in arch.blocks):
        found = _own(view, arch)
    elif is_efficientnet_lite(bundle.metadata.arch):
        found = _inverted(view)
    else:
        found = _foreign(view, bundle.output_name)
    if not found:
        return ()
    recommended = _recommended(bundle, found)
    return tuple(
        Layer(name, layer.kind, _shape(view, layer.tensor), layer.residual, layer.tensor == recommended, layer.tensor)
        for layer, name in zip(found, _unique_names(found), strict=True)
    )


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
    grid = bundle.view.shape(last.tensor)[2:]
    if min(side or 0 for side in grid) >= FINE_GRID:
        return last.tensor
    before = found[: found.index(last)]
    kinds = (last.kind, *_BLOCK_KINDS)
    finer = [x for x in before if x.kind in kinds and bundle.view.shape(x.tensor)[2:] != grid]
    return (finer[-1] if finer else last).tensor


def _own(view: GraphView, arch: Architecture) -> list[_Found]:
    kind = "residual block" if arch.residual else "plain block"
    stem = [_Found("relu", "relu", "activation"), _Found("maxpool", "maxpool", "pooling")]
    blocks = [_Found(block.name, block.name, kind, block.residual) for block in arch.blocks]
    return [layer for layer in (*stem, *blocks) if _is_spatial(view, layer.tensor)]


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
    return [layer for layer in found if _is_spatial(view, layer.tensor)]


def _foreign(view: GraphView, logits: str) -> list[_Found]:
    blocks = {block.output: block.name for block in find_blocks(view)}
    leading = leading_to(view, logits)
    found = []
    for node in view.nodes:
        tensor = node.output[0]
        if node.domain or tensor not in leading or not _is_spatial(view, tensor):
            continue
        kind = _kind(view, node)
        if tensor in blocks:
            found.append(_Found(tensor, blocks[tensor], "residual block", residual=True))
        elif kind is not None and not _is_passed_on(view, tensor):
            found.append(_Found(tensor, readable_name(view, tensor), kind))
    return found


def _kind(view: GraphView, node: onnx.NodeProto) -> str | None:
    """What a layer made by ``node`` is called; None if it is no layer of its own."""
    if node.op_type in ("Add", "Sum"):
        return "sum" if sum(not view.is_constant(name) for name in node.input) > 1 else None
    if node.op_type == "Mul":  # x * sigmoid(x), as exporters write the activation SiLU
        gates = [_gated(view, name) for name in node.input]
        return "activation" if set(gates) & set(node.input) else None
    return _KINDS.get(node.op_type)


def _gated(view: GraphView, tensor: str) -> str | None:
    """x, if ``tensor`` is sigmoid(x)."""
    node = view.producer(tensor)
    return str(node.input[0]) if node is not None and node.op_type in _GATES else None


def _is_passed_on(view: GraphView, tensor: str) -> bool:
    """Whether all that reads ``tensor`` is one batch norm or activation, which then stands for it."""
    if tensor in view.outputs:
        return False
    readers = view.consumers(tensor)
    if len(readers) == 2 and any(_kind(view, node) == "activation" and node.op_type == "Mul" for node in readers):
        return True
    if len(readers) != 1:
        return False
    (reader,) = readers
    if reader.op_type in SAME:
        return _is_passed_on(view, reader.output[0])
    gate = reader.op_type == "Mul" and _gated(view, tensor) in reader.input
    return gate or reader.op_type == "BatchNormalization" or reader.op_type in ACTIVATIONS


def _is_spatial(view: GraphView, tensor: str) -> bool:
    shape = view.shape(tensor)
    return len(shape) == 4 and None not in shape[1:] and (shape[2] or 0) * (shape[3] or 0) > 1


def _shape(view: GraphView, tensor: str) -> tuple[int, int, int]:
    _, channels, height, width = (d or 0 for d in view.shape(tensor))
    return channels, height, width


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
