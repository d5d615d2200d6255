"""How much memory it takes to decode a picture, as it was measured (tests/unit/imaging/test_memory.py)."""

from __future__ import annotations

from resnet_desktop.imaging import container
from resnet_desktop.imaging.container import Kind

DEFAULT_MAX_PIXELS = 200_000_000
MOST_BYTES = 1_350_000_000
"""What decoding one picture may take where ``DEFAULT_MAX_PIXELS`` is the limit; more in proportion where it is higher.

With the interpreter and its libraries this stays below 1.5 GB.
"""

_WORK = 48_000_000  # bands on their way, at the most
_RESULT = 3  # bytes a pixel
_MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}  # Pillow stores others in 4
# What a decoder takes beside Pillow's own pixels, in bytes a pixel.
_DECODERS: dict[Kind, int] = {
    container.WEBP: 16,
    container.AVIF: 12,
    container.HEIF: 16,
    container.JP2: 20,
    container.ICO: 8,
    container.JXL: 24,
}


def most_bytes(max_pixels: int) -> int:
    """The limit that goes with a limit of pixels."""
    return MOST_BYTES * max(DEFAULT_MAX_PIXELS, max_pixels) // DEFAULT_MAX_PIXELS


def of_image(kind: Kind, mode: str, size: tuple[int, int], held: int = 0) -> int:
    """Bytes that an image of Pillow's takes while it is decoded to ``size``, without the result.

    Args:
        kind: the format.
        mode: of the image.
        size: to which it is decoded.
        held: bytes of the file, and of what its decoder keeps of the whole, that are in memory meanwhile.
    """
    return size[0] * size[1] * (_MODES.get(mode, 4) + _DECODERS.get(kind, 0)) + held + _WORK


def of_result(size: tuple[int, int], factor: int, *, deep: bool = False, channels: int = 3) -> int:
    """Bytes of the result, where the picture is averaged by ``factor``."""
    pixels = -(-size[0] // factor) * -(-size[1] // factor)
    if factor == 1:
        return pixels * (_RESULT + (channels * 5 + 8 if deep else 0))
    return pixels * (_RESULT + 8 + (channels * 5 + 8 if deep else 0))
