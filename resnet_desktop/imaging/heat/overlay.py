"""Heatmaps in colour over the photo that they explain."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging.heat import colormaps
from resnet_desktop.imaging.pixels import to_array
from resnet_desktop.imaging.transforms import Box

COLORMAPS: tuple[str, ...] = ("viridis", "inferno", "turbo", "grey")

_TABLES = {"viridis": colormaps.VIRIDIS, "inferno": colormaps.INFERNO, "turbo": colormaps.TURBO}
_LEVELS = 256


@dataclass(frozen=True, slots=True, eq=False)
class ScaledMap:
    """A class activation map made ready to be shown.

    ``values``: float32 (h, w) from 0 to 1, the largest 1. ``empty``: nothing in the map speaks for the class, all
    values are 0. ``peak``: the value in the map's own unit that became 1 (0 where it is empty).
    """

    values: NDArray[np.float32]
    empty: bool
    peak: float


@functools.cache
def colormap(name: str) -> NDArray[np.uint8]:
    """The table ``name`` of COLORMAPS, uint8 (256, 3) in sRGB, from cold to hot. Raises ValueError on another name."""
    if name == "grey":
        table = np.repeat(np.arange(_LEVELS, dtype=np.uint8)[:, None], 3, axis=1)
    elif name in _TABLES:
        table = np.frombuffer(bytes.fromhex(_TABLES[name]), np.uint8).reshape(_LEVELS, 3)
    else:
        raise ValueError(f"no colormap is called {name!r}; there are {', '.join(COLORMAPS)}")
    table.flags.writeable = False
    return table


def scale_map(cam: NDArray[np.float32]) -> ScaledMap:
    """Keep what speaks for the class (ReLU) of a map (h, w) and scale its peak to 1. What is not finite counts as 0."""
    positive = np.maximum(np.where(np.isfinite(cam), cam, 0.0), 0.0).astype(np.float32)
    peak = float(positive.max(initial=0.0))
    if peak < np.finfo(np.float32).tiny:  # dividing by less would not give numbers
        return ScaledMap(np.zeros_like(positive), empty=True, peak=0.0)
    return ScaledMap(positive / np.float32(peak), empty=False, peak=peak)


def upsample(values: NDArray[np.float32], size: tuple[int, int], smooth: bool = True) -> NDArray[np.float32]:
    """A map (h, w) enlarged to ``size`` (width, height): float32 (height, width), bilinear or in blocks."""
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.array(image.resize(size, _filter(smooth)), dtype=np.float32)


def paint(
    pixels: NDArray[np.uint8],
    values: NDArray[np.float32],
    box: Box,
    *,
    name: str = "viridis",
    opacity: float = 0.5,
    smooth: bool = True,
) -> NDArray[np.uint8]:
    """A photo with a heatmap over the part that the network saw.

    Args:
        pixels: the photo, uint8 (H, W, 3) RGB.
        values: the map (h, w) from 0 to 1.
        box: where the map lies, in pixels of the photo; outside it the photo stays as it is.
        name: one of COLORMAPS.
        opacity: 0 to 1, that of the hottest place; it falls with the value, so that cold areas keep the photo.
        smooth: bilinear, or the map's own cells as blocks.

    Returns:
        uint8 (H, W, 3), a new array.
    """
    photo = Image.fromarray(pixels)
    left, right = max(0, round(box.left)), min(photo.width, round(box.right))
    top, bottom = max(0, round(box.top)), min(photo.height, round(box.bottom))
    if right > left and bottom > top:
        heat = _heat(values, box, (left, top, right, bottom), smooth)
        strength = np.clip(opacity, 0.0, 1.0) * np.arange(_LEVELS)
        mask = heat.point([int(level) for level in np.rint(strength)])
        heat.putpalette(colormap(name).tobytes())
        photo.paste(heat.convert("RGB"), (left, top), mask)
    return to_array(photo)


def _heat(values: NDArray[np.float32], box: Box, area: tuple[int, int, int, int], smooth: bool) -> Image.Image:
    """The map at the pixels of ``area`` (left, top, right, bottom), as levels of 255."""
    height, width = values.shape
    levels = np.rint(np.clip(values, 0.0, 1.0) * (_LEVELS - 1)).astype(np.uint8)
    left, top, right, bottom = area
    cells = (
        max(0.0, (left - box.left) / box.width * width),
        max(0.0, (top - box.top) / box.height * height),
        min(float(width), (right - box.left) / box.width * width),
        min(float(height), (bottom - box.top) / box.height * height),
    )
    return Image.fromarray(levels).resize((right - left, bottom - top), _filter(smooth), cells)


def _filter(smooth: bool) -> Image.Resampling:
    return Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
