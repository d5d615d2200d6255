"""The input of a classifier: which way its pictures lie, of which type, size and number of channels they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from resnet_desktop.bundle.format.metadata import Order
from resnet_desktop.bundle.structure.graph_view import GraphView, Shape, declared, type_name
from resnet_desktop.core.errors import ModelError

DEFAULT_SIDE = 224
"""Input side, in pixels, where a foreign model leaves it open."""
MAX_SIDE = 4096
BYTES: Mapping[int, int] = {TensorProto.UINT8: 0, TensorProto.INT8: -128}
"""Types of whole numbers that a network may take, and what stands for black in them."""
_TYPES = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, *BYTES)
_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-128.0, 127.0))
"""What black and white are where a network's whole numbers are the bytes of pixels."""
_Sizes = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """What a graph takes.

    Attributes:
        name: of the graph's input.
        type: as in ``TensorProto.DataType``.
        order: ``nchw`` for ``[batch, channels, height, width]``, ``nhwc`` for channels at the end.
        channels: 3, or 1 for grey.
        batch: the only size of the batch that the input says it takes; None for any.
        height: in pixels.
        width: in pixels.
        free: whether the graph leaves height or width open.
        odd: whether a side is given as 0, which the runtime would take at its word.
        ambiguous: whether the shape alone does not say which way pictures lie.
        scale: scale and zero point of its whole numbers, where these stand for prepared pictures of other values than
            bytes have; None where they are bytes, or no whole numbers.
    """

    name: str
    type: int
    order: Order
    channels: Literal[1, 3]
    batch: int | None
    height: int
    width: int
    free: bool
    odd: bool
    ambiguous: bool = False
    scale: tuple[float, int] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it takes pictures as the app prepares them."""
        return self.type == TensorProto.FLOAT and self.order == "nchw" and self.channels == 3

    @property
    def shape(self) -> Shape:
        """Of the graph's input."""
        return _laid(self.order, self.batch, self.channels, self.height, self.width)


def find_input(model: onnx.ModelProto, size: tuple[int, int] | None, order: Order | None) -> ImageInput:
    """The one input without a value of its own, which must take pictures.

    Args:
        model: the model.
        size: height and width that are wanted where the graph leaves them open.
        order: the layout, where it is known; else it is told from the shape and from the operators behind it.

    Raises:
        ModelError: ``unsupported_model``: it takes no pictures; as ``GraphView``.
    """
    weights = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    if len(inputs) != 1:
        names = f": {', '.join(i.name[:80] for i in inputs[:6])}" if inputs else ""
        raise ModelError(
            "unsupported_model", f"An image classifier has one input; this model has {len(inputs)}{names}."
        )
    tensor = declared(inputs[0])
    given = tensor.shape or ()
    shape: Shape = tuple(None if side is None or side < 1 else side for side in given)
    orders = _orders(shape)
    if order is not None and orders and order not in orders:
        sizes = ", ".join("any" if side is None else str(side) for side in shape)
        raise ModelError(
            "unsupported_model", f"The model's input [{sizes}] cannot be {order}; it is {' or '.join(orders)}."
        )
    if tensor.type not in _TYPES or not orders:
        what = f"{type_name(tensor.type)} {[side if side is not None else '?' for side in shape]}"
        raise ModelError(
            "unsupported_model",
            f"The model's input is {what}; an image classifier takes float32, uint8 or int8 [batch, channels, height, "
            "width] or [batch, height, width, channels], of 3 channels or 1.",
        )
    odd = 0 in given
    scale = _scale(model, inputs[0].name) if tensor.type in BYTES else None

    def made(order: Order) -> ImageInput:
        found = _input(inputs[0].name, tensor.type, order, shape, size, odd=odd)
        return replace(found, ambiguous=len(orders) > 1, scale=scale)

    if order is None:
        order = orders[0] if len(orders) == 1 else _by_operators(model, [made(one) for one in orders])
    return made(order)


def _scale(model: onnx.ModelProto, name: str) -> tuple[float, int] | None:
    """By which the first operator makes real numbers of whole ones; None if none does, or bytes of pixels are meant."""
    values = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:  # sorted, as ONNX has it
        if name not in node.input:
            continue
        if node.op_type in ("Transpose", "Identity", "Reshape"):
            name = node.output[0]
            continue
        known = [values.get(other) for other in node.input[1:3]]
        if node.op_type not in ("DequantizeLinear", "QLinearConv") or len(known) < 2 or None in known:
            return None
        step, zero = (numpy_helper.to_array(tensor).reshape(-1) for tensor in known if tensor is not None)
        if len(step) != 1 or len(zero) != 1 or not 0 < step[0] < math.inf:
            return None
        least = float(np.iinfo(zero.dtype).min) if zero.dtype.kind in "iu" else 0.0
        ends = [(value - float(zero[0])) * float(step[0]) for value in (least, least + 255)]
        span = _NEAR * (ends[1] - ends[0])
        usual = any(abs(ends[0] - low) < span and abs(ends[1] - high) < span for low, high in _RANGES)
        return None if usual else (float(step[0]), int(zero[0]))
    return None


_NEAR = 0.02
"""Of its span, how far a range may be from a usual one: a quantizer measures it on pictures."""


def _orders(shape: Shape) -> list[Order]:
    """The layouts that a shape can be, the likeliest first."""
    if len(shape) != 4:
        return []
    first, last = shape[1], shape[3]
    found: list[Order] = []
    if first in (1, 3, None):
        found.append("nchw")
    if last in (1, 3, None):
        found.insert(0 if first is None and last is not None else len(found), "nhwc")
    return found


def _by_operators(model: onnx.ModelProto, inputs: list[ImageInput]) -> Order:
    """The layout that the operators behind the input read; the likeliest one if none says."""
    for one in inputs:
        try:
            found = GraphView(model, input_shape=one.shape).layout.input
        except ModelError:  # what does not fit is not it; if nothing fits, the real look says why
            continue
        if found == one.order:
            return one.order
    return inputs[0].order


def _input(name: str, kind: int, order: Order, shape: Shape, size: tuple[int, int] | None, *, odd: bool) -> ImageInput:
    channels = shape[1] if order == "nchw" else shape[3]
    sides = shape[2:] if order == "nchw" else shape[1:3]
    free = None in sides
    height, width = _filled((sides[0], sides[1]), size)
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise ModelError(
            "unsupported_model", f"The model takes images of {width} x {height}; up to {MAX_SIDE} is possible."
        )
    return ImageInput(name, kind, order, 1 if channels == 1 else 3, shape[0], height, width, free, odd)


def _filled(sides: _Sizes, size: tuple[int, int] | None) -> tuple[int, int]:
    height, width = sides
    if height is None and width is None:
        return size or (DEFAULT_SIDE, DEFAULT_SIDE)
    wanted = size or (height or width or DEFAULT_SIDE,) * 2
    return height or wanted[0], width or wanted[1]


def _laid(order: Order, batch: int | None, channels: int, height: int, width: int) -> Shape:
    return (batch, channels, height, width) if order == "nchw" else (batch, height, width, channels)
