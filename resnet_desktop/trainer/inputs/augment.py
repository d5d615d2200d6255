"""Augmentation of whole batches on the device, and normalization.

Random resized crop (Szegedy et al. 2014, arXiv:1409.4842, section 6; aspect ratios 3/4 to 4/3), horizontal flip, and
changes of brightness, contrast and saturation. A crop is one affine map and one bilinear sampling of the batch. What is
random is drawn first, for a whole batch, and applied to any rows of it: a batch that is split over devices, or for want
of memory, stays the same batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import Recipe

ASPECT = math.log(4 / 3)
GREY = (0.299, 0.587, 0.114)
"""Luma of ITU-R BT.601, as Pillow uses for grey."""


@dataclass(frozen=True, slots=True)
class Draws:
    """What was drawn for ``n`` pictures: affine maps ``[n, 2, 3]``, and factors ``[n, 3]`` of the colours."""

    crops: Tensor
    colours: Tensor

    def rows(self, rows: Tensor) -> Draws:
        """Those of some pictures."""
        return Draws(self.crops[rows], self.colours[rows])

    @staticmethod
    def joined(draws: Sequence[Draws]) -> Draws:
        """Those of several batches as one."""
        return Draws(torch.cat([d.crops for d in draws]), torch.cat([d.colours for d in draws]))


@dataclass(frozen=True, slots=True)
class Mix:
    """How a batch is blended with itself in another order.

    Attributes:
        order: int64 ``[n]``: the other picture of each.
        share: of the first picture, and of its label in the loss.
        box: top, bottom, left, right of the rectangle that is the other picture's (CutMix), as fractions of the side;
            None where the two are added (mixup).
    """

    order: Tensor
    share: float
    box: tuple[float, float, float, float] | None

    def __call__(self, x: Tensor, others: Tensor) -> Tensor:
        """Blend inputs with those of the other pictures: both ``[n, 3, h, w]``, or ``[n, features]`` for mixup."""
        if self.box is None:
            return torch.lerp(others, x, self.share)
        height, width = x.shape[-2:]
        top, bottom = round(self.box[0] * height), round(self.box[1] * height)
        left, right = round(self.box[2] * width), round(self.box[3] * width)
        x = x.clone()
        x[..., top:bottom, left:right] = others[..., top:bottom, left:right]
        return x


class Augmenter:
    """Makes training inputs ``[n, 3, size, size]`` float32 from stored pictures ``[n, 3, side, side]`` uint8."""

    def __init__(self, recipe: Recipe, transforms: Transforms, device: torch.device) -> None:
        self._scale = recipe.crop_scale
        self._jitter = recipe.jitter
        self._mixup, self._cutmix = recipe.mixup, recipe.cutmix
        self._mean = torch.tensor(transforms.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(transforms.std, device=device).view(1, 3, 1, 1)
        self._reversed = transforms.channels == "bgr"
        self._grey = torch.tensor(GREY, device=device).view(1, 3, 1, 1)

    def draw(self, n: int, generator: torch.Generator) -> Draws:
        """Draw crops, flips and colours for ``n`` pictures. The generator lives on the CPU."""
        crops = self._crops(n, generator)
        low, high = 1 - self._jitter, 1 + self._jitter
        return Draws(crops, torch.empty(n, 3).uniform_(low, high, generator=generator) if self._jitter else crops[:, 0])

    def draw_mix(self, n: int, size: int, generator: torch.Generator, *, pictures: bool = True) -> Mix | None:
        """Draw how a batch is blended with itself, as the recipe asks; None for not at all.

        Mixup (Zhang et al. 2017, arXiv:1710.09412) adds the inputs, ``share * x + (1 - share) * x[order]``; CutMix
        (Yun et al. 2019, arXiv:1905.04899) pastes a rectangle of the other picture on ``1 - share`` of the area, which
        only ``pictures`` have, of ``size`` pixels along a side.
        """
        mixup, cutmix = self._mixup, self._cutmix if pictures else 0.0
        if not mixup and not cutmix:
            return None
        order = torch.randperm(n, generator=generator)
        cuts = bool(cutmix) and (not mixup or float(torch.rand((), generator=generator)) < 0.5)
        alpha = cutmix if cuts else mixup
        # PyTorch's Beta distribution takes no generator of its own.
        share = float(np.random.default_rng(generator.initial_seed()).beta(alpha, alpha))
        if not cuts:
            return Mix(order, share, None)
        box = self._rectangle(size, 1 - share, generator)
        return Mix(order, 1 - (box[1] - box[0]) * (box[3] - box[2]), box)

    def training(self, pixels: Tensor, size: int, draws: Draws) -> Tensor:
        """The crops that were drawn, at ``size`` pixels, normalized."""
        theta = draws.crops.to(pixels.device, non_blocking=True)
        grid = functional.affine_grid(theta, [len(pixels), 3, size, size], align_corners=False)
        x = functional.grid_sample(pixels.float() / 255, grid, padding_mode="reflection", align_corners=False)
        if self._jitter:
            x = self._coloured(x, draws.colours.to(pixels.device, non_blocking=True))
        return self._normalized(x)

    def evaluation(self, pixels: Tensor, resize: int, crop: int) -> Tensor:
        """The picture resized to ``resize`` (antialiased), its centre ``crop`` cut, normalized."""
        x = pixels.float() / 255
        if x.shape[-1] != resize:
            x = functional.interpolate(x, (resize, resize), mode="bilinear", antialias=True, align_corners=False)
        start = round((resize - crop) / 2)
        return self._normalized(x[:, :, start : start + crop, start : start + crop])

    def pixels(self, x: Tensor) -> Tensor:
        """Inputs as pictures again: uint8 ``[n, 3, h, w]``."""
        x = x.flip(1) if self._reversed else x
        return ((x * self._std + self._mean).clamp(0, 1) * 255).round().to(torch.uint8)

    def _rectangle(self, size: int, area: float, generator: torch.Generator) -> tuple[float, float, float, float]:
        """A rectangle on whole pixels that covers ``area`` of a picture, less what the border cuts off."""
        side = math.sqrt(area)
        y, x = (float(v) for v in torch.rand(2, generator=generator))
        edges = (y - side / 2, y + side / 2, x - side / 2, x + side / 2)
        top, bottom, left, right = (round(size * min(1.0, max(0.0, edge))) / size for edge in edges)
        return top, bottom, left, right

    def _crops(self, n: int, generator: torch.Generator) -> Tensor:
        """Affine maps ``[n, 2, 3]`` from output to input coordinates in -1…1."""
        low, high = self._scale
        area = torch.empty(n).uniform_(low, high, generator=generator)
        ratio = torch.empty(n).uniform_(-ASPECT, ASPECT, generator=generator).exp()
        width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
        x = torch.empty(n).uniform_(-1, 1, generator=generator) * (1 - width)
        y = torch.empty(n).uniform_(-1, 1, generator=generator) * (1 - height)
        flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
        theta = torch.zeros(n, 2, 3)
        theta[:, 0, 0], theta[:, 0, 2] = width * flip, x
        theta[:, 1, 1], theta[:, 1, 2] = height, y
        return theta

    def _coloured(self, x: Tensor, factors: Tensor) -> Tensor:
        brightness, contrast, saturation = factors.view(-1, 3, 1, 1, 1).unbind(1)
        x = x * brightness
        grey = (x * self._grey).sum(1, keepdim=True)
        mean = grey.mean((2, 3), keepdim=True)
        x = mean + (x - mean) * contrast
        grey = (x * self._grey).sum(1, keepdim=True)
        return torch.lerp(grey.expand_as(x), x, saturation).clamp(0, 1)

    def _normalized(self, x: Tensor) -> Tensor:
        x = (x - self._mean) / self._std
        return (x.flip(1) if self._reversed else x).contiguous(memory_format=torch.channels_last)
