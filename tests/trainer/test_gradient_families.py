"""Gradients in other families of networks against PyTorch's in float64.

The onnx package carries well-known classifiers without their weights; these get random ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.explain.autodiff.backward import SEED, appended, gradient_name, gradient_part
from tests.trainer.onnx_torch import TorchGraph, seen_by
from tests.unit.explain.graphs import Array, error, noise, session

CLOSE = 1e-4
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def light(name: str) -> tuple[ModelProto, str]:
    """A classifier with random weights, and the name of its logits (what its final Softmax takes)."""
    model = onnx.load(LIGHT / f"light_{name}.onnx")
    shapes = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    filled = {n.output[0]: [int(i) for i in shapes[n.input[0]]] for n in model.graph.node if _is_filled(n)}
    readers = {name: (n, i) for n in model.graph.node for i, name in enumerate(n.input)}
    rng = np.random.default_rng(len(filled))
    weights = {name: _random(rng, shape, *readers[name]) for name, shape in filled.items() if name in readers}
    nodes = [n for n in model.graph.node if not _is_filled(n)]
    kept = [t for t in model.graph.initializer if "__SHAPE" not in t.name]
    images = [i for i in model.graph.input if i.name not in shapes]
    last = nodes[-1]
    logits = last.input[0] if last.op_type == "Softmax" else last.output[0]
    tensors = [*kept, *(numpy_helper.from_array(array, name) for name, array in weights.items())]
    outputs = [o for o in model.graph.output if o.name == last.output[0]]
    built = helper.make_graph(nodes, name, images, outputs, tensors)
    return helper.make_model(built, ir_version=8, opset_imports=[helper.make_opsetid("", 9)]), logits


def _is_filled(node: onnx.NodeProto) -> bool:
    return bool(node.op_type == "ConstantOfShape")


def _random(rng: np.random.Generator, shape: list[int], node: onnx.NodeProto, place: int) -> Array:
    shape = [64 if size == 4096 else size for size in shape]  # the widest linear layers, made thin
    if node.op_type in ("Conv", "Gemm") and place == 1:
        fan = int(np.prod(shape[1:]))
        return rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / fan))
    if node.op_type in ("Conv", "Gemm"):
        return rng.normal(0, 0.1, shape).astype(np.float32)
    if node.op_type == "BatchNormalization" and place in (2, 3):
        return rng.normal(0, 0.1, shape).astype(np.float32)
    return rng.uniform(0.5, 1.2, shape).astype(np.float32)  # factors, variances


def pick(model: ModelProto, count: int) -> list[str]:
    """Some layers from the first to the last, over the whole depth."""
    view = GraphView(model)
    kinds = ("Relu", "Concat", "Sum", "Add", "MaxPool", "AveragePool", "LRN", "Mul", "Clip", "HardSwish")
    found = [n.output[0] for n in model.graph.node if n.op_type in kinds and len(view.shape(n.output[0])) == 4]
    return [found[i] for i in np.linspace(len(found) // 8, len(found) - 1, count).astype(int)]


def check(model: ModelProto, logits: str, layers: Sequence[str], x: Array) -> None:
    """Compare the gradients at ``layers``, of which the first is the earliest."""
    view = GraphView(model)
    part = gradient_part(model, view, logits, layers)
    seen = seen_by(model, layers[0])
    given = {o.name for o in model.graph.output}
    extra = [n for n in dict.fromkeys([*seen, *layers, logits]) if n not in given]
    part.output.extend(onnx.ValueInfoProto(name=name) for name in extra)
    run = session(appended(model.SerializeToString(), part))
    classes = view.shape(logits)[1]
    assert classes is not None
    seed = noise(len(x), classes)
    names = [*seen, *layers, logits, *map(gradient_name, layers)]
    found = dict(zip(names, run(names, {model.graph.input[0].name: x, SEED: seed}), strict=True))
    start = torch.from_numpy(found[layers[0]].astype(np.float64)).requires_grad_()
    kept = TorchGraph(model, found).run(layers[0], start, [*layers, logits])
    assert error(found[logits], kept[-1].detach().numpy()) <= CLOSE
    right = torch.autograd.grad(kept[-1], kept[:-1], torch.from_numpy(seed).double().reshape(kept[-1].shape))
    for layer, gradient in zip(layers, right, strict=True):
        assert error(found[gradient_name(layer)], gradient.numpy()) <= CLOSE, layer


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("bvlc_alexnet", 5),
        ("zfnet512", 5),
        ("squeezenet", 5),
        ("shufflenet", 6),
        ("inception_v1", 5),
        ("inception_v2", 4),
        ("densenet121", 4),
        ("resnet50", 3),
        ("vgg19", 3),
    ],
)
def test_well_known_classifiers(name: str, count: int) -> None:
    model, logits = light(name)
    check(model, logits, pick(model, count), noise(1, 3, 224, 224))


def mobile(activation: str) -> ModelProto:
    """Inverted bottlenecks with depthwise convolutions, squeeze and excitation, and a split-and-shuffle unit."""
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, Array] = {"shuffle": np.array([0, 2, 12, 12, 12]), "back": np.array([0, 24, 12, 12])}

    def add(kind: str, inputs: list[str], to: str, **given: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [to], **given))
        return to

    def convolution(x: str, name: str, shape: tuple[int, ...], **given: Any) -> str:
        fan = int(np.prod(shape[1:]))
        weights[f"{name}.w"] = rng.normal(0, np.sqrt(2 / fan), shape).astype(np.float32)
        weights[f"{name}.b"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
        return add("Conv", [x, f"{name}.w", f"{name}.b"], name, **given)

    def act(x: str) -> str:
        if activation == "Clip":
            return add("Clip", [x], f"{x}.act", min=0.0, max=6.0)
        return add(activation, [x], f"{x}.act")

    x = act(convolution("x", "stem", (16, 3, 3, 3), strides=[2, 2], pads=[1] * 4))
    for i, (inputs, outputs, stride) in enumerate([(16, 24, 2), (24, 24, 1)]):
        y = act(convolution(x, f"b{i}.expand", (48, inputs, 1, 1)))
        y = act(convolution(y, f"b{i}.depth", (48, 1, 5, 5), strides=[stride] * 2, pads=[2] * 4, group=48))
        pooled = add("GlobalAveragePool", [y], f"b{i}.pool")
        gate = add("Relu", [convolution(pooled, f"b{i}.squeeze", (12, 48, 1, 1))], f"b{i}.relu")
        gate = convolution(gate, f"b{i}.excite", (48, 12, 1, 1))
        gate = add("HardSigmoid", [gate], f"b{i}.gate", alpha=1 / 6, beta=0.5)
        y = convolution(add("Mul", [y, gate], f"b{i}.scaled"), f"b{i}.project", (outputs, 48, 1, 1))
        x = add("Add", [y, x], f"b{i}.sum") if stride == 1 else y
    nodes.append(helper.make_node("Split", [x], ["left", "right"], axis=1, split=[12, 12]))
    right = act(convolution("right", "unit", (12, 1, 3, 3), pads=[1] * 4, group=12))
    x = add("Reshape", [add("Concat", ["left", right], "joined", axis=1), "shuffle"], "grouped")
    x = add("Reshape", [add("Transpose", [x], "shuffled", perm=[0, 2, 1, 3, 4]), "back"], "mixed")
    x = act(convolution(x, "head", (32, 24, 1, 1)))
    x = add("Flatten", [add("GlobalAveragePool", [x], "pool")], "flat", axis=1)
    weights |= {"fc.w": rng.normal(0, 0.2, (10, 32)).astype(np.float32), "fc.b": np.zeros(10, np.float32)}
    add("Gemm", [x, "fc.w", "fc.b"], "logits", transB=1)
    return _mobile_model(nodes, weights, 14 if activation == "HardSwish" else 10)


def _mobile_model(nodes: list[onnx.NodeProto], weights: dict[str, Array], opset: int) -> ModelProto:
    built = helper.make_graph(
        nodes,
        "mobile",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 48, 48])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    if opset >= 13:  # sizes became an input of Split
        split = next(n for n in built.node if n.op_type == "Split")
        del split.attribute[1]
        built.initializer.append(numpy_helper.from_array(np.array([12, 12]), "sizes"))
        split.input.append("sizes")
    return helper.make_model(built, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


@pytest.mark.parametrize("activation", ["Clip", "HardSwish", "Relu"])
def test_mobile_networks(activation: str) -> None:
    model = mobile(activation)
    layers = ["stem.act", "b0.depth.act", "b0.project", "b1.expand.act", "b1.sum", "joined", "head.act"]
    check(model, "logits", layers, noise(3, 3, 48, 48))
