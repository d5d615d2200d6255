"""The family of residual networks that the app builds, trains and reads.

Sources: He et al. 2015, "Deep Residual Learning for Image Recognition" (arXiv:1512.03385), table 1 for the
ImageNet networks and section 4.2 for the CIFAR ones; the stride of a bottleneck sits on its 3x3 convolution, as in
torchvision (the "v1.5" variant).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["basic", "bottleneck"]
StemKind = Literal["imagenet", "cifar"]

EXPANSION: dict[BlockKind, int] = {"basic": 1, "bottleneck": 4}
"""Output channels of a block, as a multiple of its width."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of one network, without its weights.

    Attributes:
        name: the name that a bundle stores, such as ``resnet50``.
        block: two 3x3 convolutions (``basic``) or 1x1, 3x3, 1x1 (``bottleneck``).
        depths: blocks in each stage.
        widths: channels inside each stage; a stage puts out ``width * EXPANSION[block]``.
        stem: ``imagenet`` is a 7x7 convolution of stride 2 and a 3x3 max pooling of stride 2; ``cifar`` is one 3x3
            convolution of stride 1.
        residual: False builds the *plain* network of He et al., the same layers without the skip connections.
    """

    name: str
    block: BlockKind
    depths: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    stem: StemKind = "imagenet"
    residual: bool = True

    @property
    def expansion(self) -> int:
        """Output channels of a block divided by its width."""
        return EXPANSION[self.block]

    @property
    def features(self) -> int:
        """Channels that the pooling sees, and so the inputs of the linear head."""
        return self.widths[-1] * self.expansion

    @property
    def reduction(self) -> int:
        """Input pixels along one side for each cell of the last stage (32 for the ImageNet networks)."""
        return (4 if self.stem == "imagenet" else 1) << (len(self.depths) - 1)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every block from input to output."""
        found = []
        channels = self.widths[0]
        for stage, (depth, width) in enumerate(zip(self.depths, self.widths, strict=True), start=1):
            for index in range(depth):
                stride = 2 if stage > 1 and index == 0 else 1
                out = width * self.expansion
                found.append(Block(f"layer{stage}.{index}", self.block, channels, width, out, stride, self.residual))
                channels = out
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Block:
    """One residual (or plain) block: where it is and what goes in and out."""

    name: str
    kind: BlockKind
    channels_in: int
    width: int
    channels_out: int
    stride: int
    residual: bool

    @property
    def projects(self) -> bool:
        """Whether the skip path is a 1x1 convolution, where shapes differ (option B of He et al.)."""
        return self.residual and (self.stride != 1 or self.channels_in != self.channels_out)

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The convolutions on the residual path, in order."""
        if self.kind == "basic":
            return (
                Convolution("conv1", "bn1", self.channels_in, self.width, 3, self.stride),
                Convolution("conv2", "bn2", self.width, self.channels_out, 3, 1),
            )
        return (
            Convolution("conv1", "bn1", self.channels_in, self.width, 1, 1),
            Convolution("conv2", "bn2", self.width, self.width, 3, self.stride),
            Convolution("conv3", "bn3", self.width, self.channels_out, 1, 1),
        )


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution without bias and the batch norm behind it, by torchvision's names."""

    name: str
    norm: str
    channels_in: int
    channels_out: int
    kernel: int
    stride: int

    @property
    def padding(self) -> int:
        """Zeros on each side, so that a convolution of stride 1 keeps the size."""
        return self.kernel // 2


def _cifar(depth: int, *, residual: bool) -> Architecture:
    """One of the networks of He et al., section 4.2: ``6n + 2`` layers of 16, 32 and 64 channels."""
    n = (depth - 2) // 6
    prefix = "resnet" if residual else "plain"
    return Architecture(f"{prefix}{depth}-cifar", "basic", (n, n, n), (16, 32, 64), "cifar", residual)


ARCHITECTURES: dict[str, Architecture] = {
    a.name: a
    for a in (
        Architecture("resnet18", "basic", (2, 2, 2, 2)),
        Architecture("resnet34", "basic", (3, 4, 6, 3)),
        Architecture("resnet50", "bottleneck", (3, 4, 6, 3)),
        Architecture("resnet101", "bottleneck", (3, 4, 23, 3)),
        Architecture("resnet152", "bottleneck", (3, 8, 36, 3)),
        Architecture("plain18", "basic", (2, 2, 2, 2), residual=False),
        Architecture("plain34", "basic", (3, 4, 6, 3), residual=False),
        *(_cifar(depth, residual=residual) for depth in (20, 32, 44, 56, 110) for residual in (True, False)),
    )
}
"""Every network by name."""
