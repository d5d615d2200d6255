"""Small networks for the tests: ours with random weights, and other people's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet, expected_shapes
from resnet_desktop.bundle.file.bundle import Bundle, write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.imaging.transforms import Transforms

TINY = Architecture("tiny", "bottleneck", (2, 1), (2, 4))
"""A network of the family that is quick to write and to damage."""

SIDE = 32
LABELS = ("ant", "bee", "crane", "crane", "7")

Arrays = dict[str, NDArray[np.float32]]


def random_arrays(arch: Architecture, classes: int, *, hidden: tuple[int, ...] = (), seed: int = 0) -> Arrays:
    """Random weights and running statistics that keep activations near 1 in any depth."""
    rng = np.random.default_rng(seed)
    shapes = expected_shapes(arch)
    sizes = (arch.features, *hidden, classes)
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        name = f"head.{i}" if hidden else "fc"
        shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
    return {name: _random(rng, name, shape) for name, shape in shapes.items()}


def _random(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if len(shape) > 1:
        array = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2.0 / np.prod(shape[1:])))
    elif name.endswith("running_var"):
        array = rng.uniform(0.7, 1.4, shape)
    elif name.endswith("weight"):
        array = rng.uniform(0.2, 0.6, shape)
    else:
        array = rng.standard_normal(shape) * 0.1
    return array.astype(np.float32, copy=False)


def metadata(**changes: object) -> Metadata:
    """Metadata that fits ``tiny_model``."""
    given: dict[str, Any] = {"arch": "tiny", "categories": LABELS, "transforms": Transforms(resize=36, crop=SIDE)}
    return Metadata(**(given | changes))


def tiny_model(arch: Architecture = TINY, *, hidden: tuple[int, ...] = (), seed: int = 0) -> onnx.ModelProto:
    """A network of ours with random weights."""
    arrays = random_arrays(arch, len(LABELS), hidden=hidden, seed=seed)
    return build_resnet(arch, arrays, height=SIDE, width=SIDE)


def tiny_bundle(path: Path, *, hidden: tuple[int, ...] = ()) -> Bundle:
    """The same, written to ``path``."""
    return write(path, tiny_model(hidden=hidden), metadata())


def foreign_model(
    nodes: Iterable[onnx.NodeProto],
    weights: Mapping[str, NDArray[Any]],
    *,
    output: tuple[int | str, ...] = ("N", 4),
    shape: tuple[int | str, ...] = ("N", 3, 16, 16),
    opset: int = 17,
) -> onnx.ModelProto:
    """A model from elsewhere: ``nodes`` lead from ``x`` to ``y``."""
    graph = helper.make_graph(
        list(nodes),
        "elsewhere",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, list(output))],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


def plain_classifier(
    *,
    shape: tuple[int | str, ...] = ("N", 3, 16, 16),
    output: tuple[int | str, ...] | None = None,
    classes: int = 4,
) -> onnx.ModelProto:
    """Convolution, ReLU, pooling, flatten, linear: the smallest foreign classifier with a closed form."""
    rng = np.random.default_rng(3)
    nodes = [
        helper.make_node("Conv", ["x", "cw"], ["/features/features.0/Conv_output_0"], strides=[2, 2]),
        helper.make_node("Relu", ["/features/features.0/Conv_output_0"], ["/features/features.1/Relu_output_0"]),
        helper.make_node("GlobalAveragePool", ["/features/features.1/Relu_output_0"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["y"], transB=1),
    ]
    weights = {"cw": (6, 3, 3, 3), "w": (classes, 6), "b": (classes,)}
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in weights.items()}
    return foreign_model(nodes, arrays, shape=shape, output=output or ("N", classes))


def save(path: Path, model: onnx.ModelProto) -> Path:
    """Write a model as it is, unchecked."""
    path.write_bytes(model.SerializeToString())
    return path


def run(model: bytes, x: NDArray[np.float32], outputs: list[str] | None = None) -> list[NDArray[np.float32]]:
    """The outputs of a serialized model on a batch, computed on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # merged they would saturate without VNNI
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(outputs, {session.get_inputs()[0].name: x}))


def images(count: int, side: int, seed: int = 9) -> NDArray[np.float32]:
    """A batch of normalized noise, float32 ``(count, 3, side, side)``."""
    return np.random.default_rng(seed).standard_normal((count, 3, side, side)).astype(np.float32)
