"""The layers of a network that can be explained: tensors with height and width, in network order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import onnx

from resnet_desktop.bundle.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.bundle.graph_view import GraphView, readable_name

_ACTIVATIONS = (
    *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish"),
    *("Tanh", "Gelu", "Mish", "Softplus", "Swish"),
)
_KINDS = {
    "Conv": "convolution",
    "FusedConv": "convolution",
    "BatchNormalization": "batch norm",
    "Concat": "concatenation",
    "MaxPool": "pooling",
    "AveragePool": "pooling",
    **dict.fromkeys(_ACTIVATIONS, "activation"),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Attributes:
        name: for people and the command line, such as ``layer3.5``; no two layers share it.
        kind: ``residual block``, ``plain block``, ``activation``, ``pooling``, ``convolution`` ….
        shape: ``(channels, height, width)``.
        residual: whether a skip connection ends here.
        recommended: where explanations start: the last layer before the pooling.
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

    A bundle's are the stem and its blocks, by their names; another model's are its activations, sums and
    concatenations, and what stands where there is none. Empty if no layer has height and width.
    """
    arch = ARCHITECTURES.get(bundle.metadata.arch or "")
    view = bundle.view
    if arch is not None and all(view.producer(block.name) is not None for block in arch.blocks):
        found = _own(view, arch)
    else:
        found = _foreign(view)
    if not found:
        return ()
    tensors = [tensor for tensor, _, _ in found]
    best = bundle.features.name if bundle.features is not None else ""
    recommended = best if best in tensors else tensors[-1]
    names = _unique_names(view, tensors)
    return tuple(
        Layer(names[tensor], kind, _shape(view, tensor), residual, tensor == recommended, tensor)
        for tensor, kind, residual in found
    )


_Found = list[tuple[str, str, bool]]


def _own(view: GraphView, arch: Architecture) -> _Found:
    stem = [("relu", "activation", False), ("maxpool", "pooling", False)]
    kind = "residual block" if arch.residual else "plain block"
    blocks = [(block.name, kind, block.residual) for block in arch.blocks]
    return [layer for layer in (*stem, *blocks) if _is_spatial(view, layer[0])]


def _foreign(view: GraphView) -> _Found:
    found: _Found = []
    for node in view.nodes:
        tensor = node.output[0]
        if not _is_spatial(view, tensor) or node.domain:
            continue
        is_sum = node.op_type == "Add" and _is_skip_sum(view, node)
        behind_sum = node.op_type in _ACTIVATIONS and _is_sum(view, node.input[0])
        if is_sum or behind_sum:
            kind = "residual block"
        elif node.op_type in _KINDS:
            kind = _KINDS[node.op_type]
        else:
            continue
        if not _is_passed_on(view, tensor):
            found.append((tensor, kind, is_sum or behind_sum))
    return found


def _is_sum(view: GraphView, tensor: str) -> bool:
    node = view.producer(tensor)
    return node is not None and node.op_type == "Add" and _is_skip_sum(view, node)


def _is_skip_sum(view: GraphView, node: onnx.NodeProto) -> bool:
    """Whether an Add joins two paths of the network: neither side is a weight, both have the same shape."""
    shapes = [view.shape(name) for name in node.input]
    return shapes[0] == shapes[1] and not any(view.is_constant(name) for name in node.input)


def _is_passed_on(view: GraphView, tensor: str) -> bool:
    """Whether all that reads ``tensor`` is one batch norm or activation, which then stands for it."""
    readers = view.consumers(tensor)
    if len(readers) != 1 or tensor in view.outputs:
        return False
    kind = readers[0].op_type
    return kind == "BatchNormalization" or kind in _ACTIVATIONS


def _is_spatial(view: GraphView, tensor: str) -> bool:
    shape = view.shape(tensor)
    return len(shape) == 4 and None not in shape[1:] and (shape[2] or 0) * (shape[3] or 0) > 1


def _shape(view: GraphView, tensor: str) -> tuple[int, int, int]:
    _, channels, height, width = (d or 0 for d in view.shape(tensor))
    return channels, height, width


def _unique_names(view: GraphView, tensors: list[str]) -> dict[str, str]:
    """Readable names by tensor; where two would be the same, the graph's own names."""
    names = {tensor: readable_name(view, tensor) for tensor in tensors}
    count = Counter(names.values())
    return {tensor: name if count[name] == 1 else tensor for tensor, name in names.items()}
