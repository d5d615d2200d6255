"""What comes into the window: photos, and what else is dropped, pasted or opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal

from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.intake import drops
from resnet_desktop.gui.intake.list_steps import ListSteps
from resnet_desktop.gui.intake.scanner import Scanner
from resnet_desktop.gui.style.qt_image import png_bytes
from resnet_desktop.session.results import Source

NAMED = 3
"""So many refused files are named."""


class Arrivals(QObject):
    """Sorts what comes in: photos into the list, the first of them selected; models and labels to where they belong.

    Signals:
        said: a sentence.
        model_wanted: the path of a model to be opened.
        weights_came: the path of weights that may be installed.
        labels_wanted: the path of a table.
        session_wanted: the path of a session that was saved.
        results_wanted: the path of a folder of results, or of its manifest.
        opened: the paths of photos, folders and zip files (sequence of Path).
    """

    said = Signal(str)
    model_wanted = Signal(str)
    weights_came = Signal(Path)
    labels_wanted = Signal(Path)
    session_wanted = Signal(Path)
    results_wanted = Signal(Path)
    opened = Signal(object)

    def __init__(
        self, steps: ListSteps, gallery: GalleryModel, view: GalleryView, tasks: Tasks, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._steps, self._gallery, self._view, self._tasks = steps, gallery, view, tasks
        self.scanner = Scanner(self)
        self._batches: deque[int] = deque()  # of the scans that are under way, the first one first
        self._shown: dict[int, bool] = {}  # by batch: whether a photo that is new has been selected, or a known one
        self._pasted = 0
        self.scanner.found.connect(self._on_found)
        self.scanner.finished.connect(self._on_finished)
        self.scanner.refused.connect(self._on_refused)
        self.scanner.failed.connect(self.said)

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Find the photos in files, folders and zip files and put them into the list."""
        photos: list[Path] = []
        for path in paths:
            kind = drops.kind_of(path)
            if kind == drops.MODEL:
                self.model_wanted.emit(str(path))
            elif kind == drops.WEIGHTS:
                self.weights_came.emit(path)
            elif kind == drops.TABLE:
                self.labels_wanted.emit(path)
            elif kind == drops.SESSION:
                self.session_wanted.emit(path)
            elif kind == drops.RESULTS:
                self.results_wanted.emit(path)
            else:
                photos.append(path)
        self.add_photos(photos)

    def add_photos(self, paths: Sequence[Path]) -> None:
        """The same, of files that are known to be no models and no tables."""
        if paths:
            self._batches.append(self._steps.new_batch())
            self.opened.emit(paths)
            self.scanner.scan(paths)

    def add_mime(self, mime: QMimeData) -> None:
        """Take what was dropped or pasted."""
        dropped = drops.read(mime)
        self.add_paths(dropped.paths)
        if dropped.data is not None:
            self._add_picture(dropped.data, dropped.name)
        if dropped.image is not None:
            image, name = dropped.image, dropped.name
            self._tasks.run_task(lambda: png_bytes(image), lambda future: self._on_encoded(future, name))
        if dropped.online:
            self.said.emit(
                self.tr(
                    "That was only a web address, and the app does not go online. Save the picture and drop the file."
                )
            )
        if dropped.missing:
            self.said.emit(self.tr("The files that the text names do not exist."))

    def _on_encoded(self, future: Future[bytes], name: str) -> None:
        self._add_picture(future.result(), name)

    def _add_picture(self, data: bytes, name: str) -> None:
        if not name:
            self._pasted += 1
            text = self.tr("Pasted image {number}, {time}")
            name = text.format(number=self._pasted, time=f"{datetime.now():%H:%M}")
        self._add([(data, name)], self._steps.new_batch())

    def _on_found(self, sources: list[tuple[Source, str]]) -> None:
        self._add(sources, self._batches[0])

    def _add(self, sources: Sequence[tuple[Source, str]], batch: int) -> None:
        new = self._steps.add(sources, batch)
        if new and not self._shown.get(batch):
            self._shown[batch] = True
            self._view.reveal(new[0].number)
        elif not new and sources and batch not in self._shown:
            self._shown[batch] = False
            row = self._gallery.row_of(sources[0][0])
            if row is not None:
                self._view.reveal(self._gallery.items[row].number)

    def _on_finished(self, count: int) -> None:
        self._shown.pop(self._batches.popleft(), None)
        if count == 0:
            self.said.emit(self.tr("No photos found in that folder."))

    def _on_refused(self, names: Sequence[str]) -> None:
        if len(names) == 1:
            self.said.emit(self.tr("{name} is no picture, so it was left out.").format(name=names[0]))
            return
        some = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
        self.said.emit(self.tr("These are no pictures and were left out: {names}").format(names=some))
