"""The networks: torchvision's names and sizes, and what a residual block computes."""

from __future__ import annotations

import pytest
import torch

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.trainer.network.build import freeze, training_mode
from resnet_desktop.trainer.network.resnet import ResidualBlock, ResNet, named_arrays


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032), ("resnet101", 44_549_160)],
)
def test_parameter_counts_are_those_of_torchvision(name: str, parameters: int) -> None:
    with torch.device("meta"):
        network = ResNet(ARCHITECTURES[name], 1000)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_parameter_names_are_those_of_torchvision() -> None:
    names = set(named_arrays(ResNet(ARCHITECTURES["resnet50"], 2)))
    expected = {"conv1.weight", "bn1.running_mean", "layer1.0.downsample.0.weight", "layer1.0.downsample.1.bias"}
    expected |= {"layer3.5.conv2.weight", "layer4.2.bn3.running_var", "fc.weight", "fc.bias"}
    assert expected <= names
    assert "layer1.1.downsample.0.weight" not in names
    assert len(names) == 53 + 53 * 4 + 2


def test_layers_of_the_cifar_networks() -> None:
    for depth in (20, 56):
        network = ResNet(ARCHITECTURES[f"resnet{depth}-cifar"], 10)
        convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
        assert len(convolutions) + 1 == depth  # the linear layer counts too
        assert network.features(torch.zeros(1, 3, 32, 32)).shape == (1, 64, 8, 8)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_block_adds_its_skip_to_its_residual(name: str) -> None:
    torch.manual_seed(0)
    for block in ResNet(ARCHITECTURES[name], 2, zero_init_residual=False).eval().layer2:  # type: ignore[union-attr]
        assert isinstance(block, ResidualBlock)
        channels = next(iter(block.parameters())).shape[1]
        x = torch.rand(2, channels, 8, 8)
        assert torch.equal(block(x), torch.relu(block.residual(x) + block.skip(x)))
        if block.downsample is None:
            assert block.skip(x) is x


def test_blocks_with_an_identity_skip_start_as_the_identity() -> None:
    block = ResNet(ARCHITECTURES["resnet50"], 2).eval().get_submodule("layer2.1")
    x = torch.rand(1, 512, 4, 4)
    assert torch.equal(block(x), x)


def test_a_plain_block_has_no_skip() -> None:
    block = ResNet(ARCHITECTURES["plain18"], 2).eval().get_submodule("layer1.0")
    assert isinstance(block, ResidualBlock)
    x = torch.rand(1, 64, 4, 4)
    assert torch.equal(block(x), torch.relu(block.residual(x)))


@pytest.mark.parametrize(("train", "free"), [("head", {"fc"}), ("last-stage", {"fc", "layer4"})])
def test_frozen_parts_keep_weights_and_statistics(train: str, free: set[str]) -> None:
    network = ResNet(ARCHITECTURES["resnet18"], 2)
    freeze(network, train)
    training_mode(network)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    network(torch.rand(4, 3, 32, 32)).square().mean().backward()
    optimizer.step()
    changed = {k.split(".")[0] for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == free
