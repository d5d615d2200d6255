"""Whole numbers that stand for others: with which scale and zero point, and what they were before they were rounded.

ONNX's ``QuantizeLinear``, and operators of ONNX Runtime such as ``QLinearSoftmax``, carry both as inputs of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx import TensorProto

from resnet_desktop.bundle.structure.graph_view import GraphView

WHOLE = (TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16)
"""Types that quantizers give."""
_VIEWS = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Dropout")
_QUANTIZERS = ("QuantizeLinear", "DynamicQuantizeLinear")
_PLACES = {
    "QGemm": 7,
    "QLinearAdd": 6,
    "QLinearAveragePool": 3,
    "QLinearConcat": 0,
    "QLinearConv": 6,
    "QLinearGlobalAveragePool": 3,
    "QLinearLeakyRelu": 3,
    "QLinearMatMul": 6,
    "QLinearMul": 6,
    "QLinearReduceMean": 3,
    "QLinearSigmoid": 3,
    "QLinearSoftmax": 3,
    "QLinearWhere": 7,
    "QuantizeLinear": 1,
}
"""Where an operator has the scale of what it gives; the zero point follows it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The tensors that hold a scale and a zero point; ``zero`` is empty where that is 0."""

    scale: str
    zero: str


def scale_of(view: GraphView, tensor: str) -> Scale | None:
    """The one scale of a tensor of whole numbers, by the operator that makes it; None if nothing tells it."""
    node = view.producer(tensor)
    while node is not None and node.op_type in (*_VIEWS, "Transpose"):
        node = view.producer(node.input[0])
    place = None if node is None else _PLACES.get(node.op_type)
    if node is None or place is None or place >= len(node.input) or not node.input[place]:
        return None
    if any(side != 1 for side in view.shape(node.input[place])):
        return None  # one for each channel
    return Scale(node.input[place], node.input[place + 1] if place + 1 < len(node.input) else "")


def before_rounding(view: GraphView, tensor: str) -> str | None:
    """The numbers of which ``tensor`` is the rounded form, in whatever shape; None if it is no such form."""
    found = None
    node = view.producer(tensor)
    while node is not None and node.op_type in (*_VIEWS, *_QUANTIZERS, "DequantizeLinear"):
        if node.op_type in _QUANTIZERS:
            found = node.input[0]
        node = view.producer(node.input[0])
    return found
