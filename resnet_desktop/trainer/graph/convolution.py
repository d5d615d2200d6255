"""Convolutions along one, two or three axes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, optional, refused, tensor
from resnet_desktop.trainer.graph.windows import padded, sides, spread

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def convolution(node: GraphNode, inputs: Inputs) -> Tensor:
    """Conv, with groups, dilations, and any padding."""
    x = tensor(inputs[0])
    weight, given = tensor(inputs[1], x), optional(inputs, 2)
    bias = None if given is None else tensor(given, x)
    count = weight.ndim - 2
    before, behind = sides(node, x.shape[2:], weight.shape[2:])
    if before == behind and min(before) >= 0:
        padding = before
    else:
        x, padding = padded(x, (before, behind)), (0,) * count
    strides, dilations = spread(node, "strides", count), spread(node, "dilations", count)
    return _CONVOLUTIONS[count](x, weight, bias, strides, padding, dilations, int(node.given.get("group", 1)))


def transposed(node: GraphNode, inputs: Inputs) -> Tensor:
    """ConvTranspose with explicit padding."""
    x = tensor(inputs[0])
    weight, given = tensor(inputs[1], x), optional(inputs, 2)
    bias = None if given is None else tensor(given, x)
    count = weight.ndim - 2
    if node.given.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or "output_shape" in node.given:
        raise refused(node, "an explicit output size")
    before, behind = sides(node, x.shape[2:], weight.shape[2:])
    more = tuple(node.given.get("output_padding", (0,) * count))
    dilations = spread(node, "dilations", count)
    group = int(node.given.get("group", 1))
    y = _TRANSPOSED[count](x, weight, bias, spread(node, "strides", count), 0, more, group, dilations)
    return padded(y, (tuple(-n for n in before), tuple(-n for n in behind)))


def fused(node: GraphNode, inputs: Inputs) -> Tensor:
    """ONNX Runtime's convolution with an activation, and perhaps a sum before it."""
    y = convolution(node, inputs[:3])
    if optional(inputs, 3) is not None:
        y = y + tensor(inputs[3], y)
    numbers = tuple(node.given.get("activation_params", ()))
    match node.given.get("activation", ""):
        case "":
            return y
        case "Relu":
            return torch.relu(y)
        case "Clip":
            return y.clamp(*numbers)
        case "LeakyRelu":
            return functional.leaky_relu(y, *numbers)
        case "Sigmoid":
            return torch.sigmoid(y)
        case "Tanh":
            return torch.tanh(y)
        case "HardSigmoid":
            cut: Tensor = (y * numbers[0] + numbers[1]).clamp(0, 1)
            return cut
    raise refused(node, "an activation")


RULES: dict[str, Rule] = {"Conv": convolution, "ConvTranspose": transposed, "com.microsoft.FusedConv": fused}
