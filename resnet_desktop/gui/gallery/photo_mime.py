"""Photos as they are dragged: numbers for the window's own classes, files for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QMetaType, QMimeData, QUrl

from resnet_desktop.core import output
from resnet_desktop.core.errors import ImageError, StorageError
from resnet_desktop.gui.background.drag_folder import DragFolder
from resnet_desktop.gui.gallery.photo_classes import MIME
from resnet_desktop.session import kept_pictures

if TYPE_CHECKING:
    from resnet_desktop.gui.gallery.gallery_model import Item

URLS = "text/uri-list"


class PhotoMime(QMimeData):
    """Pasted pictures and parts of photos become files when another program asks for them, and not before.

    Args:
        items: the photos.
        folder: where such files are written.
    """

    def __init__(self, items: Sequence[Item], folder: DragFolder) -> None:
        super().__init__()
        self._items, self._folder = tuple(items), folder
        self._files: list[Path] | None = None
        self.setData(MIME, " ".join(str(item.number) for item in items).encode())

    def formats(self) -> list[str]:
        """Numbers and files."""
        return [MIME, URLS]

    def hasFormat(self, kind: str) -> bool:
        """Whether it is one of both."""
        return kind in self.formats()

    def retrieveData(self, kind: str, wanted: QMetaType | QMetaType.Type) -> Any:  # noqa: ANN401 - Qt gives it
        """What is asked for."""
        if kind != URLS:
            return super().retrieveData(kind, wanted)
        if self._files is None:
            found = (self._file(item) for item in self._items)
            self._files = [file for file in found if file is not None]
        return [QUrl.fromLocalFile(str(file)) for file in self._files]

    def _file(self, item: Item) -> Path | None:
        """The photo's own file, or one that is made; None where that cannot be, as its row says."""
        source = item.source
        if isinstance(source, Path):
            return source
        try:
            if isinstance(source, bytes):
                path, data = self._folder.new_path(item.name, kept_pictures.ending(source)), source
            else:
                from resnet_desktop.imaging.decode import decode, encode_png  # not needed before

                path, data = self._folder.new_path(item.name, ".png"), encode_png(decode(source).pixels)
            output.write_bytes(path, data)
        except (ImageError, StorageError):
            return None
        return path
