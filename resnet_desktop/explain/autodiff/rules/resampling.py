"""Resizing by the nearest cell or linearly: a matrix along each axis, and so the matrix turned on the way back."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.graph.resizing import COORDINATES, NEAREST, matrix
from resnet_desktop.bundle.structure.graph_view import GraphView, attributes
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Rule, Step


def _resized(step: Step) -> Found:
    write, name = step.write, step.gradient
    axes = range(2, len(write.shape(step.x)))
    inputs, outputs = write.extents(step.x, axes), write.extents(step.y, axes)
    scales = _scales(step)
    for axis, (size, count) in enumerate(zip(inputs, outputs, strict=True)):
        if size == count and scales[axis] == 1:
            continue
        weights = _matrix(step, size, count, scales[axis]).astype(write.dtype(step.x))
        if axis == len(inputs) - 1:
            name = write.op("MatMul", [name, write.constant(weights)])
        else:
            name = _along(step, name, axis + 2, weights)
    return step.only(name)


def _along(step: Step, name: str, axis: int, matrix: NDArray[np.floating]) -> str:
    """The product along an axis that is not the last."""
    rank = len(step.write.shape(step.x))
    if axis == rank - 2:
        return step.write.op("MatMul", [step.write.constant(matrix.T), name])
    order = [i for i in range(rank) if i != axis] + [axis]
    product = step.write.op("MatMul", [step.write.op("Transpose", [name], perm=order), step.write.constant(matrix)])
    return step.write.op("Transpose", [product], perm=[order.index(i) for i in range(rank)])


def _scales(step: Step) -> list[float]:
    """The factors of the spatial axes: as given, or from the sizes."""
    axes = range(2, len(step.write.shape(step.x)))
    if "scales" in step.given:
        return [float(step.given["scales"][axis]) for axis in axes]
    place = 2 if step.node.op_type == "Resize" and step.write.opset >= 11 else 1
    value = step.write.value(step.input(place))
    if value is not None and value.size:
        listed = [int(a) for a in step.given.get("axes", range(value.size))]
        by_axis = {axis % (len(axes) + 2): float(factor) for axis, factor in zip(listed, value.flat, strict=True)}
        return [by_axis.get(axis, 1.0) for axis in axes]
    sizes = zip(step.write.extents(step.y, axes), step.write.extents(step.x, axes), strict=True)
    return [count / size for count, size in sizes]


def _matrix(step: Step, size: int, count: int, scale: float) -> NDArray[np.float64]:
    """How much each of ``size`` cells adds to each of ``count``: ``(count, size)``."""
    first = step.node.op_type == "Upsample" or step.write.opset < 11
    mode = step.given.get("mode", b"nearest").decode()
    coordinates = step.given.get("coordinate_transformation_mode", b"half_pixel").decode()
    nearest = step.given.get("nearest_mode", b"round_prefer_floor").decode()
    if first:
        coordinates, nearest = "asymmetric", "floor"
    return matrix(size, count, scale, mode=mode, coordinates=coordinates, nearest=nearest)


def _limited(view: GraphView, node: onnx.NodeProto) -> bool:
    given = attributes(node)
    shapes = view.shape(node.input[0]), view.shape(node.output[0])
    return (
        given.get("mode", b"nearest") not in (b"nearest", b"linear")
        or bool(given.get("antialias", 0))
        or given.get("keep_aspect_ratio_policy", b"stretch") != b"stretch"
        or given.get("coordinate_transformation_mode", b"half_pixel").decode() not in COORDINATES  # type: ignore[attr-defined]
        or given.get("nearest_mode", b"round_prefer_floor").decode() not in NEAREST  # type: ignore[attr-defined]
        or shapes[0][:2] != shapes[1][:2]
    )


RULES: dict[str, Rule] = {"Resize": _resized, "Upsample": _resized}
LIMITS = {"Resize": _limited, "Upsample": _limited}
