"""Pictures as programs have them: paths, bytes of a file, arrays, images of Pillow."""

from __future__ import annotations

import os
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.imaging.decode import Source, decode
from resnet_desktop.inference.classifier import Classifier, Seen

SHORTER_SIDE = 512
"""Files are decoded at this size or larger to be painted on."""
_PLAIN_MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK")


@runtime_checkable
class PillowImage(Protocol):
    """What is asked of an image of Pillow."""

    @property
    def mode(self) -> str:
        """How its pixels are stored."""
        ...

    def convert(self, mode: str, /) -> PillowImage:
        """In another mode."""
        ...


Picture = Source | bytearray | NDArray[np.uint8] | PillowImage
"""A path or the bytes of a file, which are read as the app reads them (upright, in sRGB); an array uint8
``(height, width, 3)`` in sRGB, with alpha ``(height, width, 4)``, or ``(height, width)`` in grey; an image of Pillow,
taken as it stands."""


def is_one(pictures: object) -> TypeGuard[Picture]:
    """Whether this is a single picture and no collection of them, such as an array ``(n, height, width, 3)``."""
    if isinstance(pictures, np.ndarray):
        return pictures.ndim <= 3
    return isinstance(pictures, str | bytes | bytearray | memoryview | os.PathLike | PillowImage)


def as_source(picture: Picture) -> Source | NDArray[np.uint8]:
    """The picture as a source, or as pixels, uint8 ``(height, width, 3)``.

    Raises:
        ValueError: an array or image that is no picture of eight bits.
    """
    if isinstance(picture, np.ndarray):
        return _pixels(picture)
    if isinstance(picture, PillowImage):
        if picture.mode not in _PLAIN_MODES:
            raise ValueError(f"an image in mode {picture.mode!r} has more than eight bits: give its file or its bytes")
        if picture.mode in ("P", "RGBA", "LA"):
            return _on_white(np.asarray(picture.convert("RGBA")))
        return np.asarray(picture.convert("RGB"))
    if isinstance(picture, str | bytes | bytearray | memoryview | os.PathLike):
        return bytes(picture) if isinstance(picture, bytearray | memoryview) else picture
    raise ValueError(f"a picture is a path, bytes, an array or an image of Pillow, not {type(picture).__name__}")


def prepare(classifier: Classifier, source: Source | NDArray[np.uint8], out: NDArray[np.float32]) -> Seen:
    """Write what the network sees of it into ``out``, ``(3, H, W)``. Raises ImageError: a file cannot be read."""
    if isinstance(source, np.ndarray):
        classifier.bundle.metadata.transforms.apply(source, classifier.fit, out=out)
        return Seen((source.shape[1], source.shape[0]))
    return classifier.prepare(source, out)


def pixels(classifier: Classifier, source: Source | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a person sees of it, uint8 ``(height, width, 3)``. Raises ImageError: a file cannot be read."""
    if isinstance(source, np.ndarray):
        return source
    return decode(
        source,
        shorter_side=SHORTER_SIDE,
        max_pixels=classifier.max_pixels,
        range=classifier.range,
        page=classifier.page,
    ).pixels


def _pixels(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.size == 0:
        raise ValueError(f"an array must hold pixels as uint8 from 0 to 255, not {array.dtype} of shape {array.shape}")
    values = array.astype(np.uint8, copy=False)
    if values.ndim == 2 or (values.ndim == 3 and values.shape[2] == 1):
        return np.repeat(values.reshape(*values.shape[:2], 1), 3, axis=2)
    if values.ndim == 3 and values.shape[2] == 4:
        return _on_white(values)
    if values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"an array must be (height, width, 3) or (height, width), not {array.shape}")
    return np.ascontiguousarray(values)


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As the app shows transparent files."""
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed = rgba[..., :3].astype(np.uint16) * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)
