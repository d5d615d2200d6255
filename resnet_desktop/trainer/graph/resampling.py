"""Resizing by the nearest cell or linearly: a product with a matrix along each axis that changes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.bundle.graph.resizing import COORDINATES, NEAREST, matrix
from resnet_desktop.trainer.graph.rule import Inputs, Rule, numbers, optional, refused, tensor


def _resized(node: GraphNode, inputs: Inputs) -> Tensor:
    x, given = tensor(inputs[0]), node.given
    first = node.op == "Upsample" or node.version < 11
    mode = given.get("mode", "nearest")
    coordinates = "asymmetric" if first else given.get("coordinate_transformation_mode", "half_pixel")
    nearest = "floor" if first else given.get("nearest_mode", "round_prefer_floor")
    if mode not in ("nearest", "linear") or coordinates not in COORDINATES or nearest not in NEAREST:
        raise refused(node, f"the mode {mode}, {coordinates}")
    if given.get("antialias", 0) or given.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise refused(node, "this form")
    for axis, count, scale in _changes(node, inputs, x):
        size = x.shape[axis]
        if size == count and scale == 1:
            continue
        weights = matrix(size, count, scale, mode=mode, coordinates=coordinates, nearest=nearest)
        moved = torch.as_tensor(weights, dtype=x.dtype, device=x.device)
        x = torch.matmul(x.movedim(axis, -1), moved.T).movedim(-1, axis)
    return x


def _changes(node: GraphNode, inputs: Inputs, x: Tensor) -> list[tuple[int, int, float]]:
    """Each axis with its new size and the factor between."""
    which = [axis % x.ndim for axis in node.given.get("axes", range(x.ndim))]
    place = 2 if node.op == "Resize" and node.version >= 11 else 1
    given = node.given.get("scales", optional(inputs, place))
    scales = [] if given is None else [float(scale) for scale in np.asarray(given).reshape(-1)]
    if scales:
        return [(axis, int(x.shape[axis] * scale), scale) for axis, scale in zip(which, scales, strict=True)]
    sizes = numbers(optional(inputs, 3))
    return [(axis, size, size / x.shape[axis]) for axis, size in zip(which, sizes, strict=True)]


RULES: dict[str, Rule] = {"Resize": _resized, "Upsample": _resized}
