"""Photos and heatmaps for other programs: into the clipboard, and in the file manager."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.settings import MAX_MEGAPIXELS, Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.saving.heatmap_saver import HeatmapSaver
from resnet_desktop.gui.style.qt_image import to_qimage
from resnet_desktop.gui.style.show_file import show_in_folder
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.gui.widgets.menus import copy_text
from resnet_desktop.session.results import Failure, Source, file_of


def whole_photo(source: Source, max_pixels: int) -> QImage:
    """A photo in the size of its file, upright. For worker threads. Raises ImageError."""
    from resnet_desktop.imaging.decode import decode

    return to_qimage(decode(source, max_pixels=max_pixels).pixels)


class PhotoClipboard(QObject):
    """Signals: ``said`` (a sentence: it could not be done); ``done`` (a sentence)."""

    said = Signal(str)
    done = Signal(str)

    def __init__(
        self, does: Actions, page: InspectPage, saver: HeatmapSaver, settings: Settings, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._does, self._page, self._saver = does, page, saver
        self._settings = settings
        self._tasks = Tasks(1, "clipboard", self)
        self._asked = 0
        does.copy_picture.triggered.connect(self.copy_picture)
        does.copy_heatmap.triggered.connect(self.copy_heatmap)
        does.copy_path.triggered.connect(self.copy_paths)
        does.show_in_folder.triggered.connect(self.show_in_folder)
        page.gallery.current_changed.connect(self._refresh)
        page.presenter.evidence_changed.connect(lambda _evidence: self._refresh(self._page.gallery.current))
        self._refresh(None)

    def copy_picture(self) -> None:
        """The photo that is looked at, in the size of its file."""
        item = self._page.gallery.current
        if item is not None:
            source, most = item.source, self._settings.integer(MAX_MEGAPIXELS) * 1_000_000
            self._copy(lambda: whole_photo(source, most), self.tr("The picture is in the clipboard."))

    def copy_heatmap(self) -> None:
        """The photo with its heatmap, or the heatmaps that are compared."""
        make = self._saver.picture()
        if make is not None:
            self._copy(make, self.tr("The picture with its heatmap is in the clipboard."))

    def copy_paths(self) -> None:
        """Of the selected photos, one in a line."""
        files = (file_of(item.source) for item in self._page.gallery.selected_items())
        paths = dict.fromkeys(str(file) for file in files if file is not None)
        if paths:
            copy_text("\n".join(paths))

    def show_in_folder(self) -> None:
        """The photo that is looked at, in the file manager."""
        item = self._page.gallery.current
        file = None if item is None else file_of(item.source)
        if file is not None:
            show_in_folder(file)

    def close(self) -> None:
        """Wait for the picture that is being made."""
        self._tasks.drain()

    def _copy(self, make: Callable[[], QImage], words: str) -> None:
        self._asked += 1
        asked = self._asked
        self._tasks.run_task(make, lambda future: self._on_made(asked, future, words))

    def _on_made(self, asked: int, future: Future[QImage], words: str) -> None:
        try:
            image = future.result()
        except ResNetDesktopError as error:
            self.said.emit(Failure.of(error).text)
            return
        if asked == self._asked:  # what was copied last is what is pasted
            QGuiApplication.clipboard().setImage(image)
            self.done.emit(words)

    def _refresh(self, item: Item | None) -> None:
        does, evidence = self._does, self._page.presenter.evidence
        in_file = item is not None and file_of(item.source) is not None
        does.copy_picture.setEnabled(item is not None and not isinstance(item.outcome, Failure))
        does.copy_path.setEnabled(in_file)
        does.show_in_folder.setEnabled(in_file)
        does.copy_heatmap.setEnabled(evidence is not None and evidence.values is not None)
        does.again.setEnabled(item is not None)
