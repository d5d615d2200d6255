"""Activations, number by number, and the softmax of attention."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, Value, number, optional, tensor

QUICK = 1.702


def _plain(function: Callable[[Tensor], Tensor]) -> Rule:
    return lambda _node, inputs: function(tensor(inputs[0]))


def _with(function: Callable[..., Tensor], **defaults: float) -> Rule:
    """A function with numbers that are attributes of the node; ``defaults`` in the order of its arguments."""
    return lambda node, inputs: function(tensor(inputs[0]), *(node.given.get(k, v) for k, v in defaults.items()))


def _clip(node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    infinite = float("inf")
    low = number(optional(inputs, 1), float(node.given.get("min", -infinite)))
    high = number(optional(inputs, 2), float(node.given.get("max", infinite)))
    if low == 0.0 and high == 6.0:
        return functional.relu6(x)
    return x.clamp(None if low == -infinite else low, None if high == infinite else high)


def _p_relu(_node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    return torch.where(x >= 0, x, x * tensor(inputs[1], x))


def _gelu(node: GraphNode, inputs: Inputs) -> Tensor:
    return functional.gelu(tensor(inputs[0]), approximate=node.given.get("approximate", "none"))


def _bias_gelu(_node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    return functional.gelu(x + tensor(inputs[1], x))


def _fast_gelu(_node: GraphNode, inputs: Inputs) -> Tensor:
    x, bias = tensor(inputs[0]), optional(inputs, 1)
    return functional.gelu(x if bias is None else x + tensor(bias, x), approximate="tanh")


def _normalized(function: Callable[[Tensor, int], Tensor]) -> Rule:
    """Softmax and its like: before version 13 over all axes from one on, since then along one."""

    def apply(node: GraphNode, inputs: Inputs) -> Value:
        x = tensor(inputs[0])
        if node.version >= 13:
            return function(x, int(node.given.get("axis", -1)))
        axis = int(node.given.get("axis", 1)) % x.ndim
        if axis == x.ndim - 1:
            return function(x, axis)
        return function(x.flatten(axis), axis).reshape(x.shape)

    return apply


def _hard_sigmoid(x: Tensor, alpha: float, beta: float) -> Tensor:
    return (x * alpha + beta).clamp(0, 1)


def _threshold(x: Tensor, alpha: float) -> Tensor:
    return torch.where(x > alpha, x, torch.zeros_like(x))


def _selu(x: Tensor, alpha: float, gamma: float) -> Tensor:
    return gamma * functional.elu(x, alpha)


def _swish(x: Tensor, alpha: float) -> Tensor:
    return x * torch.sigmoid(alpha * x)


RULES: dict[str, Rule] = {
    "Celu": _with(functional.celu, alpha=1.0),
    "Clip": _clip,
    "Elu": _with(functional.elu, alpha=1.0),
    "Erf": _plain(torch.erf),
    "Gelu": _gelu,
    "HardSigmoid": _with(_hard_sigmoid, alpha=0.2, beta=0.5),
    "HardSwish": _plain(functional.hardswish),
    "LeakyRelu": _with(functional.leaky_relu, alpha=0.01),
    "LogSoftmax": _normalized(torch.log_softmax),
    "Mish": _plain(functional.mish),
    "PRelu": _p_relu,
    "Relu": _plain(torch.relu),
    "Selu": _with(_selu, alpha=1.6732632, gamma=1.0507010),
    "Sigmoid": _plain(torch.sigmoid),
    "Softmax": _normalized(torch.softmax),
    "Softplus": _plain(functional.softplus),
    "Softsign": _plain(functional.softsign),
    "Swish": _with(_swish, alpha=1.0),
    "Tanh": _plain(torch.tanh),
    "ThresholdedRelu": _with(_threshold, alpha=1.0),
    "com.microsoft.BiasGelu": _bias_gelu,
    "com.microsoft.FastGelu": _fast_gelu,
    "com.microsoft.Gelu": _plain(functional.gelu),
    "com.microsoft.QuickGelu": _with(_swish, alpha=QUICK),
}
