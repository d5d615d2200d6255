"""Other views of a photo, as a network might have met it: another crop, mirrored, in another light.

Random resized crop (Szegedy et al. 2014, arXiv:1409.4842, section 6; aspect ratios 3/4 to 4/3), horizontal flip, and
changes of brightness, contrast and saturation. A view follows from its seed alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging.pixels import to_array
from resnet_desktop.imaging.transforms import Transforms

ASPECT = math.log(4 / 3)
GREY = np.array((0.299, 0.587, 0.114), np.float32)
"""Luma of ITU-R BT.601, as Pillow uses for grey."""


@dataclass(frozen=True, slots=True)
class View:
    """What was drawn: a box in fractions of the picture's square, whether it is mirrored, and factors of the colours.

    Attributes:
        box: left, top, right, bottom, 0 to 1.
        mirrored: left and right are swapped.
        colours: factors of brightness, contrast and saturation.
    """

    box: tuple[float, float, float, float]
    mirrored: bool
    colours: tuple[float, float, float]


def draw(seed: int, scale: tuple[float, float], jitter: float) -> View:
    """Draw a view.

    Args:
        seed: what all of it follows from.
        scale: bounds of the part of the square's area that is shown.
        jitter: the largest relative change of the colours.
    """
    rng = np.random.default_rng(seed)
    area, ratio = rng.uniform(*scale), math.exp(rng.uniform(-ASPECT, ASPECT))
    width, height = min(1.0, math.sqrt(area * ratio)), min(1.0, math.sqrt(area / ratio))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    brightness, contrast, saturation = rng.uniform(1 - jitter, 1 + jitter, 3).tolist()
    box = (float(left), float(top), float(left + width), float(top + height))
    return View(box, bool(rng.random() < 0.5), (brightness, contrast, saturation))


def seen_through(view: View, image: Image.Image, transforms: Transforms) -> NDArray[np.uint8]:
    """The square that a network would be shown, before normalization: uint8 ``(crop, crop, 3)``.

    Args:
        view: from ``draw``.
        image: the upright photo, from ``decode_image``.
        transforms: how the network sees photos: it says whether the square is the photo's middle or all of it.
    """
    width, height = image.size
    side_x, side_y = (width, height) if transforms.fit == "stretch" else (min(width, height),) * 2
    left, top = (width - side_x) / 2, (height - side_y) / 2
    a, b, c, d = view.box
    box = (left + a * side_x, top + b * side_y, left + c * side_x, top + d * side_y)
    pixels = to_array(image.resize((transforms.crop, transforms.crop), Image.Resampling.BILINEAR, box))
    pixels = pixels[:, ::-1] if view.mirrored else pixels
    return pixels if view.colours == (1.0, 1.0, 1.0) else _coloured(pixels, view.colours)


def normalized(pixels: NDArray[np.uint8], transforms: Transforms) -> NDArray[np.float32]:
    """A square as the network takes it: float32 ``(3, crop, crop)``."""
    mean, std = (np.array(values, np.float32) for values in (transforms.mean, transforms.std))
    scaled = (pixels.astype(np.float32) / 255 - mean) / std
    planes = scaled.transpose(2, 0, 1)
    return np.ascontiguousarray(planes if transforms.channels == "rgb" else planes[::-1], np.float32)


def _coloured(pixels: NDArray[np.uint8], colours: tuple[float, float, float]) -> NDArray[np.uint8]:
    brightness, contrast, saturation = map(np.float32, colours)
    x = pixels.astype(np.float32) * brightness
    mean = (x @ GREY).mean()
    x = mean + (x - mean) * contrast
    grey = (x @ GREY)[..., None]
    found: NDArray[np.uint8] = np.clip(np.rint(grey + (x - grey) * saturation), 0, 255).astype(np.uint8)
    return found
