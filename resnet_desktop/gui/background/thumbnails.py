"""Small pictures for the list, made or read on a worker thread; a bounded number of them is kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.thumbnail_store import SMALL_SIDE, STORED_SIDE, ThumbnailStore
from resnet_desktop.session.results import Source

KEPT_THUMBNAILS = 500
KEPT_LARGE = 220
"""So many of the larger ones take as much memory."""
MOST_WAITING = 64


class Thumbnails(QObject):
    """Made when a photo is first painted; those asked for last come first.

    Signals: ``thumbnail_ready`` (number); ``caught_up``: nothing waits any more, and what was dropped in between may be
    asked for again.
    """

    thumbnail_ready = Signal(int)
    caught_up = Signal()

    def __init__(self, max_pixels: int, parent: QObject | None = None, values: str = "tags") -> None:
        super().__init__(parent)
        self._store = ThumbnailStore(max_pixels, values)
        self._tasks = Tasks(1, "thumbnail", self)
        self._kept: OrderedDict[int, QPixmap] = OrderedDict()
        self._waiting: OrderedDict[int, Source] = OrderedDict()
        self._failed: set[int] = set()
        self._running: tuple[int, int] | None = None  # the photo and the side
        self._side = SMALL_SIDE
        self._dropped = False

    def get(self, number: int, source: Source) -> QPixmap | None:
        """The thumbnail if it is there; else it is asked for."""
        pixmap = self._kept.get(number)
        if pixmap is not None:
            self._kept.move_to_end(number)
            return pixmap
        if (number, self._side) != self._running and number not in self._failed:
            self._waiting[number] = source
            self._waiting.move_to_end(number)
            while len(self._waiting) > MOST_WAITING:  # scrolled past: asked for again if it is seen again
                self._waiting.popitem(last=False)
                self._dropped = True
            self._start_next()
        return None

    def set_limits(self, max_pixels: int, values: str) -> None:
        """All are made anew, and read so."""
        before, self._store = self._store, ThumbnailStore(max_pixels, values)
        self._tasks.run_task(before.close, lambda _future: None)
        self._kept.clear()
        self._failed.clear()

    def set_side(self, pixels: int) -> None:
        """How large they are shown, in pixels of the screen; those that are there are made anew if need be."""
        side = SMALL_SIDE if pixels <= SMALL_SIDE else STORED_SIDE
        if side != self._side:
            self._side = side
            self._kept.clear()

    def forget(self, numbers: set[int]) -> None:
        """Free what belongs to photos that were removed, or whose files have changed."""
        for number in numbers:
            self._kept.pop(number, None)
            self._waiting.pop(number, None)
        self._failed -= numbers

    def close(self) -> None:
        """Wait for the thread to end."""
        self._waiting.clear()
        self._tasks.drain()
        self._store.close()

    def _start_next(self) -> None:
        if self._running is not None or not self._waiting:
            return
        number, source = self._waiting.popitem(last=True)
        self._running = number, self._side
        store, side = self._store, self._side
        self._tasks.run_task(lambda: store.load(source, side), lambda future: self._on_loaded(number, side, future))

    def _on_loaded(self, number: int, side: int, future: Future[QImage]) -> None:
        self._running = None
        self._start_next()
        try:
            image = future.result()
        except ResNetDesktopError:  # the row says why, from classifying the same file
            self._failed.add(number)
        else:
            if side == self._side:
                self._keep(number, image)
        if self._running is None and self._dropped:
            self._dropped = False
            self.caught_up.emit()

    def _keep(self, number: int, image: QImage) -> None:
        self._kept[number] = QPixmap.fromImage(image)
        while len(self._kept) > (KEPT_THUMBNAILS if self._side == SMALL_SIDE else KEPT_LARGE):
            self._kept.popitem(last=False)
        self.thumbnail_ready.emit(number)
