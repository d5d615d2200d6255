"""What a drop or the clipboard holds: files and folders, or a picture itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage

from resnet_desktop.gui.labels.classes import MIME

# A browser offers a picture it shows as one of these, beside its address.
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/gif", "image/bmp", "image/tiff")


@dataclass(frozen=True, slots=True)
class Dropped:
    """What there is of it; at most one.

    ``paths``: files and folders. ``data``: the bytes of an image file. ``image``: one that some program has drawn.
    ``online``: there is only a web address.
    """

    paths: tuple[Path, ...] = ()
    data: bytes | None = None
    image: QImage | None = None
    online: bool = False


def accepts(mime: QMimeData) -> bool:
    """Whether ``read`` would find something, or has something to say."""
    if mime.hasFormat(MIME):  # out of our own list
        return False
    return mime.hasUrls() or mime.hasImage() or any(mime.hasFormat(kind) for kind in _IMAGE_TYPES)


def read(mime: QMimeData) -> Dropped:
    """What there is to classify. The app is offline: the address of a picture is not followed."""
    urls = mime.urls()
    paths = tuple(Path(url.toLocalFile()) for url in urls if url.isLocalFile())
    if paths:
        return Dropped(paths)
    for kind in _IMAGE_TYPES:
        if mime.hasFormat(kind):
            data = bytes(mime.data(kind).data())
            if data:
                return Dropped(data=data)
    image = mime.imageData() if mime.hasImage() else None
    if isinstance(image, QImage) and not image.isNull():
        return Dropped(image=image)
    return Dropped(online=bool(urls))
