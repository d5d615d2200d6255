"""Augmentation of whole batches on the device, and normalization.

Random resized crop (Szegedy et al. 2014, arXiv:1409.4842, section 6; aspect ratios 3/4 to 4/3), horizontal flip, and
changes of brightness, contrast and saturation. A crop is one affine map and one bilinear sampling of the batch.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.finetune.job import Recipe
from resnet_desktop.imaging.transforms import Transforms

ASPECT = math.log(4 / 3)
GREY = (0.299, 0.587, 0.114)
"""Luma of ITU-R BT.601, as Pillow uses for grey."""


class Augmenter:
    """Makes training inputs ``[n, 3, size, size]`` float32 from stored pictures ``[n, 3, side, side]`` uint8."""

    def __init__(self, recipe: Recipe, transforms: Transforms, device: torch.device) -> None:
        self._scale = recipe.crop_scale
        self._jitter = recipe.jitter
        self._mixup, self._cutmix = recipe.mixup, recipe.cutmix
        self._mean = torch.tensor(transforms.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(transforms.std, device=device).view(1, 3, 1, 1)
        self._grey = torch.tensor(GREY, device=device).view(1, 3, 1, 1)

    def training(self, pixels: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """Random crops of ``size`` pixels, flipped half the time, normalized. The generator lives on the CPU."""
        n = len(pixels)
        theta = self._crops(n, generator).to(pixels.device)
        grid = functional.affine_grid(theta, [n, 3, size, size], align_corners=False)
        x = functional.grid_sample(pixels.float() / 255, grid, padding_mode="reflection", align_corners=False)
        if self._jitter:
            x = self._coloured(x, generator)
        return self._normalized(x)

    def mixed(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, float]:
        """Blend a batch with itself in another order, as the recipe asks.

        Mixup (Zhang et al. 2017, arXiv:1710.09412) adds the pictures, ``share * x + (1 - share) * x[other]``; CutMix
        (Yun et al. 2019, arXiv:1905.04899) pastes a rectangle of the other picture on ``1 - share`` of the area.

        Returns:
            The blended batch, the labels of the other pictures, and ``share``: the loss is ``share`` times that of
            ``labels`` and ``1 - share`` times that of the others. A share of 1 leaves the batch as it was.
        """
        mixup, cutmix = self._mixup, self._cutmix
        if not mixup and not cutmix:
            return x, labels, 1.0
        order = torch.randperm(len(x), generator=generator).to(x.device)
        cuts = bool(cutmix) and (not mixup or float(torch.rand((), generator=generator)) < 0.5)
        alpha = cutmix if cuts else mixup
        # PyTorch's Beta distribution takes no generator of its own.
        share = float(np.random.default_rng(generator.initial_seed()).beta(alpha, alpha))
        if not cuts:
            return torch.lerp(x[order], x, share), labels[order], share
        top, left, height, width = self._rectangle(x.shape[-2], x.shape[-1], 1 - share, generator)
        x = x.clone()
        x[:, :, top : top + height, left : left + width] = x[order, :, top : top + height, left : left + width]
        return x, labels[order], 1 - height * width / (x.shape[-2] * x.shape[-1])

    def _rectangle(self, height: int, width: int, area: float, generator: torch.Generator) -> tuple[int, int, int, int]:
        """A rectangle that covers ``area`` of a picture, less what the border cuts off: top, left, height, width."""
        side = math.sqrt(area)
        y, x = (float(v) for v in torch.rand(2, generator=generator))
        top, bottom = (min(1.0, max(0.0, y + s * side / 2)) for s in (-1, 1))
        left, right = (min(1.0, max(0.0, x + s * side / 2)) for s in (-1, 1))
        first, start = round(top * height), round(left * width)
        return first, start, round(bottom * height) - first, round(right * width) - start

    def evaluation(self, pixels: Tensor, resize: int, crop: int) -> Tensor:
        """The picture resized to ``resize`` (antialiased), its centre ``crop`` cut, normalized."""
        x = pixels.float() / 255
        if x.shape[-1] != resize:
            x = functional.interpolate(x, (resize, resize), mode="bilinear", antialias=True, align_corners=False)
        start = round((resize - crop) / 2)
        return self._normalized(x[:, :, start : start + crop, start : start + crop])

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

    def _coloured(self, x: Tensor, generator: torch.Generator) -> Tensor:
        low, high = 1 - self._jitter, 1 + self._jitter
        factors = torch.empty(3, len(x), 1, 1, 1).uniform_(low, high, generator=generator).to(x.device)
        brightness, contrast, saturation = factors
        x = x * brightness
        grey = (x * self._grey).sum(1, keepdim=True)
        mean = grey.mean((2, 3), keepdim=True)
        x = mean + (x - mean) * contrast
        grey = (x * self._grey).sum(1, keepdim=True)
        return torch.lerp(grey.expand_as(x), x, saturation).clamp(0, 1)

    def _normalized(self, x: Tensor) -> Tensor:
        return ((x - self._mean) / self._std).contiguous(memory_format=torch.channels_last)
