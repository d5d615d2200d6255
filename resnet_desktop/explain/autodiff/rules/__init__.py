"""How gradients go back through ONNX operators: one small rule for each, found by the operator's type."""

from __future__ import annotations

from collections.abc import Callable, Collection

import onnx

from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, GraphView
from resnet_desktop.explain.autodiff.rules import (
    activation,
    arithmetic,
    attention,
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
    unpacked,
)
from resnet_desktop.explain.autodiff.rules.basis.step import Rule

RULES: dict[str, Rule] = {
    **activation.RULES,
    **arithmetic.RULES,
    **attention.RULES,
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

RUNTIME_RULES: dict[str, Rule] = {
    **attention.RUNTIME_RULES,
    **fused.RUNTIME_RULES,
    **quantization.RUNTIME_RULES,
    **unpacked.RUNTIME_RULES,
}
"""The rule of each operator of ONNX Runtime's own."""

_LIMITS: dict[str, Callable[[GraphView, onnx.NodeProto], bool]] = {
    **attention.LIMITS,
    **fused.LIMITS,
    **linear.LIMITS,
    **movement.LIMITS,
    **normalization.LIMITS,
    **picking.LIMITS,
    **pooling.LIMITS,
    **quantization.LIMITS,
    **reduction.LIMITS,
    **resampling.LIMITS,
    **unpacked.LIMITS,
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
    **dict.fromkeys(("Attention", "MultiHeadAttention"), (0, 1, 2)),
    "FusedConv": (0, 3),
    "Where": (1, 2),
}
"""The inputs whose gradients the others' rules know; where nothing is said, that of the first."""


def rule_for(view: GraphView, node: onnx.NodeProto, wanted: Collection[int]) -> Rule | None:
    """The rule for ``node``; None if there is none for it, or for the inputs at the places ``wanted``."""
    rule = _rules(node).get(node.op_type)
    if node.op_type not in _ALL_INPUTS and not set(wanted) <= set(_INPUTS.get(node.op_type, (0,))):
        return None
    limited = _LIMITS.get(node.op_type)
    if limited is not None and limited(view, node):
        return None
    return rule


def is_known(node: onnx.NodeProto) -> bool:
    """Whether there is a rule for the operator of ``node`` at all, whatever form of it that takes."""
    return node.op_type in _rules(node)


def _rules(node: onnx.NodeProto) -> dict[str, Rule]:
    if node.domain in ONNX_DOMAINS:
        return RULES
    return RUNTIME_RULES if node.domain == "com.microsoft" else {}
