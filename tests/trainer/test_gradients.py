"""Gradients of whole residual networks, at every block, against the trainer's own networks in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from onnx import ModelProto, helper, numpy_helper
from torch import Tensor, nn

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.explain.autodiff.backward import SEED, appended, gradient_name, gradient_part
from resnet_desktop.trainer.network.resnet import ResidualBlock, ResNet
from tests.unit.bundle.making import TINY, Arrays, images, random_arrays
from tests.unit.explain.graphs import Array, error, gradients, noise, second_graph, session

CLASSES = 7
CLOSE = 1e-4


def network(arch: Architecture, arrays: Arrays) -> ResNet:
    """The trainer's network with these weights, in float64."""
    built = ResNet(arch, CLASSES).eval().double()
    state = {name: torch.from_numpy(array.astype(np.float64)) for name, array in arrays.items()}
    missing = built.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in missing.missing_keys)
    return built


def exact(built: ResNet, layers: Sequence[str], x: Array, seed: Array) -> list[Array]:
    """PyTorch's gradients of sum(seed * logits) at modules of these names."""
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            kept[name] = output

        return hook

    hooks = [built.get_submodule(name).register_forward_hook(keep(name)) for name in layers]
    logits = built(torch.from_numpy(x).double())
    for hook in hooks:
        hook.remove()
    found = torch.autograd.grad(logits, [kept[name] for name in layers], torch.from_numpy(seed).double())
    return [gradient.numpy() for gradient in found]


def blocks(arch: Architecture) -> list[str]:
    return [block.name for block in arch.blocks]


@pytest.mark.parametrize(
    ("name", "side", "batch"),
    [
        ("resnet18", 64, 2),
        ("resnet50", 48, 2),
        pytest.param("resnet152", 32, 1, marks=pytest.mark.torture),  # the blocks of resnet50, three times as many
        ("plain18", 64, 1),
        ("resnet20-cifar", 32, 2),
        ("resnet110-cifar", 16, 2),
    ],
)
def test_every_block_of_a_residual_network(name: str, side: int, batch: int) -> None:
    arch = ARCHITECTURES[name]
    arrays = random_arrays(arch, CLASSES)
    model = build_resnet(arch, arrays, height=side, width=side, storage="float32")
    x, seed = images(batch, side), noise(batch, CLASSES)
    layers = blocks(arch)
    expected = exact(network(arch, arrays), layers, x, seed)
    for layer, found, right in zip(layers, gradients(model, layers, x, seed), expected, strict=True):
        assert error(found, right) <= CLOSE, layer


def test_one_class_and_one_class_against_another() -> None:
    arrays = random_arrays(TINY, CLASSES, seed=1)
    model = build_resnet(TINY, arrays, height=32, width=32, storage="float32")
    x = images(2, 32)
    for seed in (np.eye(CLASSES, dtype=np.float32)[[3, 5]], np.eye(CLASSES, dtype=np.float32)[[3, 5]] - 1 / CLASSES):
        (found,) = gradients(model, ["layer1.0"], x, seed.astype(np.float32))
        (right,) = exact(network(TINY, arrays), ["layer1.0"], x, seed.astype(np.float32))
        assert error(found, right) <= CLOSE


def test_weights_stored_as_float16() -> None:
    arch = ARCHITECTURES["resnet18"]
    arrays = random_arrays(arch, CLASSES)
    stored = {n: a.astype(np.float16).astype(np.float32) if a.ndim > 1 else a for n, a in arrays.items()}
    model = build_resnet(arch, arrays, height=64, width=64, storage="float16")
    x, seed = images(1, 64), noise(1, CLASSES)
    layers = ["layer1.1", "layer3.0", "layer4.1"]
    expected = exact(network(arch, stored), layers, x, seed)
    for found, right in zip(gradients(model, layers, x, seed), expected, strict=True):
        assert error(found, right) <= CLOSE


def test_two_passes_in_one_graph_of_which_one_has_its_skips_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    arch = ARCHITECTURES["resnet20-cifar"]
    arrays = random_arrays(arch, CLASSES)
    model = build_resnet(arch, arrays, height=32, width=32, storage="float32")
    view, layers = GraphView(model), blocks(arch)
    cut = {(f"{name}.sum", f"{name}.skip") for name in layers}
    part = gradient_part(model, view, "logits", layers, cut=cut, variant="cut", seed=False)
    data = appended(second_graph(model, layers), part)
    x, seed = images(2, 32), noise(2, CLASSES)
    names = [gradient_name(layer, variant) for variant in ("", "cut") for layer in layers]
    found = session(data)(names, {"input": x, SEED: seed})

    whole = exact(network(arch, arrays), layers, x, seed)
    skip = ResidualBlock.skip
    monkeypatch.setattr(ResidualBlock, "skip", lambda self, x: skip(self, x).detach())
    without = exact(network(arch, arrays), layers, x, seed)
    for name, gradient, right in zip(names, found, [*whole, *without], strict=True):
        assert error(gradient, right) <= CLOSE, name
    assert error(without[0], whole[0]) > 0.1


def test_an_int8_network_against_its_dequantized_self() -> None:
    arrays = random_arrays(TINY, CLASSES, seed=2)
    model = build_resnet(TINY, arrays, height=32, width=32, storage="float32")
    step = 0.0625
    dequantized = _quantize(model, step)
    x, seed = images(2, 32), noise(2, CLASSES)
    layers = blocks(TINY)
    found = gradients(model, layers, x, seed)

    def rounded(_module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        (value,) = inputs
        nearest = (value.detach() / step).round().clamp(-128, 127) * step
        return (value + (nearest - value).detach(),)

    built = network(TINY, arrays | dequantized)
    for module in built.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(rounded)
    for gradient, right in zip(found, exact(built, layers, x, seed), strict=True):
        assert error(gradient, right) <= CLOSE


def _quantize(model: ModelProto, step: float) -> Arrays:
    """Put QuantizeLinear and DequantizeLinear before every convolution, int8 weights into it; the weights' values."""
    graph, nodes, values = model.graph, [], {}
    zero, scale = np.zeros((), np.int8), np.array(step, np.float32)
    graph.initializer.extend([numpy_helper.from_array(zero, "q.zero"), numpy_helper.from_array(scale, "q.scale")])
    tensors = {t.name: t for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv":
            source, name = node.input
            weight = numpy_helper.to_array(tensors[name])
            scales = (np.abs(weight).max(axis=(1, 2, 3)) / 127).astype(np.float32)
            whole = np.round(weight / scales[:, None, None, None]).astype(np.int8)
            values[name] = whole.astype(np.float32) * scales[:, None, None, None]
            tensors[name].CopyFrom(numpy_helper.from_array(whole, name))
            zeros = np.zeros(len(scales), np.int8)
            graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scale"))
            graph.initializer.append(numpy_helper.from_array(zeros, f"{name}.zero"))
            inputs = [name, f"{name}.scale", f"{name}.zero"]
            nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{name}.d"], axis=0))
            nodes.append(helper.make_node("QuantizeLinear", [source, "q.scale", "q.zero"], [f"{name}.xq"]))
            nodes.append(helper.make_node("DequantizeLinear", [f"{name}.xq", "q.scale", "q.zero"], [f"{name}.x"]))
            node.input[:] = [f"{name}.x", f"{name}.d"]
        nodes.append(node)
    changed = helper.make_graph(nodes, graph.name, graph.input, graph.output, graph.initializer)
    graph.CopyFrom(changed)
    return values
