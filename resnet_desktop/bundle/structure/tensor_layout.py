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
from resnet_desktop.bundle.structure.heard import Mask, heard_places
from resnet_desktop.bundle.structure.operators import (
    CONVOLVED,
    DIMENSIONS,
    PAIRED,
    PRODUCTS,
    QUANTIZED_PRODUCTS,
    REDUCED,
    SAME,
    VIEWS,
)
from resnet_desktop.bundle.structure.spatial_rules import (
    convolved,
    moved,
    padded,
    pictured,
    repeated,
    resized,
    reversed_sequence,
)

_RULES: dict[str, AxisRule] = {
    **dict.fromkeys(SAME, same),
    **dict.fromkeys(PAIRED, broadcast()),
    **dict.fromkeys(CONVOLVED, convolved),
    **dict.fromkeys(REDUCED, reduced),
    **dict.fromkeys(VIEWS, in_another_shape),
    **dict.fromkeys(PRODUCTS, product()),
    **dict.fromkeys(QUANTIZED_PRODUCTS, product(0, 3)),
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
_SPATIAL = (*CONVOLVED, "BatchNormalization", "InstanceNormalization", "DepthToSpace", "SpaceToDepth", "LRN")


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
        places = heard_places(self._view, logits)
        return {name for name, mask in places.items() if self._has_heard_cells(name, mask)}

    def _has_heard_cells(self, tensor: str, mask: Mask) -> bool:
        for axis, heard in zip(self._axes.get(tensor, ()), mask or (), strict=False):
            if axis.has_cells and heard is not None and not heard[axis.before : len(heard) - axis.after].any():
                return False
        return True


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
        if node.op_type in DIMENSIONS or free.issuperset(node.input) or all(map(view.is_constant, node.output)):
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
