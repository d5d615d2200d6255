"""Thumbnails on disk, in the app's own cache: what was made once is read the next time.

They are what the app itself decodes: upright, in sRGB, with the chosen range of values. Those of file managers need not
be so, and nobody bounds how many there are. For worker threads.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QBuffer, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter

from resnet_desktop.core import paths
from resnet_desktop.gui.style.qt_image import to_qimage
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Source, file_of

if TYPE_CHECKING:
    from resnet_desktop.core.value_cache import ValueCache
    from resnet_desktop.imaging.deep.limits import Range

SMALL_SIDE, STORED_SIDE = 160, 256
"""The longer side of a thumbnail in a list, and of one on disk, in pixels."""
LIMIT = 256_000_000
"""Bytes of thumbnails that are kept: about twenty thousand."""
QUALITY = 88
SURPLUS = 2000
"""After so many new ones what is too much is dropped, not only at the end."""
_VERSION = b"1"


def load_thumbnail(source: Source, max_pixels: int, values: str = "tags", side: int = STORED_SIDE) -> QImage:
    """A photo with a longer side of at most ``side`` pixels. For worker threads. Raises ImageError."""
    # Imported when first needed, which is after the window is up: they bring in NumPy and Pillow.
    from resnet_desktop.imaging.decode import decode, thumbnail

    decoded = decode(source, shorter_side=side // 2, max_pixels=max_pixels, range=cast("Range", values))
    return to_qimage(thumbnail(decoded, side))


class ThumbnailStore:
    """Looks on the disk before it decodes. For one thread at a time.

    Args:
        max_pixels: larger images are refused.
        values: what is black and white in pictures of more than 8 bits.
        path: of the store; by default in the app's cache folder.
        limit: bytes that are kept.
    """

    def __init__(self, max_pixels: int, values: str, path: Path | None = None, limit: int = LIMIT) -> None:
        self._limits = max_pixels, values
        self._path, self._limit = path or paths.cache_folder() / "thumbnails.sqlite", limit
        self._cache: ValueCache | None = None
        self._new = 0

    def load(self, source: Source, side: int) -> QImage:
        """A thumbnail with a longer side of at most ``side`` pixels, ``STORED_SIDE`` or less. Raises ImageError."""
        key = self._key(source)
        image = QImage() if key is None else self._read(key)
        if image.isNull():
            image = load_thumbnail(source, *self._limits)
            if key is not None:
                self._write(key, image)
        if max(image.width(), image.height()) <= side:
            return image
        small = QSize(side, side)
        return image.scaled(small, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)

    def close(self) -> None:
        """Write what is not written yet, and drop what is too much."""
        if self._cache is not None:
            self._cache.close()
            self._cache = None
        self._new = 0

    def _opened(self) -> ValueCache:
        if self._cache is None:
            from resnet_desktop.core.value_cache import ValueCache  # it brings in SQLite

            self._cache = ValueCache(self._path, self._limit)
        return self._cache

    def _key(self, source: Source) -> bytes | None:
        """Of this file, or part of it, as it is now; None where it is none or cannot be asked."""
        path = file_of(source)
        if path is None:
            return None
        try:
            state = path.stat()
        except (OSError, ValueError):  # the decoder says in words what is the matter
            return None
        stamp = f"{state.st_mtime_ns} {state.st_size} {self._limits[1]} {STORED_SIDE}"
        if isinstance(source, Region):
            stamp += f" {source.fragment}"
        name = str(path.absolute()).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(b"\0".join((_VERSION, name, stamp.encode())), digest_size=20).digest()

    def _read(self, key: bytes) -> QImage:
        value = self._opened().get([key]).get(key)
        image = QImage() if value is None else QImage.fromData(value)
        return QImage() if max(image.width(), image.height()) > STORED_SIDE else image

    def _write(self, key: bytes, image: QImage) -> None:
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QImageWriter(buffer, b"jpeg")
        writer.setQuality(QUALITY)
        if writer.write(image):
            self._opened().put({key: bytes(buffer.data().data())})
            self._opened().commit()
            self._new += 1
            if self._new >= SURPLUS:
                self.close()
