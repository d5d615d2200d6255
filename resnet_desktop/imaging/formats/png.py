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
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.imaging.deep.samples import Samples

_GREY = "LA;16B"
_COLOUR = ("RGB;16B", "RGBA;16B")
_FEW = 64  # of the 256 high bytes: at most a quarter of the range
_OUTSIDE = 1 / 4  # of the pixels that may lie anywhere else, such as a scale bar


def is_deep_colour(image: Image.Image) -> bool:
    """Whether it is such a picture, opened and not loaded."""
    if not isinstance(image, ImageFile.ImageFile) or image.format != "PNG":
        return False
    return bool(image.tile) and image.tile[0].args in (_GREY, *_COLOUR)


def needs_low_bytes(image: Image.Image, wanted: Range) -> bool:
    """Whether the high bytes of a loaded one do not suffice."""
    if wanted == "stretched":
        return True
    return is_narrow(image)


def is_narrow(image: Image.Image) -> bool:
    """Whether most pixels of a loaded image of 8 bits lie so close together that more bits of them would matter."""
    counts = np.array(image.histogram()).reshape(-1, 256)
    counts = counts[: 1 if image.mode in ("L", "LA") else 3]
    summed = np.cumsum(counts.sum(axis=0)) / counts.sum()
    first, low, high, last = (int(np.searchsorted(summed, share)) for share in (0.001, _OUTSIDE, 1 - _OUTSIDE, 0.999))
    return min(high - first, last - low) < _FEW


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
