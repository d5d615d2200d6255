"""The builder's graphs compute what the PyTorch networks compute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet, stored_arrays

from .making import Arrays, images, random_arrays, run

torch = pytest.importorskip("torch", reason="the trainer's network needs PyTorch")
resnet = pytest.importorskip("resnet_desktop.trainer.network.resnet", reason="the trainer's network needs PyTorch")

TOLERANCE = 1e-4
CLASSES = 11

NETWORKS = [
    ("resnet18", 64, ()),
    ("resnet34", 64, ()),
    ("resnet50", 64, ()),
    ("resnet50", 96, (32, 16)),
    ("plain18", 64, ()),
    ("resnet20-cifar", 32, ()),
    ("plain20-cifar", 32, ()),
    ("resnet110-cifar", 32, (9,)),
    pytest.param("resnet101", 64, (), marks=pytest.mark.torture),
    pytest.param("resnet152", 64, (), marks=pytest.mark.torture),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread for PyTorch: several wait for each other for seconds where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(arch: Architecture, arrays: Arrays, hidden: tuple[int, ...]) -> Any:
    """A PyTorch network that holds ``arrays``, ready to infer."""
    with torch.device("meta"):  # without the time for weights that are replaced
        net = resnet.ResNet(arch, CLASSES, hidden=hidden)
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    missing, surplus = net.load_state_dict(state, strict=False, assign=True)
    assert not surplus
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return net.eval()


@pytest.mark.parametrize(("name", "side", "hidden"), NETWORKS)
def test_graph_and_network_agree(name: str, side: int, hidden: tuple[int, ...]) -> None:
    arch = ARCHITECTURES[name]
    arrays = random_arrays(arch, CLASSES, hidden=hidden, seed=len(name) + side)
    stored = stored_arrays(arrays, "float16")
    net = network(arch, stored, hidden)
    x = images(2, side)
    with torch.inference_mode():
        features = net.features(torch.from_numpy(x)).numpy()
        expected = net(torch.from_numpy(x)).numpy()
    model = build_resnet(arch, arrays, height=side, width=side, storage="float16")
    last = arch.blocks[-1].name
    model.graph.output.append(onnx.ValueInfoProto(name=last))
    logits, activations = run(model.SerializeToString(), x)
    assert np.ptp(expected) > 0.1, "logits this flat would prove nothing"
    np.testing.assert_allclose(logits, expected, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(activations, features, rtol=TOLERANCE, atol=TOLERANCE)


def test_residual_and_skip_tensors_are_those_of_the_network() -> None:
    arch = ARCHITECTURES["resnet18"]
    arrays = random_arrays(arch, CLASSES)
    net = network(arch, arrays, ())
    model = build_resnet(arch, arrays, height=64, width=64, storage="float32")
    names = [f"{block}.{path}" for block in ("layer2.0", "layer2.1") for path in ("residual", "skip")]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in (*names, "maxpool"))
    x = images(1, 64)
    found = dict(zip(names, run(model.SerializeToString(), x, names), strict=True))
    with torch.inference_mode():
        inside = net.maxpool(net.relu(net.bn1(net.conv1(torch.from_numpy(x)))))
        inside = net.get_submodule("layer1")(inside)
        for block in ("layer2.0", "layer2.1"):
            module = net.get_submodule(block)
            for path in ("residual", "skip"):
                expected = getattr(module, path)(inside.clone()).numpy()
                np.testing.assert_allclose(found[f"{block}.{path}"], expected, rtol=TOLERANCE, atol=TOLERANCE)
            inside = module(inside)


def test_the_network_gives_the_arrays_that_the_builder_needs() -> None:
    for hidden in ((), (8,)):
        net = resnet.ResNet(ARCHITECTURES["resnet20-cifar"], CLASSES, hidden=hidden)
        build_resnet(ARCHITECTURES["resnet20-cifar"], resnet.named_arrays(net), height=32, width=32)
