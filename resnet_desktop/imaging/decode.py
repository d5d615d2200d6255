"""A picture file or its bytes as a safe array of 8-bit sRGB pixels, or an ImageError that says why not.

Whatever the bytes hold, one of the two comes out: no other exception, no warning, no waiting. The number of pixels is
checked from the header before memory is taken for them.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import math
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import container
from resnet_desktop.imaging.budget import DecodeBudget
from resnet_desktop.imaging.colour import to_srgb
from resnet_desktop.imaging.container import IMAGE_SUFFIXES, Kind
from resnet_desktop.imaging.pixels import to_array
from resnet_desktop.imaging.quiet import quiet_libtiff
from resnet_desktop.imaging.source import OpenSource, Source, opened, read_error

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "IMAGE_SUFFIXES",
    "DecodeBudget",
    "DecodedImage",
    "Source",
    "decode",
    "decode_image",
    "encode_jpeg",
    "encode_png",
    "least_side",
    "probe_size",
    "thumbnail",
]

T = TypeVar("T")

DEFAULT_MAX_PIXELS = 200_000_000
MAX_WHOLE_FILE = 1 << 30  # bytes; a file whose decoder wants it in memory complete

KEPT_SCALE = 2.9
"""How much larger than the size asked for the shorter side stays when a picture is decoded at reduced scale.

With the edges kept in place (``_aligned``) the final picture differs by 0.4 of 255 levels on average, at 2 by 0.9. At
2.9 a photo of 12 megapixels (3,000 or 3,024 pixels high) is decoded at a quarter for a network that resizes to 256; at
3 it would be at half. On 303 photos with the detail of 12 megapixels the top class was that of full decoding for 99.3 %
at half, 99.0 % at a quarter, 97.0 % at an eighth (tests/benchmarks, part ``scales``).
"""
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(turn for value, turn in _TURNS.items() if value >= 5)  # width and height change places
_TIFF_IN_MEMORY = 1 << 28  # bytes
_MAX_SCANNED = 8_000_000_000  # pixels times scans of a progressive JPEG; a usual one has about ten scans
_DECODER_MODULES = re.compile(r"PIL\.|pillow_heif")

# What Pillow's readers are known to raise on damaged content. Named one by one: an error that is not among them is
# ours, and must be seen.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

# Our own limit replaces Pillow's, which is global, lower, and warns on standard error before it refuses.
Image.MAX_IMAGE_PIXELS = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A picture in memory.

    ``pixels``: uint8 (height, width, 3), RGB in sRGB, C-contiguous, not writable. ``full_size``: (width, height) of the
    file in pixels after its orientation; ``pixels`` is smaller where it was decoded at reduced scale.
    """

    pixels: NDArray[np.uint8]
    full_size: tuple[int, int]

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
) -> DecodedImage:
    """Read a picture: first frame, upright, over white, in sRGB.

    Args:
        source: a path, or the bytes of a file.
        shorter_side: the size in pixels to which the caller will reduce the shorter side. A much larger picture is
            decoded (JPEG) or averaged (other formats) at reduced scale, but never below ``least_side`` of this.
        max_pixels: a larger picture is refused before it is decoded.
        budget: waits here until the memory for it is free.

    Raises:
        ImageError: with any code of its list.
    """
    return DecodedImage(*_decoded(source, to_array, shorter_side, max_pixels, budget))


def decode_image(
    source: Source,
    *,
    shorter_side: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    budget: DecodeBudget | None = None,
) -> tuple[Image.Image, tuple[int, int]]:
    """As ``decode``, for what takes a Pillow image (``Transforms``): an RGB image and its ``full_size``.

    To make an array of it and an image again would copy all pixels twice.
    """
    return _decoded(source, _as_it_is, shorter_side, max_pixels, budget)


def _as_it_is(image: Image.Image) -> Image.Image:
    return image


