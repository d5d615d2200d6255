"""From every way in which a file can store colour in 8 bits to sRGB: palettes, grey, CMYK, alpha, ICC profiles."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

MAX_PROFILE_BYTES = 8 << 20
_GREY_STEPS = 256
_RGB_STEPS = 9
_SAME_COLOUR = 2  # levels of 255: what two ways of writing sRGB down may differ by
_USUAL_EXPONENT = 0.45455
_STRAIGHT = {
    "1": "L",
    "PA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "YCbCr": "RGB",
    "LAB": "RGB",
    "HSV": "RGB",
}
_COLOUR_OF = {"LA": "L", "RGBA": "RGB"}


def to_srgb(image: Image.Image, reduce: int = 1) -> Image.Image:
    """A loaded image in any mode of 8 bits that Pillow reads as 8-bit sRGB over white.

    Args:
        image: the loaded image with the ``info`` of its file.
        reduce: a whole factor by which both sides are first averaged down (rounded up).

    An embedded ICC profile is converted to sRGB; one that cannot be used is ignored. Without one the exponent of a
    PNG's gAMA is. Raises what Pillow raises.
    """
    profile, exponent = image.info.get("icc_profile"), png_exponent(image)
    image = _simple(image)
    if reduce > 1:
        image = image.reduce(reduce)
    alpha = image.getchannel("A") if image.mode in _COLOUR_OF else None
    colour = image if alpha is None else image.convert(_COLOUR_OF[image.mode])
    if isinstance(profile, bytes):
        colour = _managed(colour, profile)
    if colour.mode != "RGB":
        colour = colour.convert("RGB")
    if exponent:
        colour = colour.point(_curve(exponent) * 3)
    if alpha is None or alpha.getextrema() == (255, 255):
        return colour
    over_white = Image.new("RGB", colour.size, (255, 255, 255))
    over_white.paste(colour, mask=alpha)
    return over_white


def png_exponent(image: Image.Image) -> float:
    """The power of light with which a PNG says to be stored, without a profile, where it is not sRGB's; else 0."""
    exponent = image.info.get("gamma")
    if not isinstance(exponent, float) or "icc_profile" in image.info or "srgb" in image.info:
        return 0.0
    return exponent if 0.05 < exponent < 5 and abs(exponent - _USUAL_EXPONENT) > 0.03 else 0.0


@functools.lru_cache(maxsize=8)
def _curve(exponent: float) -> list[int]:
    """From stored levels to those of sRGB (IEC 61966-2-1)."""
    light = (np.arange(256) / 255.0) ** (1 / exponent)
    levels = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return [int(level) for level in np.rint(levels * 255)]


def _simple(image: Image.Image) -> Image.Image:
    """The image in one of the modes L, LA, RGB, RGBA, CMYK."""
    if image.mode == "P":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("L", "RGB", "1") and "transparency" in image.info:
        return image.convert("RGBA" if image.mode == "RGB" else "LA")
    if image.mode in _STRAIGHT:
        return image.convert(_STRAIGHT[image.mode])
    return image


def _managed(image: Image.Image, profile: bytes) -> Image.Image:
    """An L, RGB or CMYK image whose colours ``profile`` explains, as sRGB where that makes a difference."""
    if len(profile) > MAX_PROFILE_BYTES:
        return image
    mode, transform = _transform(profile)
    if transform is None or image.mode == "CMYK" != mode:
        return image
    if image.mode != mode:
        if (image.mode, mode) != ("L", "RGB"):  # a grey picture in an RGB space is usual; the other pairs are mistakes
            return image
        image = image.convert("RGB")
    return transform.apply(image)


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """The mode that ``profile`` is for, and how to get to sRGB from there; None where it is sRGB or cannot be used.

    Whether it is sRGB is found by trying, not by its name: a grid over all colours must come out as it went in.
    """
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[opened.profile.xcolor_space.strip()]
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode != "CMYK" and _changes_nothing(transform, mode):
            return mode, None
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", None
    return mode, transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    grid: NDArray[np.uint8]
    expected: NDArray[np.uint8]
    if mode == "L":
        grid = np.arange(_GREY_STEPS, dtype=np.uint8).reshape(1, -1)
        expected = np.repeat(grid[..., None], 3, axis=2)
    else:
        steps = np.linspace(0, 255, _RGB_STEPS).astype(np.uint8)
        grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        expected = grid
    result = np.asarray(transform.apply(Image.fromarray(grid)))
    return int(np.abs(result.astype(np.int16) - expected).max()) <= _SAME_COLOUR
