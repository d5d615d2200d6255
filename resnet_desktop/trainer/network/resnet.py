"""Residual networks in PyTorch, written so that the residual path and the skip path can be read.

Parameters carry torchvision's names, so that its weights load and the exported bundle keeps them. Source: He et al.
2015 (arXiv:1512.03385); initialisation: He et al. 2015 (arXiv:1502.01852), the last batch norm of each residual path
optionally at zero (Goyal et al. 2017, arXiv:1706.02677), so that every block starts as the identity.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_desktop.bundle.builders.architectures import Architecture, Block
from resnet_desktop.trainer.network.classifier import Classifier, is_head, own_depth, part_name


class ResidualBlock(nn.Module):
    """``relu(F(x) + skip(x))``; a plain block (``residual=False``) is ``relu(F(x))``.

    F is two 3x3 convolutions, or 1x1, 3x3, 1x1. The skip is the identity, or a 1x1 convolution where the shapes differ.
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.convolutions = [(c.name, c.norm) for c in block.convolutions]
        for c in block.convolutions:
            conv = nn.Conv2d(c.channels_in, c.channels_out, c.kernel, c.stride, c.padding, bias=False)
            self.add_module(c.name, conv)
            self.add_module(c.norm, nn.BatchNorm2d(c.channels_out))
        self.relu = nn.ReLU(inplace=True)
        self.is_residual = block.residual
        self.downsample: nn.Module | None = None
        if block.projects:
            self.downsample = nn.Sequential(
                nn.Conv2d(block.channels_in, block.channels_out, 1, block.stride, bias=False),
                nn.BatchNorm2d(block.channels_out),
            )

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The batch norm at the end of the residual path."""
        module = self.get_submodule(self.convolutions[-1][1])
        assert isinstance(module, nn.BatchNorm2d)
        return module

    def residual(self, x: Tensor) -> Tensor:
        """F(x), before the addition and the last ReLU."""
        last = len(self.convolutions) - 1
        for i, (conv, norm) in enumerate(self.convolutions):
            x = self.get_submodule(norm)(self.get_submodule(conv)(x))
            if i < last:
                x = self.relu(x)
        return x

    def skip(self, x: Tensor) -> Tensor:
        """What is added to F(x): x itself, or its projection."""
        return x if self.downsample is None else self.downsample(x)

    def forward(self, x: Tensor) -> Tensor:
        """From ``[batch, channels_in, h, w]`` to ``[batch, channels_out, h / stride, w / stride]``."""
        y = self.residual(x)
        if self.is_residual:
            y = y + self.skip(x)
        return functional.relu(y, inplace=True)


class ResNet(Classifier):
    """A residual network for ``classes`` classes; logits out.

    Args:
        architecture: which network.
        classes: how many logits.
        hidden: sizes of hidden layers in the head; empty for the usual single linear layer ``fc``.
        dropout: on the pooled features (and behind hidden layers) while training.
        zero_init_residual: start every residual path at zero.
    """

    def __init__(
        self,
        architecture: Architecture,
        classes: int,
        *,
        hidden: tuple[int, ...] = (),
        dropout: float = 0.0,
        zero_init_residual: bool = True,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.width, self.arch, self.reduction = architecture.features, architecture.name, architecture.reduction
        width = architecture.widths[0]
        if architecture.stem == "imagenet":
            self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
            self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1)
        else:
            self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
            self.maxpool = nn.Identity()
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.stages = [f"layer{i + 1}" for i in range(len(architecture.depths))]
        for stage in self.stages:
            blocks = [ResidualBlock(b) for b in architecture.blocks if b.name.split(".")[0] == stage]
            self.add_module(stage, nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.add_head(classes, hidden, dropout)
        self.frozen = 0
        """How many parts from the input on are frozen (the stem is one, each stage another): no gradient is kept."""
        self._initialise(zero_init_residual=zero_init_residual)

    def _initialise(self, *, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, ResidualBlock) and zero_init_residual and module.is_residual:
                nn.init.zeros_(module.last_norm.weight)

    def features(self, x: Tensor) -> Tensor:
        """The last stage's activations, ``[batch, features, h / 32, w / 32]`` for the ImageNet networks."""
        # Without gradients, activations of frozen parts are not kept for a backward pass that never comes.
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for i, stage in enumerate(self.stages, start=1):
            with torch.set_grad_enabled(torch.is_grad_enabled() and i >= self.frozen):
                x = self.get_submodule(stage)(x)
        return x

    def pooled(self, x: Tensor) -> Tensor:
        """From normalized pictures ``[batch, 3, h, w]`` to pooled features ``[batch, features]``."""
        pooled: Tensor = self.avgpool(self.features(x)).flatten(1)
        return pooled

    @property
    def last_stage(self) -> int:
        """The number of the last stage."""
        return len(self.stages)

    def depth(self, name: str) -> int:
        """The stage of a parameter of the body: 0 for the stem."""
        return own_depth(name)

    def part(self, name: str) -> str:
        """What the part is called that a parameter belongs to."""
        return part_name(name)

    def freeze_before(self, stage: int) -> None:
        """Leave the body free from ``stage`` on; no gradient is kept of what comes before."""
        for name, parameter in self.named_parameters():
            parameter.requires_grad &= is_head(name) or self.depth(name) >= stage
        self.frozen = stage

    def frozen_part(self, x: Tensor) -> Tensor:
        """What the frozen parts make of the pictures; the pictures themselves where none is frozen."""
        if not self.frozen:
            return x
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in self.stages[: self.frozen - 1]:
            x = self.get_submodule(stage)(x)
        return x

    def learning_part(self, x: Tensor) -> Tensor:
        """Logits ``[batch, classes]`` from what ``frozen_part`` gave."""
        if not self.frozen:
            logits: Tensor = self(x)
            return logits
        for stage in self.stages[self.frozen - 1 :]:
            x = self.get_submodule(stage)(x)
        return self.classify(self.avgpool(x).flatten(1))


def named_arrays(network: nn.Module) -> dict[str, Any]:
    """The parameters and running statistics as NumPy arrays under torchvision's names (float32, on the CPU)."""
    skipped = "num_batches_tracked"
    state = network.state_dict()
    return {k: v.detach().float().cpu().contiguous().numpy() for k, v in state.items() if not k.endswith(skipped)}
