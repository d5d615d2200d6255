"""What a network is made of: shape, parameters and multiply-adds of every part, and the totals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import onnx

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.builders.efficientnet import is_efficientnet_lite
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.structure.graph_view import GraphView, attributes, readable_name

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16)
_SETTINGS = ("Cast", "Clip", "Constant", "ConstantOfShape", "Dropout", "Pad", "Range", "Resize", "TopK", "Upsample")
"""Operators whose constant inputs are settings, or stand for another operator's weights."""


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the network.

    Attributes:
        name: such as ``layer3.5``.
        kind: such as ``residual block``.
        shape: of its output without the batch, ``(channels, height, width)`` or ``(features,)``; empty if not known.
        parameters: trained numbers in it (the running statistics of batch norms are not trained).
        multiply_adds: of convolutions and matrix products, for one image.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Every part in network order, and the totals."""

    rows: tuple[Row, ...]
    total_parameters: int
    total_multiply_adds: int


def summarize(bundle: Bundle) -> Summary:
    """Count a network: a bundle by its stem, blocks and head, another model by its operators that compute."""
    arch = ARCHITECTURES.get(bundle.metadata.arch or "")
    view = bundle.view
    ours = arch is not None or is_efficientnet_lite(bundle.metadata.arch)
    if arch is not None:
        group = _own_group(arch)
    else:
        group = _inverted_group(view) if ours else _foreign_group(view)
    rows: dict[str, Row] = {}
    counted: set[str] = set()
    for node in view.nodes:
        found = group(node)
        if found is None or bundle.plan.adds(node.output[0]):
            continue
        name, kind = found
        parameters, multiply_adds = _parameters(view, node, counted), _multiply_adds(view, node) * _pieces(view, node)
        old = rows.get(name)
        if old is not None:
            parameters, multiply_adds = parameters + old.parameters, multiply_adds + old.multiply_adds
        rows[name] = Row(name, kind, _output_shape(view, node), parameters, multiply_adds)
    # Operators that share weights, or only move numbers, are no news to the reader of a foreign model.
    kept = tuple(row for row in rows.values() if ours or row.parameters or row.multiply_adds)
    return Summary(kept, sum(r.parameters for r in kept), sum(r.multiply_adds for r in kept))


_Group = Callable[[onnx.NodeProto], tuple[str, str] | None]


def _own_group(arch: Architecture) -> _Group:
    kinds = {block.name: "residual block" if block.residual else "plain block" for block in arch.blocks}
    stem = dict.fromkeys(("conv1", "bn1", "relu"), "stem") | dict.fromkeys(("maxpool", "pool", "avgpool"), "pooling")
    rows = {"pool": "avgpool", "bn1": "conv1", "relu": "conv1"}

    def group(node: onnx.NodeProto) -> tuple[str, str] | None:
        if node.op_type == "Cast":
            return None
        name = node.output[0]
        block = ".".join(name.split(".")[:2])
        if block in kinds:
            return block, kinds[block]
        if name in stem:
            return rows.get(name, name), stem[name]
        if name.startswith("head."):
            return block, "hidden layer"
        if node.op_type == "Gemm":  # the last linear layer goes by its weight's name: its output is ``logits``
            return node.input[1].removesuffix(".f32").removesuffix(".weight"), "linear"
        return name, node.op_type

    return group


def _inverted_group(view: GraphView) -> _Group:
    """The parts of an EfficientNet-Lite; a block without a skip has no tensor ``blocks.N.residual``."""
    rows = dict.fromkeys(("conv_stem", "bn0", "stem"), ("conv_stem", "stem"))
    rows |= dict.fromkeys(("conv_head", "bn1", "head"), ("conv_head", "1 x 1 convolution"))
    rows |= dict.fromkeys(("pool", "avgpool"), ("avgpool", "pooling"))

    def group(node: onnx.NodeProto) -> tuple[str, str] | None:
        name = node.output[0]
        if node.op_type == "Cast":
            return None
        if not name.startswith("blocks."):
            return rows.get(name, ("fc", "linear"))
        block = ".".join(name.split(".")[:2])
        residual = view.producer(f"{block}.residual") is not None
        return block, "inverted residual block" if residual else "inverted block"

    return group


def _foreign_group(view: GraphView) -> _Group:
    def group(node: onnx.NodeProto) -> tuple[str, str] | None:
        if all(view.is_constant(name) for name in node.output):
            return None
        return readable_name(view, node.output[0]), node.op_type

    return group


def _parameters(view: GraphView, node: onnx.NodeProto, counted: set[str]) -> int:
    """Trained numbers that ``node`` reads and no node before it has read."""
    if node.op_type in _SETTINGS:
        return 0
    names = node.input[1:3] if node.op_type == "BatchNormalization" else node.input
    total = 0
    for name in names:
        source = _weight(view, name)
        if source is not None and source not in counted:
            counted.add(source)
            total += math.prod(d or 0 for d in view.shape(source))
    return total


def _weight(view: GraphView, name: str) -> str | None:
    """The float initializer (or Constant) behind ``name``."""
    while name not in view.initializers:
        node = view.producer(name)
        if node is None:
            return None
        if node.op_type == "Constant":
            break
        if node.op_type not in ("Cast", "Identity", "Transpose", "DequantizeLinear") or not node.input:
            return None
        name = node.input[0]
    found = view.tensors.get(name)
    is_integer_weight = found is not None and found.type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
    return name if found is not None and (found.type in _FLOATS or is_integer_weight) else None


def _multiply_adds(view: GraphView, node: onnx.NodeProto) -> int:
    """Multiply-adds of ``node`` for one image; 0 where a shape is not known."""
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul") or len(node.input) < 2:
        return 0
    out, a, b = (view.shape(name) for name in (node.output[0], node.input[0], node.input[1]))
    if not out or not a or not b or None in (*out[1:], *a[1:], *b[1:]):
        return 0
    if node.op_type == "Conv":
        return math.prod(d or 0 for d in (*out[1:], *b[1:]))
    if node.op_type == "ConvTranspose":
        return math.prod(d or 0 for d in (*a[1:], *b[1:]))
    depth = a[0] if attributes(node).get("transA", 0) else a[-1]
    return math.prod(d or 0 for d in (*out[1:], depth))


def _pieces(view: GraphView, node: onnx.NodeProto) -> int:
    """How many entries of the first axis of a node's output belong to one image: windows and tokens may lie in it."""
    name = node.output[0]
    axes, shape = view.layout.axes(name), view.shape(name)
    if axes is None or not shape:
        return 1
    known = axes[0].kinds
    if "batch" not in known and shape[0] == view.shape(view.inputs[0])[0]:
        return 1
    return math.prod(factor.size or 1 for factor in axes[0].factors if factor.kind != "batch")


def _output_shape(view: GraphView, node: onnx.NodeProto) -> tuple[int, ...]:
    shape, pieces = view.shape(node.output[0])[1:], _pieces(view, node)
    return tuple(d or 0 for d in ((pieces, *shape) if pieces > 1 else shape))
