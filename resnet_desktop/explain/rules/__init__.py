"""How gradients go back through ONNX operators: one small rule for each, found by the operator's type."""

from __future__ import annotations

from collections.abc import Callable, Collection

import onnx

from resnet_desktop.bundle.graph_view import ONNX_DOMAINS, GraphView
from resnet_desktop.explain.rules import (
    activation,
    arithmetic,
    convolution,
    linear,
    movement,
    normalization,
    pooling,
    quantization,
    resampling,
)
from resnet_desktop.explain.rules.step import Rule

RULES: dict[str, Rule] = {
    **activation.RULES,
    **arithmetic.RULES,
    **convolution.RULES,
    **linear.RULES,
    **movement.RULES,
    **normalization.RULES,
    **pooling.RULES,
    **quantization.RULES,
    **resampling.RULES,
}
"""The rule of each operator of ONNX."""

_LIMITS: dict[str, Callable[[GraphView, onnx.NodeProto], bool]] = {
    **linear.LIMITS,
    **movement.LIMITS,
    **normalization.LIMITS,
    **pooling.LIMITS,
    **resampling.LIMITS,
}
"""Whether a node is of a form that the rule of its operator does not know."""

_ALL_INPUTS = ("Add", "Concat", "Div", "Gemm", "MatMul", "Mul", "Sub", "Sum")
"""Operators whose rules know the gradients of all inputs; the others' know that of the first."""

_QUANTIZING = ("DequantizeLinear", "QuantizeLinear")


def rule_for(view: GraphView, node: onnx.NodeProto, wanted: Collection[int]) -> Rule | None:
    """The rule for ``node``; None if there is none for it, or for the inputs at the places ``wanted``."""
    own = node.domain in ONNX_DOMAINS or (node.domain == "com.microsoft" and node.op_type in _QUANTIZING)
    if not own or (any(wanted) and node.op_type not in _ALL_INPUTS):
        return None
    limited = _LIMITS.get(node.op_type)
    if limited is not None and limited(view, node):
        return None
    return RULES.get(node.op_type)
