"""JPEG 2000 in colour of more than 8 bits, of which Pillow keeps the eight highest only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging.assemble import strips_of
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.imaging.deep.samples import Samples
from resnet_desktop.imaging.formats import science
from resnet_desktop.imaging.formats.png import is_narrow

_START = b"\xff\x4f\xff\x51"  # of the codestream, and of its sizes (ISO 15444-1, A.5.1)
_COUNT, _FIRST = 40, 42  # bytes from there to how many components there are, and to what the first is


def bits_of(head: bytes) -> int:
    """Of a sample, by the beginning of the file; 0 where it cannot be told, has a sign or differs."""
    at = head.find(_START)
    if at < 0 or len(head) < at + _FIRST:
        return 0
    count = int.from_bytes(head[at + _COUNT : at + _FIRST], "big")
    found = set(head[at + _FIRST : at + _FIRST + 3 * count : 3])
    bits = found.pop() + 1 if len(found) == 1 else 0
    return bits if bits <= 16 else 0


def channels_of(head: bytes) -> int:
    """How many components there are, by the beginning of the file; 0 where it cannot be told."""
    at = head.find(_START)
    return int.from_bytes(head[at + _COUNT : at + _FIRST], "big") if 0 <= at <= len(head) - _FIRST else 0


def is_deep_colour(image: Image.Image, bits: int) -> bool:
    """Whether a picture, opened, of ``bits`` a sample loses some of them."""
    return image.format == "JPEG2000" and bits > 8 and image.mode in ("RGB", "RGBA")


def deep_samples(image: Image.Image, bits: int, data: bytes, wanted: Range) -> Samples | None:
    """The samples of a loaded one, where its eight highest bits do not suffice.

    All bits where imagecodecs is installed; else as many as there are. ``data``: the file.
    """
    if wanted != "stretched" and not is_narrow(image):
        return None
    strips = _strips(image, bits - 8)
    try:
        whole = science.decode("jpeg2000", data)
    except (science.MissingDecoderError, ValueError):
        whole = None
    if whole is not None and whole.ndim == 3 and whole.shape[:2] == image.size[::-1] and whole.dtype == np.uint16:
        strips = iter([whole])
    return Samples(
        image.size,
        strips,
        3,
        "straight" if image.mode == "RGBA" else "",
        bits=bits,
        profile=image.info.get("icc_profile"),
        white=float((1 << bits) - 1),
    )


def _strips(image: Image.Image, missing: int) -> Iterator[NDArray[Any]]:
    """As many bits as there are; Pillow's reader has rounded them: each may stand for up to half a step less."""
    half = (1 << missing) >> 1
    for strip in strips_of(image):
        yield np.maximum(strip.astype(np.uint16) << missing, half) - half
