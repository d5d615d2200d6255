"""Photos for the screen: decoded on a worker thread, a bounded number of them kept."""

from __future__ import annotations

import math
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style.qt_image import to_qimage
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Failure, Source, whole_of

if TYPE_CHECKING:
    from resnet_desktop.imaging.deep.limits import Range

PHOTO_SIDE = 640
"""A photo's shorter side on the screen is at least twice this, in pixels, where the file has as many."""
LONGEST_SIDE, LONGEST_OF_PART = 6000, 4096
KEPT_PHOTOS = 3


def load_photo(source: Source, max_pixels: int, values: str = "tags") -> QImage:
    """A photo in the size for the screen; ``values``: its range, as ``decode`` takes it. For worker threads.

    Of a part it is the whole photo, large enough to look at the part.

    Raises:
        ImageError: it cannot be read.
    """
    # Imported when first needed, which is after the window is up: they bring in NumPy and Pillow.
    from resnet_desktop.imaging.decode import decode, thumbnail

    side, longest = PHOTO_SIDE, LONGEST_SIDE
    if isinstance(source, Region):
        side, longest = math.ceil(PHOTO_SIDE / max(*source.bbox[2:], 0.01)), LONGEST_OF_PART
    decoded = decode(whole_of(source), shorter_side=side, max_pixels=max_pixels, range=cast("Range", values))
    return to_qimage(thumbnail(decoded, longest))


class Photos(QObject):
    """The photo that is looked at, and the last few.

    Signals: ``photo_ready`` (number, QImage) and ``photo_failed`` (number, Failure), for the latest request alone.
    """

    photo_ready = Signal(int, QImage)
    photo_failed = Signal(int, object)

    def __init__(self, max_pixels: int, parent: QObject | None = None, values: str = "tags") -> None:
        super().__init__(parent)
        self._limits = max_pixels, values
        self._tasks = Tasks(1, "photo", self)
        self._kept: OrderedDict[int, QImage] = OrderedDict()
        self._wanted: int | None = None
        self._running: Future[QImage] | None = None

    def request(self, number: int, source: Source) -> None:
        """Ask for a photo; an earlier request that has not been answered is dropped."""
        self._wanted = number
        if self._running is not None:
            self._running.cancel()
        kept = self._kept.get(number)
        if kept is not None:
            self._kept.move_to_end(number)
            self.photo_ready.emit(number, kept)
            return
        limits = self._limits
        self._running = self._tasks.run_task(lambda: load_photo(source, *limits), lambda f: self._on_loaded(number, f))

    def set_limits(self, max_pixels: int, values: str) -> None:
        """Photos that are asked for from now on are read so."""
        self._limits = max_pixels, values
        self._kept.clear()

    def drop_request(self) -> None:
        """Nothing is looked at any more."""
        self._wanted = None

    def forget(self, numbers: set[int]) -> None:
        """Their files may have changed."""
        for number in numbers:
            self._kept.pop(number, None)

    def close(self) -> None:
        """Wait for the thread to end."""
        self._tasks.drain()

    def _on_loaded(self, number: int, future: Future[QImage]) -> None:
        try:
            image = future.result()
        except ResNetDesktopError as error:
            if number == self._wanted:
                self.photo_failed.emit(number, Failure.of(error))
            return
        self._kept[number] = image
        while len(self._kept) > KEPT_PHOTOS:
            self._kept.popitem(last=False)
        if number == self._wanted:
            self.photo_ready.emit(number, image)
