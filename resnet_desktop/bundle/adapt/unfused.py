"""Norms of a sum, which ONNX Runtime's optimizers write as one operator, as a sum and a norm again.

The sum is where a residual block ends: as an output of another operator nobody would find it. On a small transformer on
the CPU the two took no longer than the one.
"""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper

from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, attributes

_WITH_NORM = 17
"""The operator set since which ONNX has the norm of a layer."""
_EPSILON = 1e-12
"""That of ``SkipLayerNormalization`` where it names none."""


def write_out_sums(model: onnx.ModelProto) -> bool:
    """Write each ``SkipLayerNormalization`` of the graph as a sum and a norm, in place. Whether there were any."""
    opset = max((o.version for o in model.opset_import if o.domain in ONNX_DOMAINS), default=1)
    kept = [[node] if opset < _WITH_NORM else _written_out(node) for node in model.graph.node]
    if all(len(nodes) == 1 for nodes in kept):
        return False
    made = [node for nodes in kept for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(made)
    return True


def _written_out(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    if (node.domain, node.op_type) != ("com.microsoft", "SkipLayerNormalization") or any(node.output[1:3]):
        return [node]
    x, skip, scale, shift, bias = (*node.input, "", "")[:5]
    name = node.name or node.output[0]
    total = node.output[3] if len(node.output) > 3 and node.output[3] else f"{node.output[0]}.sum"
    made = []
    if bias:
        made.append(helper.make_node("Add", [x, bias], [f"{total}.biased"], name=f"{name}.bias"))
        x = f"{total}.biased"
    given: dict[str, Any] = {"axis": -1, "epsilon": attributes(node).get("epsilon", _EPSILON)}
    inputs = [total, scale, shift] if shift else [total, scale]
    return [
        *made,
        helper.make_node("Add", [x, skip], [total], name=f"{name}.sum"),
        helper.make_node("LayerNormalization", inputs, [node.output[0]], name=name, **given),
    ]
