"""How PyTorch computes ONNX operators: one small rule for each, found by the operator's name."""

from __future__ import annotations

from resnet_desktop.trainer.graph import (
    activation,
    attention,
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    reduction,
    resampling,
    shape,
)
from resnet_desktop.trainer.graph.rule import Rule

RULES: dict[str, Rule] = {
    **activation.RULES,
    **attention.RULES,
    **convolution.RULES,
    **elementwise.RULES,
    **linear.RULES,
    **normalization.RULES,
    **pooling.RULES,
    **reduction.RULES,
    **resampling.RULES,
    **shape.RULES,
}
"""The rule of each operator; those of ONNX Runtime's own carry its domain."""
