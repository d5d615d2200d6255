"""A picture file or its bytes as a safe array of 8-bit sRGB pixels, or an ImageError that says why not.

Whatever the bytes hold, one of the two comes out: no other exception, no warning, no waiting. The number of pixels and
the memory that they will take are checked from the header before they are decoded.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import container
from resnet_desktop.imaging.budget import DecodeBudget
from resnet_desktop.imaging.container import IMAGE_SUFFIXES, Kind
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.imaging.demand import DEFAULT_MAX_PIXELS
from resnet_desktop.imaging.formats import readers
from resnet_desktop.imaging.formats.error_messages import in_words
from resnet_desktop.imaging.formats.request import KEPT_SCALE, Result, Wanted, least_side
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.pixels import to_array
from resnet_desktop.imaging.region import Region
from resnet_desktop.imaging.source import OpenSource, Source, opened, read_error

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "IMAGE_SUFFIXES",
    "KEPT_SCALE",
    "DecodeBudget",
    "DecodedImage",
    "Note",
    "Range",
    "Source",
    "decode",
    "decode_image",
    "encode_jpeg",
    "encode_png",
    "least_side",
    "probe_size",
    "thumbnail",
]

# Our own limit replaces Pillow's, which is global, lower, and warns on standard error before it refuses.
Image.MAX_IMAGE_PIXELS = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A picture in memory.

    ``pixels``: uint8 (height, width, 3), RGB in sRGB, C-contiguous, not writable. ``full_size``: (width, height) of the
    file in pixels after its orientation; ``pixels`` is smaller where it was decoded at reduced scale. ``notes``: what
    is to be known of it.
    """

    pixels: NDArray[np.uint8]
    full_size: tuple[int, int]
    notes: tuple[Note, ...] = ()

    @property
    def width(self) -> int:
        """Of ``pixels``."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Of ``pixels``."""
        return int(self.pixels.shape[0])


def decode(
    source: Source,
    *,
    shorter_side: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    budget: DecodeBudget | None = None,
    range: Range = "tags",  # noqa: A002 - the option's name
    page: int | None = None,
) -> DecodedImage:
    """Read a picture: first frame, upright, over white, in sRGB.

    Args:
        source: a path, a region of the file at a path, or the bytes of a file.
        shorter_side: the size in pixels to which the caller will reduce the shorter side. A much larger picture is
            decoded (JPEG) or averaged (other formats) at reduced scale, but never below ``least_side`` of this.
            None: at full scale, unless that would take too much memory.
        max_pixels: a larger picture is refused before it is decoded.
        budget: waits here until the memory for it is free.
        range: which values are black and white in a picture of more than 8 bits.
        page: the number, from 1, of the page or frame to be read; None: the one that is meant.

    Raises:
        ImageError: with any code of its list.
    """
    found, full_size, notes = _read(source, Wanted(shorter_side, max_pixels, budget, range, page))
    return DecodedImage(to_array(found) if isinstance(found, Image.Image) else found, full_size, notes)


def decode_image(
    source: Source,
    *,
    shorter_side: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    budget: DecodeBudget | None = None,
    range: Range = "tags",  # noqa: A002 - the option's name
    page: int | None = None,
) -> tuple[Image.Image, tuple[int, int], tuple[Note, ...]]:
    """As ``decode``, for what takes a Pillow image (``Transforms``): an RGB image, its ``full_size`` and ``notes``.

    To make an array of it and an image again would copy all pixels twice.
    """
    found, full_size, notes = _read(source, Wanted(shorter_side, max_pixels, budget, range, page))
    return found if isinstance(found, Image.Image) else Image.fromarray(found), full_size, notes


def _read(source: Source, wanted: Wanted) -> Result:
    if wanted.shorter_side is not None and wanted.shorter_side < 1:
        raise ValueError(f"shorter_side must be positive, not {wanted.shorter_side}")
    return _cut(source, wanted) if isinstance(source, Region) else _whole(source, wanted)


def _whole(source: Source, wanted: Wanted) -> Result:
    with opened(source) as file:
        kind = identified(file)
        with in_words(file, kind):
            return readers.read(file, kind, wanted)


def _cut(region: Region, wanted: Wanted) -> Result:
    """The square of a region: of a picture that is read large enough for it."""
    if wanted.shorter_side is not None:
        width, height = probe_size(region.whole)
        left, top, right, bottom = region.square(width, height)
        part = min(right - left, bottom - top) / min(width, height)
        wanted = replace(wanted, shorter_side=math.ceil(wanted.shorter_side / part))
    found, (width, height), notes = _whole(region.whole, wanted)
    left, top, right, bottom = region.square(width, height)
    image = found if isinstance(found, Image.Image) else Image.fromarray(found)
    across, down = image.width / width, image.height / height
    first = (min(int(left * across), image.width - 1), min(int(top * down), image.height - 1))
    last = (max(first[0] + 1, round(right * across)), max(first[1] + 1, round(bottom * down)))
    return image.crop((*first, *last)), (right - left, bottom - top), notes


def probe_size(source: Source) -> tuple[int, int]:
    """Width and height in pixels of a picture after its orientation, from its header alone. Raises ImageError."""
    with opened(source) as file:
        kind = identified(file)
        with in_words(file, kind):
            return readers.size_of(file, kind)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """uint8 (height, width, 3) RGB as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 90) -> bytes:
    """uint8 (height, width, 3) RGB as the bytes of a JPEG file of ``quality`` 1 to 95."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def thumbnail(picture: DecodedImage | NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The picture reduced, antialiased, so that its longer side is ``size`` pixels; never enlarged.

    Takes and gives uint8 (height, width, 3) RGB.
    """
    pixels = picture.pixels if isinstance(picture, DecodedImage) else picture
    height, width = pixels.shape[:2]
    longest = max(width, height)
    if longest <= size:
        return pixels
    wanted = (max(1, round(width * size / longest)), max(1, round(height * size / longest)))
    return to_array(Image.fromarray(pixels).resize(wanted, Image.Resampling.BICUBIC, reducing_gap=3.0))


def identified(file: OpenSource) -> Kind:
    """What an opened file is by its first bytes. Raises ImageError: no picture of a kind that is read."""
    try:
        head = file.stream.read(container.HEAD_BYTES)
    except OSError as error:
        raise read_error(file.name, error) from error
    kind = container.identify(head)
    if kind is None:
        titles = ", ".join(kind.title for kind in container.KINDS)
        hint = f"Supported formats: {titles}."
        if other := container.unsupported(head):
            raise ImageError("unsupported_image", f"{file.name} is {other}, which is not supported.", hint)
        raise ImageError("not_an_image", f"{file.name} is not in a supported image format.", hint)
    return kind
