"""Normalizations that keep no statistics, and batch norms whose statistics are computed by the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, floats, optional, refused, tensor

EPSILON = 1e-5


def _epsilon(node: GraphNode) -> float:
    return float(node.given.get("epsilon", EPSILON))


def _batch_norm(node: GraphNode, inputs: Inputs) -> Tensor:
    x, weight, bias, mean, variance = floats(inputs)
    return functional.batch_norm(x, mean, variance, weight, bias, eps=_epsilon(node))


def _layer_norm(node: GraphNode, inputs: Inputs) -> Sequence[Tensor]:
    x = tensor(inputs[0])
    axis = int(node.given.get("axis", -1)) % x.ndim
    bias = optional(inputs, 2)
    weight, offset = tensor(inputs[1], x), None if bias is None else tensor(bias, x)
    shape = x.shape[axis:]
    if weight.shape == shape and (offset is None or offset.shape == shape):
        y = functional.layer_norm(x, shape, weight, offset, _epsilon(node))
    else:
        y = functional.layer_norm(x, shape, eps=_epsilon(node)) * weight
        y = y if offset is None else y + offset
    if len([name for name in node.outputs if name]) == 1:
        return [y]
    rest = tuple(range(axis, x.ndim))
    mean = x.mean(rest, keepdim=True)
    return [y, mean, torch.rsqrt(x.var(rest, unbiased=False, keepdim=True) + _epsilon(node))]


def _rms_norm(node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    axis = int(node.given.get("axis", -1)) % x.ndim
    size = x.pow(2).mean(tuple(range(axis, x.ndim)), keepdim=True)
    return x * torch.rsqrt(size + _epsilon(node)) * tensor(inputs[1], x)


def _group_norm(node: GraphNode, inputs: Inputs) -> Tensor:
    x, weight, bias = floats(inputs)
    groups = int(node.given["num_groups"])
    if len(weight) == groups and groups != x.shape[1]:  # before version 21, one number for each group
        weight, bias = (part.repeat_interleave(x.shape[1] // groups) for part in (weight, bias))
    return functional.group_norm(x, groups, weight, bias, _epsilon(node))


def _instance_norm(node: GraphNode, inputs: Inputs) -> Tensor:
    x, weight, bias = floats(inputs)
    if math.prod(x.shape[2:]) > 1:
        return functional.instance_norm(x, weight=weight, bias=bias, eps=_epsilon(node))
    shape = (1, -1) + (1,) * (x.ndim - 2)  # of one cell nothing is left but the bias; PyTorch takes it for a mistake
    return (x - x) * weight.view(shape) + bias.view(shape)


def _lp_norm(node: GraphNode, inputs: Inputs) -> Tensor:
    x, axis = tensor(inputs[0]), int(node.given.get("axis", -1))
    size = torch.linalg.vector_norm(x, int(node.given.get("p", 2)), axis, keepdim=True)
    return torch.where(size > 0, x / size.clamp(min=torch.finfo(x.dtype).tiny), torch.zeros_like(x))


def _local_response(node: GraphNode, inputs: Inputs) -> Tensor:
    size = int(node.given["size"])
    if size % 2 == 0:
        raise refused(node, "an even size")
    factors = (float(node.given.get(key, default)) for key, default in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    return functional.local_response_norm(tensor(inputs[0]), size, *factors)


def _mean_variance(node: GraphNode, inputs: Inputs) -> Tensor:
    x, over = tensor(inputs[0]), tuple(node.given.get("axes", (0, 2, 3)))
    centred = x - x.mean(over, keepdim=True)
    return centred / (centred.pow(2).mean(over, keepdim=True).sqrt() + 1e-9)


RULES: dict[str, Rule] = {
    "BatchNormalization": _batch_norm,
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
    "LRN": _local_response,
    "LayerNormalization": _layer_norm,
    "LpNormalization": _lp_norm,
    "MeanVarianceNormalization": _mean_variance,
    "RMSNormalization": _rms_norm,
    "SimplifiedLayerNormalization": _rms_norm,
}
