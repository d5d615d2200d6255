"""Attention as one operator, as newer exporters write it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.trainer.graph.rule import Inputs, Rule, optional, refused, tensor


def _attention(node: GraphNode, inputs: Inputs) -> Tensor:
    q, k, v = (tensor(x) for x in inputs[:3])
    mask = optional(inputs, 3)
    given = node.given
    if any(optional(inputs, place) is not None for place in (4, 5)) or len([x for x in node.outputs if x]) > 1:
        raise refused(node, "a key-value cache")
    if given.get("is_causal", 0) or given.get("softcap", 0.0) or given.get("qk_matmul_output_mode", 0):
        raise refused(node, "this form")
    flat = q.ndim == 3
    if flat:
        queries, keys = int(given["q_num_heads"]), int(given["kv_num_heads"])
        q, k, v = (_heads(x, count) for x, count in ((q, queries), (k, keys), (v, keys)))
    repeated = q.shape[1] // k.shape[1]
    if repeated > 1:
        k, v = (x.repeat_interleave(repeated, 1) for x in (k, v))
    bias = None if mask is None else tensor(mask, q)
    y: Tensor = functional.scaled_dot_product_attention(q, k, v, bias, scale=given.get("scale"))
    return y.transpose(1, 2).flatten(2) if flat else y


def _heads(x: Tensor, count: int) -> Tensor:
    return x.reshape(*x.shape[:2], count, -1).transpose(1, 2)


RULES: dict[str, Rule] = {"Attention": _attention}
