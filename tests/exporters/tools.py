"""What tools write around a graph: operator sets, versions, functions, stored halves, optimizations."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from tests.exporters.case import Array, Case, Turn, quiet
from tests.exporters.torch_graphs import Residual, made, traced
from tests.trainer import networks
from tests.unit.bundle.elsewhere import softmax


def versions() -> Iterator[Case]:
    """What tools write around a graph."""
    net = made(Residual())
    for opset in (9, 11, 13, 15, 18, 20):
        yield Case(f"operator set {opset}", traced(net, opset))
    newest = traced(net, 17)
    newest.ir_version = 14
    yield Case("IR 14", newest)
    newer = onnx.version_converter.convert_version(traced(net, 18), 26)
    newer.opset_import[0].version, newer.ir_version = 28, 14
    yield Case("operator set 28", newer)
    unused = traced(net)
    for domain in ("ai.onnx.training", "com.microsoft.experimental", "org.pytorch.aten", "ai.onnx.preview"):
        unused.opset_import.append(helper.make_opsetid(domain, 1))
    yield Case("sets that no node uses", unused)
    yield Case("an operator of somebody's own", own_operator(traced(net)), refused="does not have")
    yield Case("functions", with_function(traced(net)))
    yield Case("weights as float16", halves(traced(networks.network("vit"))))
    yield Case("optimized by ONNX Runtime", optimized(traced(net)))
    yield Case("quantized, dynamically", quantized(traced(networks.network("vit"))), one_by_one=True)
    yield Case("an operator of somebody's own, aside", own_operator_aside(traced(net)), runs=traced(net))
    whole = ends_in_bytes(traced(net))
    yield Case("bytes at the end", whole, answer=lambda q: softmax((q - 128) * 0.2), gradient=gradient_of(net))
    several = traced(net)
    several.graph.input.append(helper.make_tensor_value_info("keep_prob", TensorProto.FLOAT, []))
    yield Case("an input that nothing reads", several, runs=traced(net))
    several = traced(net)
    several.graph.input.append(helper.make_tensor_value_info("keep_prob", TensorProto.FLOAT, []))
    several.graph.node.append(helper.make_node("Mul", ["y", "keep_prob"], ["kept"]))
    several.graph.output[0].name = "kept"
    yield Case("two inputs", several, refused="has 2")


def own_operator(model: onnx.ModelProto) -> onnx.ModelProto:
    """With an operator that would need a library."""
    model.graph.node[-1].domain, model.graph.node[-1].op_type = "mine", "Head"
    model.opset_import.append(helper.make_opsetid("mine", 1))
    return model


def own_operator_aside(model: onnx.ModelProto) -> onnx.ModelProto:
    """With a first output that only another's library could compute."""
    model.graph.node.append(helper.make_node("Boxes", ["y"], ["boxes"], domain="mine"))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    scores = list(model.graph.output)
    del model.graph.output[:]
    model.graph.output.extend([helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", 4]), *scores])
    return model


def gradient_of(net: nn.Module) -> Turn:
    """PyTorch's gradient at pictures, of the score of class 1 less that of class 0."""

    def gradient(x: Array) -> Array:
        picture = torch.tensor(x, requires_grad=True)
        scores = net(picture)
        (scores[:, 1] - scores[:, 0]).sum().backward()
        assert picture.grad is not None
        return picture.grad.numpy()

    return gradient


def ends_in_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Its scores as whole numbers, as full-integer exports have them."""
    scale, zero = np.array(0.2, np.float32), np.array(128, np.uint8)
    model.graph.initializer.append(numpy_helper.from_array(scale, "y.scale"))
    model.graph.initializer.append(numpy_helper.from_array(zero, "y.zero"))
    model.graph.node[-1].output[0] = "scores"
    model.graph.node.append(helper.make_node("QuantizeLinear", ["scores", "y.scale", "y.zero"], ["y"]))
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8
    return model


def with_function(model: onnx.ModelProto) -> onnx.ModelProto:
    """Its activations as a function of the model's own."""
    sets = list(model.opset_import)
    body = [helper.make_node("Relu", ["a"], ["b"])]
    model.functions.append(helper.make_function("mine", "Act", ["a"], ["b"], body, sets))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.domain, node.op_type = "mine", "Act"
    model.opset_import.append(helper.make_opsetid("mine", 1))
    return model


def halves(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights stored as float16, each with a Cast behind it."""
    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > 1:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def optimized(model: onnx.ModelProto) -> onnx.ModelProto:
    """As ONNX Runtime saves it, at its extended level."""
    with tempfile.TemporaryDirectory() as folder:
        options = quiet()
        options.optimized_model_filepath = str(Path(folder, "o.onnx"))
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def quantized(model: onnx.ModelProto) -> onnx.ModelProto:
    """By ONNX Runtime's dynamic quantizer."""
    from onnxruntime.quantization import quantize_dynamic  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, str(Path(folder, "m.onnx")))
        quantize_dynamic(str(Path(folder, "m.onnx")), str(Path(folder, "q.onnx")))
        return onnx.load(str(Path(folder, "q.onnx")))
