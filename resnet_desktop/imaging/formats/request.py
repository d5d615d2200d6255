"""What is asked of the readers of pictures, and what they have in common."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import demand
from resnet_desktop.imaging.budget import DecodeBudget
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.imaging.formats.error_messages import DECODER_ERRORS
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.source import OpenSource

MAX_WHOLE_FILE = 1 << 30  # bytes; a file whose decoder wants it in memory complete

KEPT_SCALE = 2.9
"""How much larger than the size asked for the shorter side stays when a picture is decoded at reduced scale.

With the edges kept in place (``assemble``) the final picture differs by 0.4 of 255 levels on average, at 2 by 0.9. At
2.9 a photo of 12 megapixels (3,000 or 3,024 pixels high) is decoded at a quarter for a network that resizes to 256; at
3 it would be at half. On 303 photos with the detail of 12 megapixels the top class was that of full decoding for 99.3 %
at half, 99.0 % at a quarter, 97.0 % at an eighth (tests/benchmarks, part ``scales``).
"""
_ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(turn for value, turn in TURNS.items() if value >= 5)  # width and height change places

Result = tuple[Image.Image | NDArray[np.uint8], tuple[int, int], tuple[Note, ...]]
"""An RGB image, or an array ``(height, width, 3)`` where it is large; its full size; notes on it."""
Turn = Image.Transpose | None


def least_side(shorter_side: int) -> int:
    """Pixels that the shorter side keeps at least where a picture is decoded at reduced scale."""
    return math.ceil(KEPT_SCALE * shorter_side)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a reader; the arguments of ``decode``."""

    shorter_side: int | None
    max_pixels: int
    budget: DecodeBudget | None = None
    range: Range = "tags"
    page: int | None = None

    def factor(self, size: tuple[int, int]) -> int:
        """By how much a picture of this size may be averaged."""
        return 1 if self.shorter_side is None else max(1, min(size) // least_side(self.shorter_side))

    def check(self, size: tuple[int, int], name: str) -> None:
        """Raises ImageError ``too_many_pixels``."""
        pixels = size[0] * size[1]
        if pixels > self.max_pixels:
            message = f"{name} has {pixels / 1e6:,.0f} megapixels; the limit is {self.max_pixels / 1e6:,.0f}."
            raise ImageError("too_many_pixels", message, "You can raise the limit in the settings.")

    def fit(self, taken: int, size: tuple[int, int], name: str, *, deep: int = 0) -> tuple[int, int]:
        """By what factor to average a picture of ``size``, so that there is room beside ``taken`` bytes; and all bytes.

        ``deep``: channels of its samples, where these are kept. Raises ImageError ``too_many_pixels``.
        """
        most = demand.most_bytes(self.max_pixels)
        if taken > most * 0.97:
            message = f"{name} would take {taken / 1e9:.1f} GB of memory to decode; the limit is {most / 1e9:.1f}."
            raise ImageError("too_many_pixels", message, "Save it at a smaller size, or as a JPEG.")
        factor = self.factor(size)
        while (needed := taken + demand.of_result(size, factor, deep=deep > 0, channels=deep)) > most:
            factor += 1
        return factor, needed

    def hold(self, needed: int) -> contextlib.AbstractContextManager[None]:
        """Wait for the memory."""
        return contextlib.nullcontext() if self.budget is None else self.budget.hold(needed)


def everything(file: OpenSource) -> bytes:
    """The bytes of a file. Raises ImageError ``read_failed``."""
    if file.size > MAX_WHOLE_FILE:
        raise ImageError("read_failed", f"{file.name} is {file.size / 2**30:.1f} GB, which is too large to read.")
    file.stream.seek(0)
    return file.stream.read()


def no_such_page(name: str, page: int, count: int) -> ImageError:
    """The error where a page is asked for that a file does not have."""
    has = "1 page" if count == 1 else f"{count} pages"
    return ImageError("no_such_page", f"{name} has {has}; there is no page {page}.")


def turn_of(image: Image.Image, *, decoded: bool = True) -> Turn:
    """What brings the image upright (EXIF 2.32, tag Orientation); None also where the EXIF data is unreadable."""
    try:
        # a PNG's own method would decode the picture to see whether EXIF data comes after it
        exif = image.getexif() if decoded else Image.Image.getexif(image)
        value = exif.get(_ORIENTATION)
    except DECODER_ERRORS:
        return None
    return TURNS.get(value) if isinstance(value, int) else None


def turned(size: tuple[int, int], turn: Turn) -> tuple[int, int]:
    """The size of a picture once it is upright."""
    return (size[1], size[0]) if turn in _SIDEWAYS else size
