"""Finding the photos in dropped files and folders, off the GUI thread, a few hundred at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from resnet_desktop.gui.tasks import Tasks

CHUNK = 400


class Scanner(QObject):
    """Signals: ``found`` (list of (path, printable name)); ``finished`` (how many were found in one request)."""

    found = Signal(object)
    finished = Signal(int)
    _chunk = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(1, "scan", self)
        self._epoch = 0
        self._chunk.connect(self._on_chunk, Qt.ConnectionType.QueuedConnection)

    def scan(self, paths: Sequence[Path]) -> None:
        """Look for photos; folders are searched with all below them."""
        epoch, wanted = self._epoch, tuple(paths)
        self._tasks.run_task(lambda: self._walk(wanted, epoch), self._on_walked)

    def cancel(self) -> None:
        """Stop looking; what is found on the way is dropped."""
        self._epoch += 1

    def close(self) -> None:
        """Stop, and wait for the thread to end."""
        self.cancel()
        self._tasks.drain()

    def _walk(self, paths: Sequence[Path], epoch: int) -> int:
        from resnet_desktop.imaging.files import find_images, printable  # the window is up before imaging is loaded

        images = find_images(paths, recursive=True)
        count = 0
        size = 1  # the first photo at once, then by the hundred
        while epoch == self._epoch:
            chunk = [(path, printable(path.name)) for path in itertools.islice(images, size)]
            if not chunk:
                break
            count += len(chunk)
            self._chunk.emit(epoch, chunk)
            size = CHUNK
        return count

    def _on_chunk(self, epoch: int, chunk: list[tuple[Path, str]]) -> None:
        if epoch == self._epoch:
            self.found.emit(chunk)

    def _on_walked(self, future: Future[int]) -> None:
        self.finished.emit(future.result())
