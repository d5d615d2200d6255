"""From a loaded image, or its samples, to the picture that is given out: reduced, in sRGB, upright.

A large image is taken in bands of rows, so that beside it and the result hardly any memory is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging.colour import to_srgb

_SMALL_PIXELS = 4_000_000  # an image that is taken in one piece, which is faster
_BAND_PIXELS = 1_000_000


def assembled(
    image: Image.Image, factor: int, full_size: tuple[int, int], divisor: int, turn: Image.Transpose | None
) -> Image.Image | NDArray[np.uint8]:
    """A loaded image of 8 bits as an RGB image in sRGB; a large one as an array, uint8 (height, width, 3).

    Args:
        image: as its file stores it.
        factor: by which it is averaged now.
        full_size: (width, height) in the file.
        divisor: of both sides between the file and the result: ``factor``, and what the decoder did before.
        turn: what brings it upright.
    """
    if image.width * image.height <= _SMALL_PIXELS:
        reduced = to_srgb(image, factor)
    elif divisor == 1:
        return _in_bands(image, turn)
    else:
        reduced = Image.fromarray(_reduced_in_bands(image, factor))
    reduced = _aligned(reduced, full_size, divisor)
    return reduced if turn is None else reduced.transpose(turn)


def strips_of(image: Image.Image) -> Iterator[NDArray[Any]]:
    """The values of a loaded image of any mode, ``(rows, width, channels)``, from the top down."""
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        values = np.asarray(image.crop((0, top, image.width, min(image.height, top + rows))))
        yield values if values.ndim == 3 else values[..., None]


def _bands(image: Image.Image, factor: int) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, _BAND_PIXELS // image.width // factor) * factor
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows)))
        yield top // factor, to_srgb(band, factor)


def _reduced_in_bands(image: Image.Image, factor: int) -> NDArray[np.uint8]:
    pixels = np.empty((-(-image.height // factor), -(-image.width // factor), 3), np.uint8)
    for top, band in _bands(image, factor):
        pixels[top : top + band.height] = np.asarray(band)
    return pixels


def _in_bands(image: Image.Image, turn: Image.Transpose | None) -> NDArray[np.uint8]:
    """In full size: each band is turned and put into its place."""
    width, height = image.size
    method = Image.Transpose
    sideways = turn in (method.TRANSPOSE, method.TRANSVERSE, method.ROTATE_90, method.ROTATE_270)
    from_end = turn in (method.ROTATE_180, method.FLIP_TOP_BOTTOM, method.ROTATE_270, method.TRANSVERSE)
    pixels = np.empty((width, height, 3) if sideways else (height, width, 3), np.uint8)
    for top, band in _bands(image, 1):
        first = height - top - band.height if from_end else top
        place = slice(first, first + band.height)
        values = np.asarray(band if turn is None else band.transpose(turn))
        if sideways:
            pixels[:, place] = values
        else:
            pixels[place] = values
    pixels.flags.writeable = False
    return pixels


def _aligned(image: Image.Image, full_size: tuple[int, int], divisor: int) -> Image.Image:
    """A reduced image whose edges are those of the full one.

    Where a side is not a multiple of ``divisor`` the last row or column stands for less than the others; taken as a
    whole one it would shift the picture by up to a pixel.
    """
    if full_size[0] % divisor == full_size[1] % divisor == 0:
        return image
    width, height = full_size[0] / divisor, full_size[1] / divisor
    size = (max(1, round(width)), max(1, round(height)))
    return image.resize(size, Image.Resampling.BICUBIC, (0.0, 0.0, width, height))
