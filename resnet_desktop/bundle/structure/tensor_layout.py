"""Where in a network's tensors the picture lies: which axes are channels, rows and columns, by the operators.

Convolutions and poolings say what their axes are; from there it is handed on, through transposes, reshapes, products.
The rank of a tensor says nothing: ``[n, 7, 7, 576]`` may be 7 channels or 576.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import onnx

from resnet_desktop.bundle.structure.axes import Axes, Kind, length, single
from resnet_desktop.bundle.structure.axis_rules import (
    At,
    AxisRule,
    broadcast,
    concatenated,
    einsum,
    gathered,
    in_another_shape,
    product,
    reduced,
    same,
    sliced,
    split,
    transposed,
)
from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.bundle.structure.grids import Grid, grid_of
from resnet_desktop.bundle.structure.spatial_rules import (
    convolved,
    moved,
    padded,
    pictured,
    repeated,
    resized,
    reversed_sequence,
)

_SAME = (
    *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh"),
    *("Gelu", "FastGelu", "QuickGelu", "Mish", "Softplus", "Softsign", "Swish", "ThresholdedRelu", "Erf", "Exp", "Log"),
    *("Abs", "Neg", "Sqrt", "Reciprocal", "Sin", "Cos", "Floor", "Ceil", "Round", "Sign", "Not"),
    *("Softmax", "LogSoftmax", "Hardmax", "BatchNormalization", "InstanceNormalization", "GroupNormalization"),
    *("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "LpNormalization", "LRN"),
    *("Identity", "Dropout", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"),
    *("MeanVarianceNormalization", "BiasGelu", "SkipLayerNormalization", "Trilu", "CumSum"),
    *("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "GroupNorm"),
)
_PAIRED = (
    *("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Mean", "Max", "Min", "Mod", "And", "Or"),
    *("Where", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"),
)
_CONVOLVED = (
    *("Conv", "FusedConv", "ConvTranspose", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "LpPool"),
    *("QLinearAveragePool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "QLinearGlobalAveragePool"),
)
_REDUCED = tuple(
    f"Reduce{kind}" for kind in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
)
_RULES: dict[str, AxisRule] = {
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys(_PAIRED, broadcast()),
    **dict.fromkeys(_CONVOLVED, convolved),
    **dict.fromkeys(_REDUCED, reduced),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), in_another_shape),
    **dict.fromkeys(("MatMul", "Gemm", "MatMulInteger", "FusedMatMul", "FusedGemm"), product()),
    **dict.fromkeys(("DynamicQuantizeMatMul", "MatMulIntegerToFloat"), product()),
    **dict.fromkeys(("QLinearMatMul", "QGemm"), product(0, 3)),
    **dict.fromkeys(("QLinearAdd", "QLinearMul"), broadcast(0, 3)),
    **dict.fromkeys(("Resize", "Upsample"), resized),
    **dict.fromkeys(("GridSample", "RoiAlign", "MaxRoiPool", "CenterCropPad", "GatherND", "GatherElements"), moved),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), pictured),
    "Concat": concatenated(),
    "Einsum": einsum,
    "Expand": broadcast(0),
    "Gather": gathered,
    "Pad": padded,
    "QLinearConcat": concatenated(first=2, every=3),
    "ReverseSequence": reversed_sequence,
    "Slice": sliced,
    "Tile": repeated,
    "Transpose": transposed,
}
_SPATIAL = (*_CONVOLVED, "BatchNormalization", "InstanceNormalization", "DepthToSpace", "SpaceToDepth", "LRN")
_DIMENSIONS = ("Shape", "Size")
_PRODUCTS = ("MatMul", "Gemm", "MatMulInteger", "FusedMatMul", "QLinearMatMul", "QGemm", "DynamicQuantizeMatMul")
_MIXING = ("Einsum", "Concat", "Conv", "InstanceNormalization", "GroupNormalization", "CumSum")
"""Operators of which it is not looked at what goes where: all of their input counts as heard."""


class Layout:
    """What the axes of a graph's tensors stand for.

    Args:
        view: the graph.
    """

    def __init__(self, view: GraphView) -> None:
        self._view = view
        self.input = _input_layout(view)
        self._axes = _walk(view, _input_axes(view, self.input))

    def axes(self, tensor: str) -> Axes | None:
        """The axes of a tensor; None if they are not known, or it holds nothing of the picture."""
        return self._axes.get(tensor)

    def grid(self, tensor: str) -> Grid | None:
        """How a tensor is seen as channels over rows and columns; None if it is no grid, or not known to be one."""
        axes = self._axes.get(tensor)
        shape = self._view.shape(tensor)
        return grid_of(axes, shape) if axes is not None and len(axes) == len(shape) else None

    def heard(self, logits: str) -> set[str]:
        """The tensors whose cells have a part in ``logits``: not those of which only a class token goes on."""
        parts: dict[str, set[str]] = {logits: {"cells", "beside"}}
        for node in reversed(self._view.nodes):
            arriving = set().union(*(parts.get(name, ()) for name in node.output if name))
            if not arriving:
                continue
            for place, name in enumerate(node.input):
                if name:
                    parts.setdefault(name, set()).update(self._passed(node, place, arriving))
        return {name for name, part in parts.items() if "cells" in part}

    def _passed(self, node: onnx.NodeProto, place: int, arriving: set[str]) -> set[str]:
        """Which parts of an input are heard, if those of the output are: its cells, and what lies beside them."""
        everything = {"cells", "beside"}
        axes, made = self._axes.get(node.input[place]), self._axes.get(node.output[0])
        tokens = _token_axes(axes)
        if axes is None or not tokens:
            return everything
        if place == 0 and self._only_tokens(node, axes):
            return {"beside"}
        if not _token_axes(made) or node.op_type in _MIXING:
            return everything
        if node.op_type in _PRODUCTS:  # of the first operand, rows stay rows
            return arriving if place == 0 and tokens[0] < len(axes) - 1 else everything
        if node.op_type in ("Softmax", "LogSoftmax", "LayerNormalization"):
            axis = int(attributes(node).get("axis", -1)) % len(axes)  # type: ignore[call-overload]
            mixed = tokens[0] >= axis if node.op_type == "LayerNormalization" else tokens[0] == axis
            return everything if mixed else arriving
        return arriving if len(tokens) == 1 or node.op_type != "Transpose" else everything

    def _only_tokens(self, node: onnx.NodeProto, axes: Axes) -> bool:
        """Whether ``node`` takes of its first input only what lies beside the grid."""
        taken = [self._axes.get(name) for name in node.output]
        if node.op_type not in ("Gather", "Slice", "Split"):
            return False
        if any(one is None or any(axis.has_cells for axis in one) for one in taken):
            return False
        if node.op_type != "Gather":
            return True
        axis = axes[int(attributes(node).get("axis", 0)) % len(axes)]  # type: ignore[call-overload]
        places = self._view.integers(node.input[1])
        return places is not None and all(0 <= i < axis.before for i in places)


def _token_axes(axes: Axes | None) -> list[int]:
    """The axes along which something lies beside the grid."""
    return [i for i, axis in enumerate(axes or ()) if axis.before or axis.after]


def _input_layout(view: GraphView) -> Literal["nchw", "nhwc"] | None:
    """How pictures are put in, by what the first convolutions and poolings read; None if nothing says."""
    if not view.inputs or len(view.shape(view.inputs[0])) != 4:
        return None
    kinds: tuple[Kind, ...] = ("batch", "channel", "row", "column")
    sizes = [2 if size == 1 else size for size in view.shape(view.inputs[0])]  # a size of 1 would have no name
    guess = tuple(single(kind, size) for kind, size in zip(kinds, sizes, strict=True))
    axes: dict[str, Axes] = {view.inputs[0]: guess}
    free = _free(view)
    for node in view.nodes:
        if node.op_type in _SPATIAL and node.input[0] in axes and len(axes[node.input[0]]) == 4:
            found = axes[node.input[0]][1].kinds
            return "nchw" if found == {"channel"} else "nhwc" if found == {"column"} else None
        _take(view, node, axes, free)
    return None


def _input_axes(view: GraphView, layout: str | None) -> dict[str, Axes]:
    if layout is None:
        return {}
    kinds: tuple[Kind, ...] = ("batch", "channel", "row", "column") if layout == "nchw" else (
        "batch", "row", "column", "channel")  # fmt: skip
    name = view.inputs[0]
    return {name: tuple(single(kind, size) for kind, size in zip(kinds, view.shape(name), strict=True))}


def _free(view: GraphView) -> set[str]:
    """The tensors that hold nothing of the picture: constants, and what is made of shapes."""
    free = {"", *view.initializers}
    for node in view.nodes:
        if node.op_type in _DIMENSIONS or free.issuperset(node.input) or all(map(view.is_constant, node.output)):
            free.update(node.output)
    return free


def _walk(view: GraphView, axes: dict[str, Axes]) -> Mapping[str, Axes]:
    free = _free(view)
    for node in view.nodes:
        _take(view, node, axes, free)
    return axes


def _take(view: GraphView, node: onnx.NodeProto, axes: dict[str, Axes], free: set[str]) -> None:
    """Add what is known of a node's outputs."""
    if free.issuperset(node.output):
        return
    at = At(view, node, attributes(node), axes, free)
    if node.op_type == "Split":
        found = {name: split(at, i) for i, name in enumerate(node.output)}
    else:
        rule = _RULES.get(node.op_type)
        found = {node.output[0]: rule(at) if rule is not None else None}
    for name, one in found.items():
        if name and one is not None and len(one) == len(view.shape(name)) and _fits(one, view.shape(name)):
            axes[name] = one


def _fits(axes: Axes, shape: tuple[int | None, ...]) -> bool:
    """Whether the sizes are those of the tensor."""
    return all(size is None or length(axis) == size for axis, size in zip(axes, shape, strict=True))