def _decoded(
    source: Source,
    finish: Callable[[Image.Image], T],
    shorter_side: int | None,
    max_pixels: int,
    budget: DecodeBudget | None,
) -> tuple[T, tuple[int, int]]:
    """What ``finish`` makes of the picture while its memory is reserved, and the ``full_size``."""
    if shorter_side is not None and shorter_side < 1:
        raise ValueError(f"shorter_side must be positive, not {shorter_side}")
    with opened(source) as file:
        kind = _identified(file)
        with _in_words(file, kind):
            image = _open(file, kind, max_pixels)
            full_size = image.size
            scale = 1 if shorter_side is None or kind is not container.JPEG else _draft(image, shorter_side)
            with contextlib.nullcontext() if budget is None else budget.reserve(*_working_size(image, full_size)):
                image.load()
                if kind is not container.JPEG:  # a HEIC's size can turn out otherwise than its header says
                    full_size = image.size
                turn = _turn(image, kind)
                factor = 1 if shorter_side is None else max(1, min(image.size) // least_side(shorter_side))
                reduced = _aligned(to_srgb(image, factor), full_size, scale * factor)
                finished = finish(reduced if turn is None else reduced.transpose(turn))
    return finished, _turned(full_size, turn)


def least_side(shorter_side: int) -> int:
    """Pixels that the shorter side keeps at least where a picture is decoded at reduced scale."""
    return math.ceil(KEPT_SCALE * shorter_side)


def probe_size(source: Source) -> tuple[int, int]:
    """Width and height in pixels of a picture after its orientation, from its header alone. Raises ImageError."""
    with opened(source) as file:
        kind = _identified(file)
        with _in_words(file, kind):
            image = _open(file, kind, None)
            return _turned(image.size, _turn(image, kind, decoded=False))


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


def _identified(file: OpenSource) -> Kind:
    try:
        head = file.stream.read(container.HEAD_BYTES)
    except OSError as error:
        raise read_error(file.name, error) from error
    kind = container.identify(head)
    if kind is None:
        titles = ", ".join(kind.title for kind in container.KINDS)
        message = f"{file.name} is not a picture in a format that can be read here."
        raise ImageError("not_an_image", message, f"These can: {titles}.")
    return kind


def _open(file: OpenSource, kind: Kind, max_pixels: int | None) -> ImageFile.ImageFile:
    """The header read, nothing decoded, the number of pixels checked against ``max_pixels``."""
    _ignore_decoder_warnings()
    _load_reader(kind, file.name)
    if kind.whole and file.size > MAX_WHOLE_FILE:
        message = f"{file.name} has {file.size / 2**30:.1f} GB, which is too large for a {kind.title} file to be read."
        raise ImageError("read_failed", message)
    if kind is container.WEBP:
        file.stream.seek(0)
        canvas = container.webp_canvas(file.stream.read(container.HEAD_BYTES))
        _check_pixels(canvas or (0, 0), max_pixels, file.name)
    stream = file.stream
    if kind is container.TIFF and file.size <= _TIFF_IN_MEMORY:
        # libtiff maps a file into memory: should another program cut it off meanwhile, the whole process would die.
        stream.seek(0)
        stream = io.BytesIO(stream.read())
    image = Image.open(stream, formats=(kind.name,))
    _check_pixels(image.size, max_pixels, file.name)
    if image.info.get("progressive") and image.width * image.height * container.count_scans(stream) > _MAX_SCANNED:
        raise ImageError("damaged_image", f"{file.name} was made to take very long to decode; it is not read.")
    return image


def _check_pixels(size: tuple[int, int], max_pixels: int | None, name: str) -> None:
    pixels = size[0] * size[1]
    if max_pixels is not None and pixels > max_pixels:
        message = f"{name} has {pixels / 1e6:,.0f} megapixels; the limit is {max_pixels / 1e6:,.0f}."
        raise ImageError("too_many_pixels", message, "The limit can be raised in the settings.")


def _load_reader(kind: Kind, name: str) -> None:
    """Import what reads ``kind``, when it is first needed."""
    try:
        supported = _reader(kind)
    except ImportError as error:
        raise _no_decoder(kind, name) from error
    if not supported:
        raise _no_decoder(kind, name)


@functools.cache
def _reader(kind: Kind) -> bool:
    module = importlib.import_module(kind.plugin)
    if kind is container.HEIF:
        module.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    if kind is container.TIFF:
        importlib.import_module("PIL._imaging")  # with libtiff
        quiet_libtiff()
    return bool(getattr(module, "SUPPORTED", True))


def _no_decoder(kind: Kind, name: str) -> ImageError:
    message = f"{name} is a {kind.title} picture, and the library that reads those is not installed."
    return ImageError("decoder_missing", message, f"Install {kind.plugin}, or save the picture as JPEG.")


def _working_size(image: Image.Image, full_size: tuple[int, int]) -> tuple[int, int]:
    """The pixels whose memory decoding will take."""
    if image.info.get("progressive") and image.size != full_size:
        # libjpeg keeps the coefficients of the full size, 3 to 6 bytes a pixel, whatever the scale
        return full_size[0], -(-full_size[1] // 2)
    return image.size


def _draft(image: ImageFile.ImageFile, shorter_side: int) -> int:
    """Have a JPEG decoded at the smallest scale that keeps enough of it; the divisor is returned: 1, 2, 4 or 8."""
    width, side = image.width, least_side(shorter_side)
    drafted = image.draft(None, (side, side))
    return 1 if drafted is None else round(width / drafted[1][2])


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


def _turn(image: Image.Image, kind: Kind, *, decoded: bool = True) -> Image.Transpose | None:
    """What brings the image upright (EXIF 2.32, tag Orientation); None also where the EXIF data is unreadable."""
    if kind is container.TIFF:  # its reader turns the image itself
        return None
    try:
        # a PNG's own method would decode the picture to see whether EXIF data comes after it
        exif = image.getexif() if decoded else Image.Image.getexif(image)
        value = exif.get(_ORIENTATION)
    except _DECODER_ERRORS:
        return None
    return _TURNS.get(value) if isinstance(value, int) else None


def _turned(size: tuple[int, int], turn: Image.Transpose | None) -> tuple[int, int]:
    return (size[1], size[0]) if turn in _SIDEWAYS else size


@contextlib.contextmanager
def _in_words(file: OpenSource, kind: Kind) -> Iterator[None]:
    """Turn whatever a decoder raises on ``file`` into an ImageError."""
    try:
        yield
    except MemoryError as error:
        raise ImageError("read_failed", f"There is not enough memory to decode {file.name}.") from error
    except Image.DecompressionBombError as error:
        raise ImageError("too_many_pixels", f"{file.name} would unpack to far too many pixels.") from error
    except _DECODER_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise read_error(file.name, error) from error
        raise _diagnosis(file, kind, error) from error


def _diagnosis(file: OpenSource, kind: Kind, error: Exception) -> ImageError:
    short = "truncated" in str(error).lower()
    with contextlib.suppress(OSError, ValueError, struct.error):
        short = short or container.is_cut_short(kind, file.stream, file.size)
    if short:
        message = f"{file.name} is cut short: the end of the file is missing."
        return ImageError("truncated_image", message, "Copy or download it again.")
    return ImageError("damaged_image", f"{file.name} is damaged: it begins as a {kind.title} but cannot be decoded.")


def _ignore_decoder_warnings() -> None:
    """Keep Pillow's remarks on odd metadata off standard error; checked anew, as others may reset the filters.

    Not warnings.catch_warnings: it swaps state that all threads share.
    """
    if not any(entry[3] == _DECODER_MODULES for entry in warnings.filters):
        warnings.filterwarnings("ignore", module=_DECODER_MODULES.pattern)
