"""A tiny classifier with an answer known beforehand, to prove an execution provider by a real run.

It holds one of each operator that a ResNet is made of. The expected output is worked out here in NumPy, so that a
provider is compared with arithmetic and not with another provider.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.resnet import IR_VERSION, OPSET

INPUT = "input"
OUTPUT = "logits"

_SIDE, _CHANNELS, _CLASSES = 8, 8, 5


@cache
def probe_model() -> bytes:
    """Convolution, ReLU, pooling, linear: ``input`` ``[batch, 3, 8, 8]`` to ``logits`` ``[batch, 5]``."""
    nodes = [
        helper.make_node("Conv", [INPUT, "conv.weight", "conv.bias"], ["conv"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["avgpool"]),
        helper.make_node("Gemm", ["avgpool", "fc.weight", "fc.bias"], [OUTPUT], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "probe",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 3, _SIDE, _SIDE])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", _CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in _weights().items()],
    )
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    data: bytes = model.SerializeToString()
    return data


def probe_input() -> NDArray[np.float32]:
    """Two images, float32 ``(2, 3, 8, 8)``."""
    return _numbers((2, 3, _SIDE, _SIDE), phase=0.7)


def probe_expected() -> NDArray[np.float32]:
    """The logits of ``probe_model`` on ``probe_input``, float32 ``(2, 5)``, computed in float64."""
    weights = {name: array.astype(np.float64) for name, array in _weights().items()}
    padded = np.pad(probe_input().astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    conv = np.einsum("nchwij,ocij->nohw", windows, weights["conv.weight"]) + weights["conv.bias"][:, None, None]
    pooled = np.maximum(conv, 0.0).mean(axis=(2, 3))
    logits: NDArray[np.float64] = pooled @ weights["fc.weight"].T + weights["fc.bias"]
    return logits.astype(np.float32)


def _weights() -> dict[str, NDArray[np.float32]]:
    return {
        "conv.weight": _numbers((_CHANNELS, 3, 3, 3), phase=0.1),
        "conv.bias": _numbers((_CHANNELS,), phase=0.2),
        "fc.weight": _numbers((_CLASSES, _CHANNELS), phase=0.3),
        "fc.bias": _numbers((_CLASSES,), phase=0.4),
    }


def _numbers(shape: tuple[int, ...], *, phase: float) -> NDArray[np.float32]:
    """Numbers between -1 and 1 without a pattern that a wrong layout could hide in, and the same everywhere."""
    steps = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    numbers: NDArray[np.float32] = np.sin(1.7 * steps + phase + 0.01 * steps**1.5).astype(np.float32)
    return numbers
