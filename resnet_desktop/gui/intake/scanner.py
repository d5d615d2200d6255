"""Finding the photos in dropped files, folders and zip files, off the GUI thread, a few hundred at a time."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.intake.drops import ZIP, kind_of

CHUNK = 200
LOOK_SECONDS = 0.05


class Scanner(QObject):
    """Requests are served one after the other.

    Signals:
        found: list of (path, printable name).
        refused: the names of files that are no pictures.
        finished: once for each request: how many photos were found; -1 where that is not the whole answer.
        failed: a sentence.
    """

    found = Signal(object)
    refused = Signal(object)
    finished = Signal(int)
    failed = Signal(str)
    _chunk = Signal(int, object)
    _others = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(1, "scan", self)
        self._epoch = 0
        self._room = threading.Semaphore(1)  # for a chunk that has not been taken over yet
        self._chunk.connect(self._on_chunk, Qt.ConnectionType.QueuedConnection)
        self._others.connect(self._on_others, Qt.ConnectionType.QueuedConnection)

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
        from resnet_desktop.imaging.files import printable  # the window is up before imaging is loaded

        others: list[str] = []
        images = _images(paths, others, lambda: epoch != self._epoch)
        count = 0
        size = 1  # the first photo at once, then by the hundred
        while epoch == self._epoch:
            chunk = [(path, printable(path.name)) for path in itertools.islice(images, size)]
            if not chunk or not self._wait_for_room(epoch):
                break
            count += len(chunk)
            self._chunk.emit(epoch, chunk)
            size = CHUNK
        if others:
            self._others.emit(epoch, others)
        return count or (-1 if others else 0)

    def _wait_for_room(self, epoch: int) -> bool:
        """Until the window has taken over the last chunk and drawn itself: Qt delivers all that waits in one turn."""
        while not self._room.acquire(timeout=LOOK_SECONDS):
            if epoch != self._epoch:
                return False
        return True

    def _on_chunk(self, epoch: int, chunk: list[tuple[Path, str]]) -> None:
        QTimer.singleShot(0, self._room.release)
        if epoch == self._epoch:
            self.found.emit(chunk)

    def _on_others(self, epoch: int, names: list[str]) -> None:
        if epoch == self._epoch:
            self.refused.emit(names)

    def _on_walked(self, future: Future[int]) -> None:
        try:
            count = future.result()
        except ResNetDesktopError as error:
            self.failed.emit(str(error))
            count = -1
        self.finished.emit(count)


def _images(paths: Sequence[Path], others: list[str], cancelled: Cancelled) -> Iterator[Path]:
    """The photos that paths stand for; the names of files that are none are added to ``others``."""
    from resnet_desktop.gui.intake.unpacking import unpacked
    from resnet_desktop.imaging.files import find_images, printable

    for path in paths:
        if kind_of(path) == ZIP and os.path.isfile(path):  # noqa: PTH113 - that of Path may raise
            yield from unpacked(path, cancelled)
        elif _is_no_picture(path):
            others.append(printable(path.name))
        else:
            yield from find_images([path], recursive=True)


def _is_no_picture(path: Path) -> bool:
    """Whether a file is none by its name and none by its content, such as a text."""
    from resnet_desktop.imaging.container import HEAD_BYTES, IMAGE_SUFFIXES, identify

    if path.suffix.lower() in IMAGE_SUFFIXES or not os.path.isfile(path):  # noqa: PTH113 - as above
        return False
    try:
        with path.open("rb") as file:
            return identify(file.read(HEAD_BYTES)) is None
    except OSError:  # its row will say so
        return False
