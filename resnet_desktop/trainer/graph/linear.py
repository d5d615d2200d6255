"""Products of matrices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, floats, optional, refused, tensor


def _gemm(node: GraphNode, inputs: Inputs) -> Tensor:
    x = tensor(inputs[0])
    weight, bias = tensor(inputs[1], x), optional(inputs, 2)
    x = x.T if node.given.get("transA", 0) else x
    alpha, beta = float(node.given.get("alpha", 1.0)), float(node.given.get("beta", 1.0))
    weight = weight if node.given.get("transB", 0) else weight.T
    plain = alpha == 1 and beta == 1 and (bias is None or (bias.ndim == 1 and len(bias) == len(weight)))
    if plain:
        return functional.linear(x, weight, None if bias is None else tensor(bias, x))
    y = alpha * functional.linear(x, weight)
    return y if bias is None else y + beta * tensor(bias, y)


def _product(_node: GraphNode, inputs: Inputs) -> Tensor:
    a, b = floats(inputs)
    return torch.matmul(a, b)


def _einsum(node: GraphNode, inputs: Inputs) -> Tensor:
    return torch.einsum(str(node.given["equation"]), *floats(inputs))


def _fused_product(node: GraphNode, inputs: Inputs) -> Tensor:
    """ONNX Runtime's product of matrices that may be turned, times a number."""
    if node.given.get("transBatchA", 0) or node.given.get("transBatchB", 0):
        raise refused(node, "this form")
    a, b = floats(inputs)
    a = a.transpose(-1, -2) if node.given.get("transA", 0) else a
    b = b.transpose(-1, -2) if node.given.get("transB", 0) else b
    return torch.matmul(a, b) * float(node.given.get("alpha", 1.0))


RULES: dict[str, Rule] = {
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _product,
    "com.microsoft.FusedMatMul": _fused_product,
}
