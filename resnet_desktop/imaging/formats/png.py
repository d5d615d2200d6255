"""PNG of 16 bits a channel in colour, of which Pillow keeps the high bytes only.

Its decoder can be told that the bytes of a sample come the other way round; then it keeps the low ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from resnet_desktop.imaging.assemble import strips_of
from resnet_desktop.imaging.samples import Range, Samples

_GREY = "LA;16B"
_COLOUR = ("RGB;16B", "RGBA;16B")
_DARK = 64  # high bytes below this: at most a quarter of the range


def is_deep_colour(image: Image.Image) -> bool:
    """Whether it is such a picture, opened and not loaded."""
    if not isinstance(image, ImageFile.ImageFile) or image.format != "PNG":
        return False
    return bool(image.tile) and image.tile[0].args in (_GREY, *_COLOUR)


def needs_low_bytes(image: Image.Image, wanted: Range) -> bool:
    """Whether the high bytes of a loaded one do not suffice."""
    if wanted == "stretched":
        return True
    extrema = image.getextrema()
    return max(int(pair[1]) for pair in extrema[:3] if isinstance(pair, tuple)) < _DARK


def deep_samples(high: Image.Image, again: ImageFile.ImageFile) -> Samples:
    """All 16 bits: of ``high``, loaded, and of the same file opened again."""
    tile = again.tile[0]
    grey = tile.args == _GREY
    again.tile = [tile._replace(args="RGBA" if grey else str(tile.args).replace("16B", "16L"))]
    again.load()
    return Samples(
        high.size,
        _pairs(again) if grey else _joined(high, again),
        1 if grey else 3,
        "straight" if high.mode == "RGBA" else "",
        bits=16,
        profile=high.info.get("icc_profile"),
        white=65535.0,
    )


def _pairs(image: Image.Image) -> Iterator[NDArray[Any]]:
    """Grey with alpha, read as four bytes."""
    for strip in strips_of(image):
        yield strip[..., 0::2].astype(np.uint16) << 8 | strip[..., 1::2]


def _joined(high: Image.Image, low: Image.Image) -> Iterator[NDArray[Any]]:
    for above, below in zip(strips_of(high), strips_of(low), strict=True):
        yield above.astype(np.uint16) << 8 | below
