"""Foreign classifiers in PyTorch, in float64: just the operators that they are made of, in their plain forms.

Where a unit is on, and which cell of a pooling window is the greatest, is taken from what ONNX Runtime computed in
float32: at a kink two roundings of one number lie on two sides, and no gradient there is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor
from torch.nn import functional as f

from tests.unit.explain.graphs import Array

_PASSED = ("Identity", "Dropout")
DECIDING = ("Relu", "Clip", "MaxPool", "HardSwish", "HardSigmoid")


class TorchGraph:
    """Runs the nodes of a model in float64.

    Args:
        model: the model.
        seen: float32 values of tensors that operators with kinks read and make.
    """

    def __init__(self, model: onnx.ModelProto, seen: Mapping[str, Array]) -> None:
        self._nodes = list(model.graph.node)
        self._seen = seen
        self._weights = {t.name: _tensor(numpy_helper.to_array(t)) for t in model.graph.initializer}

    def run(self, start: str, value: Tensor, outputs: Sequence[str]) -> list[Tensor]:
        """The tensors ``outputs``, from the tensor ``start`` on (what does not depend on it is as it was seen)."""
        known: dict[str, Tensor] = {**self._weights, start: value}
        constant, behind = set(self._weights), {start}
        for node in self._nodes:
            if node.output[0] == start or all(name in known for name in outputs):
                continue
            if constant.issuperset(node.input):
                constant.update(node.output)
            elif behind.isdisjoint(node.input):
                continue
            else:
                behind.update(node.output)
            given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            inputs = [self._input(known, name) for name in node.input]
            known.update(zip(node.output, self._compute(node, inputs, given), strict=False))
        return [known[name] for name in outputs]

    def _input(self, known: Mapping[str, Tensor], name: str) -> Tensor | None:
        if not name:
            return None
        return known[name] if name in known else _tensor(self._seen[name])

    def _compute(self, node: onnx.NodeProto, inputs: list[Any], given: dict[str, Any]) -> list[Tensor]:
        x = inputs[0]
        match node.op_type:
            case "Relu":
                return [x * (torch.from_numpy(self._seen[node.output[0]]) > 0)]
            case "Clip":
                low, high = given.get("min", inputs[1:2] and inputs[1]), given.get("max", inputs[2:3] and inputs[2])
                y = torch.from_numpy(self._seen[node.output[0]])
                inside = (y > low) & (y < high)
                return [torch.where(inside, x, y.double())]
            case "HardSwish":
                y = torch.from_numpy(self._seen[node.input[0]])
                return [torch.where(y <= -3, x * 0, torch.where(y >= 3, x, x * (x / 6 + 0.5)))]
            case "HardSigmoid":
                y = torch.from_numpy(self._seen[node.output[0]])
                line = given.get("alpha", 0.2) * x + given.get("beta", 0.5)
                return [torch.where((y > 0) & (y < 1), line, y.double())]
            case "MaxPool":
                return [self._max_pool(node, x, given)]
            case "Split":
                sizes = given["split"] if "split" in given else inputs[1]
                return list(torch.split(x, [int(n) for n in sizes], given["axis"]))
            case kind if kind in _PASSED:
                return [x]
            case kind:
                return [_plain(kind, inputs, given)]

    def _max_pool(self, node: onnx.NodeProto, x: Tensor, given: dict[str, Any]) -> Tensor:
        seen = _padded(torch.from_numpy(self._seen[node.input[0]]), given, -1e30)
        size, stride = given["kernel_shape"], given.get("strides", [1, 1])
        _, places = f.max_pool2d(seen, size, stride, return_indices=True, ceil_mode=bool(given.get("ceil_mode")))
        padded = _padded(x, given, -1e30)
        return padded.flatten(2).gather(2, places.flatten(2)).reshape(places.shape)


def _plain(kind: str, inputs: list[Any], given: dict[str, Any]) -> Any:
    x = inputs[0]
    match kind:
        case "Conv":
            stride, dilation = given.get("strides", [1, 1]), given.get("dilations", [1, 1])
            group = given.get("group", 1)
            bias = inputs[2] if len(inputs) > 2 else None
            return f.conv2d(_padded(x, given), inputs[1], bias, stride=stride, dilation=dilation, groups=group)
        case "BatchNormalization":
            weight, bias, mean, variance = inputs[1:]
            return f.batch_norm(x, mean, variance, weight, bias, eps=given.get("epsilon", 1e-5))
        case "LRN":
            return f.local_response_norm(x, given["size"], given["alpha"], given["beta"], given["bias"])
        case "AveragePool":
            return _average_pool(x, given)
        case "GlobalAveragePool":
            return x.mean((2, 3), keepdim=True)
        case "Concat":
            return torch.cat(inputs, given["axis"])
        case "Add" | "Sum":
            return sum(inputs[1:], x)
        case "Mul":
            return x * inputs[1]
        case "Sigmoid":
            return torch.sigmoid(x)
        case "Unsqueeze":
            for axis in given["axes"]:
                x = x.unsqueeze(axis)
            return x
        case "Transpose":
            return x.permute(given["perm"])
        case "Reshape":
            sizes = [int(n) for n in inputs[1]]
            return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(sizes)])
        case "Flatten":
            return x.flatten(1)
        case "Gemm":
            weight = inputs[1].T if given.get("transB") else inputs[1]
            return x @ weight + inputs[2]
        case _:
            raise AssertionError(f"{kind} is not known here")


def _average_pool(x: Tensor, given: dict[str, Any]) -> Tensor:
    size, stride = given["kernel_shape"], given.get("strides", [1, 1])
    ones = x if given.get("count_include_pad") else torch.ones_like(x)
    ceil = bool(given.get("ceil_mode"))
    total = f.avg_pool2d(_padded(x, given), size, stride, ceil_mode=ceil)
    return total if ones is x else total / f.avg_pool2d(_padded(ones, given), size, stride, ceil_mode=ceil)


def _padded(x: Tensor, given: dict[str, Any], value: float = 0.0) -> Tensor:
    top, left, bottom, right = given.get("pads", [0, 0, 0, 0])
    assert given.get("auto_pad", b"NOTSET") == b"NOTSET"
    return f.pad(x, (left, right, top, bottom), value=value)


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array, np.float64 if array.dtype.kind == "f" else array.dtype))


def seen_by(model: onnx.ModelProto, start: str) -> list[str]:
    """The tensors that ``TorchGraph`` has to be given: those at kinks, and those that come from beside ``start``."""
    seen: set[str] = set()
    behind, made = {start}, {name for n in model.graph.node for name in n.output}
    for node in model.graph.node:
        if node.output[0] != start and not behind.isdisjoint(node.input):
            behind.update(node.output)
            seen.update(name for name in node.input if name not in behind)
            if node.op_type in DECIDING:
                seen.update((node.input[0], node.output[0]))
    return sorted(seen & made)
