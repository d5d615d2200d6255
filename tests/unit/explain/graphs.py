"""Small graphs whose gradients are known otherwise, and a way to run the gradients that are written for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.explain.autodiff.backward import SEED, appended, gradient_name, gradient_part

Array = NDArray[Any]


def node(kind: str, *inputs: str, to: str = "y", **attributes: Any) -> onnx.NodeProto:
    """One node from ``inputs`` to the tensor ``to``."""
    return helper.make_node(kind, list(inputs), [to], **attributes)


def graph(
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, Array] | None = None,
    *,
    shape: Sequence[int | str | None] = ("N", 4, 6, 6),
    opset: int = 17,
    dtype: int = TensorProto.FLOAT,
    flatten: bool = True,
) -> onnx.ModelProto:
    """A model from the input ``x`` over ``nodes`` to ``y``, which is laid flat as ``logits``."""
    end = [helper.make_node("Flatten", ["y"], ["logits"], axis=1)] if flatten else []
    built = helper.make_graph(
        [*nodes, *end],
        "small",
        [helper.make_tensor_value_info("x", dtype, list(shape))],
        [helper.make_tensor_value_info("logits", dtype, ["N", None])],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    model = helper.make_model(built, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])
    checker.check_model(model)
    return model


def second_graph(
    model: onnx.ModelProto,
    layers: Sequence[str],
    *,
    logits: str = "logits",
    cut: Collection[tuple[str, str]] = (),
    view: GraphView | None = None,
) -> bytes:
    """The model with its gradient nodes, checked."""
    part = gradient_part(model, view or GraphView(model), logits, layers, cut=cut)
    data = appended(model.SerializeToString(), part)
    checker.check_model(onnx.load_from_string(data))
    return data


def session(model: bytes) -> Callable[[Sequence[str], Mapping[str, Array]], list[Array]]:
    """Runs a model on the CPU with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    opened = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda outputs, feeds: list(opened.run(list(outputs), dict(feeds)))


def gradients(model: onnx.ModelProto, layers: Sequence[str], x: Array, seed: Array, **options: Any) -> list[Array]:
    """The gradients of sum(seed * logits) with respect to ``layers``, as ONNX Runtime computes them."""
    name = model.graph.input[0].name
    run = session(second_graph(model, layers, **options))
    return run([gradient_name(layer) for layer in layers], {name: x, SEED: seed})


def outputs(model: onnx.ModelProto, x: Array) -> list[Array]:
    """The outputs of a model on the CPU."""
    return session(model.SerializeToString())([o.name for o in model.graph.output], {model.graph.input[0].name: x})


def error(found: Array, expected: Array) -> float:
    """Max |g - g*| / max |g*|."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Normal numbers, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
