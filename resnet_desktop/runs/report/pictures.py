"""Small pictures inside a report."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.data.dataset import Sample, SampleReader
from resnet_desktop.imaging.decode import decode, encode_jpeg, thumbnail

SIDE = 132
QUALITY = 72


class Thumbnails:
    """Small copies of pictures for the page. For one thread, and for a ``with`` block, which closes archives.

    Args:
        samples: pictures by name.

    Attributes:
        made: the source of each picture for an ``img``, empty where it cannot be read, and its short name.
    """

    def __init__(self, samples: Mapping[str, Sample]) -> None:
        self._samples = samples
        self._reader = SampleReader()
        self.made: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Thumbnails:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    def add(self, path: str) -> None:
        """Make the copy of one picture."""
        source = ""
        if path in self._samples:
            try:
                pixels = thumbnail(decode(self._reader.read(self._samples[path]), shorter_side=SIDE), SIDE)
                source = jpeg_source(pixels, QUALITY)
            except ResNetDesktopError:
                pass  # gone since it was judged
        self.made[path] = (source, short_name(path))


def jpeg_source(pixels: NDArray[np.uint8], quality: int) -> str:
    """uint8 ``(height, width, 3)`` as the source of an ``img`` that needs no other file."""
    return f"data:image/jpeg;base64,{base64.b64encode(encode_jpeg(pixels, quality)).decode('ascii')}"


def short_name(path: str) -> str:
    """The name of a file without its folders."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]
