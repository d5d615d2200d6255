"""The list's results as a file: asked for, written off the GUI thread, and what became of it."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.errors import StorageError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.saving import results_table
from resnet_desktop.gui.widgets import dialogs


class ResultsExport(QObject):
    """Writes what the list shows. Signals: ``said`` (a sentence); ``saved`` (a sentence, the path of the file)."""

    said = Signal(str)
    saved = Signal(str, Path)

    def __init__(self, gallery: GalleryModel, tasks: Tasks, window: QWidget) -> None:
        super().__init__(window)
        self._gallery, self._tasks, self._window = gallery, tasks, window

    def ask(self) -> None:
        """Ask where to."""
        dialogs.ask_for_csv(self._window, self.write)

    def write(self, path: Path) -> None:
        """Write the results so far."""
        text, photos = results_table.results_csv(self._gallery.items), [item.source for item in self._gallery.items]
        self._tasks.run_task(
            lambda: results_table.write(path, text, photos), lambda future: self._on_written(path, future)
        )

    def _on_written(self, path: Path, future: Future[None]) -> None:
        try:
            future.result()
        except StorageError as error:
            self.said.emit(str(error))
            return
        self.saved.emit(self.tr("Results saved to {path}.").format(path=path), path)
