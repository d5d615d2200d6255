"""Arithmetic number by number, with sizes broadcast."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, Value, floats, tensor

FLOATS = (1, 10, 11, 16)
"""The numbers of float32, float16, float64 and bfloat16 in ONNX."""
_TYPES = {6: torch.int32, 7: torch.int64, 9: torch.bool, 2: torch.uint8, 3: torch.int8}


def _pair(function: Callable[..., Tensor]) -> Rule:
    def apply(_node: GraphNode, inputs: Inputs) -> Value:
        a, b = (_operand(x, y) for x, y in (inputs, inputs[::-1]))
        return function(a, b)

    return apply


def _operand(value: Value | None, other: Value | None) -> Tensor | float:
    """A single constant as a number, which suits every type and device; else a tensor."""
    assert value is not None, "both operands are there"
    if isinstance(value, Tensor) or not isinstance(other, Tensor):
        return tensor(value)
    if value.dtype.kind == "f" and value.size == 1 and value.ndim <= other.ndim:
        return float(value.item())
    return tensor(value, other)


def _several(function: Callable[[Tensor, Tensor], Tensor]) -> Rule:
    return lambda _node, inputs: reduce(function, floats(inputs))


def _one(function: Callable[[Tensor], Tensor]) -> Rule:
    return lambda _node, inputs: function(tensor(inputs[0]))


def _divided(a: Tensor | float, b: Tensor | float) -> Tensor:
    whole = not any(isinstance(x, float) or x.is_floating_point() for x in (a, b))
    return torch.div(a, b, rounding_mode="trunc" if whole else None)


def _power(_node: GraphNode, inputs: Inputs) -> Tensor:
    x, exponent = tensor(inputs[0]), inputs[1]
    assert exponent is not None, "an operand"
    if not isinstance(exponent, Tensor) and exponent.size == 1:
        power = float(exponent.item())
        return x.square() if power == 2 else x.sqrt() if power == 0.5 else x.pow(power)
    return x.pow(tensor(exponent, x)).to(x.dtype)


def _mean(_node: GraphNode, inputs: Inputs) -> Tensor:
    values = floats(inputs)
    return reduce(torch.add, values) / len(values)


def _chosen(_node: GraphNode, inputs: Inputs) -> Tensor:
    condition, a, b = floats(inputs)
    return torch.where(condition, a, b)


def _cast(node: GraphNode, inputs: Inputs) -> Tensor:
    x, kind = tensor(inputs[0]), int(node.given["to"])
    if kind in FLOATS:  # everything is computed in one precision, that of the run
        return x if x.is_floating_point() else x.float()
    return x.to(_TYPES[kind])


def _cast_like(_node: GraphNode, inputs: Inputs) -> Tensor:
    x, like = floats(inputs)
    return x if x.is_floating_point() and like.is_floating_point() else x.to(like.dtype)


def _same(_node: GraphNode, inputs: Inputs) -> Value:
    assert inputs[0] is not None, "it hands on what it gets"
    return inputs[0]


RULES: dict[str, Rule] = {
    "Abs": _one(torch.abs),
    "Add": _pair(torch.add),
    "And": _pair(torch.logical_and),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Ceil": _one(torch.ceil),
    "Cos": _one(torch.cos),
    "Div": _pair(_divided),
    "Dropout": _same,
    "Equal": _pair(torch.eq),
    "Exp": _one(torch.exp),
    "Floor": _one(torch.floor),
    "Greater": _pair(torch.gt),
    "GreaterOrEqual": _pair(torch.ge),
    "Identity": _same,
    "Less": _pair(torch.lt),
    "LessOrEqual": _pair(torch.le),
    "Log": _one(torch.log),
    "Max": _several(torch.maximum),
    "Mean": _mean,
    "Min": _several(torch.minimum),
    "Mul": _pair(torch.mul),
    "Neg": _one(torch.neg),
    "Not": _one(torch.logical_not),
    "Or": _pair(torch.logical_or),
    "Pow": _power,
    "Reciprocal": _one(torch.reciprocal),
    "Round": _one(torch.round),
    "Sign": _one(torch.sign),
    "Sin": _one(torch.sin),
    "Sqrt": _one(torch.sqrt),
    "Sub": _pair(torch.sub),
    "Sum": _several(torch.add),
    "Where": _chosen,
}
