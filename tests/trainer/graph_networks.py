"""Small convolutional networks for the tests of networks that are made from graphs, as torchvision writes them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.trainer.network.resnet import ResNet
from tests.trainer import networks
from tests.trainer.networks import CLASSES

TINY = {
    "resnet18": Architecture("tiny18", "basic", (2, 2, 2, 2), (4, 6, 8, 10)),
    "resnet50": Architecture("tiny50", "bottleneck", (1, 2, 1, 1), (2, 3, 4, 5)),
}


def conv(given: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    padding = kernel // 2
    return [nn.Conv2d(given, out, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(out)]


class Inverted(nn.Module):
    """The inverted bottleneck of MobileNetV2, with squeeze and excitation as in V3 if so wished."""

    def __init__(self, given: int, out: int, stride: int, act: type[nn.Module], *, gated: bool = False) -> None:
        super().__init__()
        wide = 3 * given
        self.expand = nn.Sequential(*conv(given, wide, 1), act(), *conv(wide, wide, 3, stride, wide), act())
        self.gate = nn.Sequential(nn.Conv2d(wide, 4, 1), nn.ReLU(), nn.Conv2d(4, wide, 1), nn.Hardsigmoid())
        self.gated = gated
        self.project = nn.Sequential(*conv(wide, out, 1))
        self.skips = given == out and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.expand(x)
        if self.gated:
            y = y * self.gate(f.adaptive_avg_pool2d(y, 1))
        y = self.project(y)
        return x + y if self.skips else y


class MobileNet(nn.Module):
    """MobileNetV2 (``act`` is ReLU6) or V3 (hard-swish, gates, a hidden layer in the classifier)."""

    def __init__(self, act: type[nn.Module], *, newer: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(*conv(3, 6, 3, 2), act(), Inverted(6, 6, 1, act), Inverted(6, 8, 2, act, gated=newer)),
            *(Inverted(8, 8, 1, act, gated=newer), Inverted(8, 10, 2, act), *conv(10, 20, 1), act()),
        )
        hidden = [nn.Linear(20, 16), act()] if newer else []
        self.classifier = nn.Sequential(*hidden, nn.Dropout(0.0), nn.Linear(16 if newer else 20, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(self.features(x).mean([2, 3]))
        return out


class Vgg(nn.Sequential):
    """Without norms; features are those of the whole grid, so that it takes pictures of one size."""

    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU()),
            *(nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.Flatten(), nn.Linear(200, 12), nn.ReLU()),
            nn.Linear(12, CLASSES),
        )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: ResNet(TINY["resnet18"], CLASSES, zero_init_residual=False),
    "resnet50": lambda: ResNet(TINY["resnet50"], CLASSES, zero_init_residual=False),
    "mobilenet-v2": lambda: MobileNet(nn.ReLU6, newer=False),
    "mobilenet-v3": lambda: MobileNet(nn.Hardswish, newer=True),
    "vgg": Vgg,
    **networks.NETWORKS,
}


def network(name: str) -> nn.Module:
    """A network with random weights, whose norms have seen something; ready for inference."""
    torch.manual_seed(4)
    model = NETWORKS[name]()
    for parameter in model.parameters():
        if parameter.ndim == 1 or (parameter == 1).all():
            nn.init.normal_(parameter, 0.8, 0.3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval()
