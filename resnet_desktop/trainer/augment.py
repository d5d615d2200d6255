"""Augmentation of whole batches on the device, and normalization.

Random resized crop (Szegedy et al. 2014, arXiv:1409.4842, section 6; aspect ratios 3/4 to 4/3), horizontal flip, and
changes of brightness, contrast and saturation. A crop is one affine map and one bilinear sampling of the batch.
"""

from __future__ import annotations

import math

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
