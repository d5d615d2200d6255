"""How gradients go back through ONNX operators: one small rule for each, found by the operator's type."""

from __future__ import annotations

from collections.abc import Callable, Collection

import onnx

from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, GraphView
from resnet_desktop.explain.autodiff.rules import (
    activation,
    arithmetic,
    convolution,
    fused,
    linear,
    movement,
    normalization,
    picking,
    pooling,
    quantization,
    reduction,
    resampling,
)
from resnet_desktop.explain.autodiff.rules.step import Rule

RULES: dict[str, Rule] = {
    **activation.RULES,
    **arithmetic.RULES,
    **convolution.RULES,
    **linear.RULES,
    **movement.RULES,
    **normalization.RULES,
    **picking.RULES,
    **pooling.RULES,
    **quantization.RULES,
    **reduction.RULES,
    **resampling.RULES,
}
"""The rule of each operator of ONNX."""

RUNTIME_RULES: dict[str, Rule] = {**fused.RUNTIME_RULES, **quantization.RUNTIME_RULES}
"""The rule of each operator of ONNX Runtime's own."""

_LIMITS: dict[str, Callable[[GraphView, onnx.NodeProto], bool]] = {
    **fused.LIMITS,
    **linear.LIMITS,
    **movement.LIMITS,
    **normalization.LIMITS,
    **picking.LIMITS,
    **pooling.LIMITS,
    **quantization.LIMITS,
    **reduction.LIMITS,
    **resampling.LIMITS,
}
"""Whether a node is of a form that the rule of its operator does not know."""

_ALL_INPUTS = (
    *("Add", "Concat", "Div", "Einsum", "Gemm", "MatMul", "Max", "Min", "Mul", "Sub", "Sum"),
    *("FusedMatMul", "QLinearConcat"),
)
"""Operators whose rules know the gradients of all inputs."""

_INPUTS = {
    **dict.fromkeys(
        ("MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "SkipLayerNormalization"), (0, 1)
    ),
    **dict.fromkeys(("QLinearAdd", "QLinearMatMul", "QLinearMul"), (0, 3)),
    "FusedConv": (0, 3),
    "Where": (1, 2),
}
"""The inputs whose gradients the others' rules know; where nothing is said, that of the first."""


def rule_for(view: GraphView, node: onnx.NodeProto, wanted: Collection[int]) -> Rule | None:
    """The rule for ``node``; None if there is none for it, or for the inputs at the places ``wanted``."""
    if node.domain in ONNX_DOMAINS:
        rules = RULES
    elif node.domain == "com.microsoft":
        rules = RUNTIME_RULES
    else:
        return None
    if node.op_type not in _ALL_INPUTS and not set(wanted) <= set(_INPUTS.get(node.op_type, (0,))):
        return None
    limited = _LIMITS.get(node.op_type)
    if limited is not None and limited(view, node):
        return None
    return rules.get(node.op_type)
