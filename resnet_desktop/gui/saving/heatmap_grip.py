"""What the picture with its heatmap is taken hold of by, to be dragged to another program."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QEnterEvent, QGuiApplication, QImage, QMouseEvent, QPixmap
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.drag_folder import DragFolder
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.photo_classes import MIME
from resnet_desktop.gui.saving.evidence_picture import write_png
from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.session.results import Failure

CARRIED = 128
"""The longer side of what goes with the pointer, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """A picture to be made.

    Attributes:
        make: makes it, on a worker thread.
        name: what it is called.
        key: equal for equal pictures.
    """

    make: Callable[[], QImage]
    name: str
    key: object


def picture_mime(path: Path) -> QMimeData:
    """A picture as it is dragged: a file, which this window does not take for a photo that is new."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    mime.setData(MIME, b" ")
    return mime


class HeatmapGrip(QToolButton):
    """In the corner of the photo while the pointer is over it. The file is made when the pointer comes to it.

    Args:
        view: the photo.
        wanted: what is seen; None where there is no heatmap.
        tasks: make and write it.
        folder: where it is written.

    Signal: ``failed`` (a sentence).
    """

    failed = Signal(str)

    def __init__(self, view: QWidget, wanted: Callable[[], Wanted | None], tasks: Tasks, folder: DragFolder) -> None:
        super().__init__(view)
        self._view, self._wanted, self._tasks, self._folder = view, wanted, tasks, folder
        self._key: object = None
        self._ready: tuple[Path, QImage] | None = None
        self._pressed: QPoint | None = None
        self._pulled = False  # the drag begins when the file is there
        words = self.tr("Drag this picture with its heatmap to another program. A click saves it.")
        self.setToolTip(plain_tip(words))
        self.setAccessibleName(words)
        self.setProperty("overlay", "true")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setFixedSize(32, 32)
        self.setIconSize(QSize(18, 18))
        self.hide()
        view.installEventFilter(self)

    @property
    def path(self) -> Path | None:
        """The file, as soon as it is there."""
        return None if self._ready is None else self._ready[0]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """It comes with the pointer, and goes with it."""
        kinds = QEvent.Type
        if event.type() in (kinds.Enter, kinds.Leave, kinds.Resize):
            self._put(over=event.type() == kinds.Enter or (event.type() == kinds.Resize and self._view.underMouse()))
        return super().eventFilter(watched, event)

    def refresh(self) -> None:
        """There is a heatmap, or none any more."""
        self._put(over=self._view.underMouse())

    def enterEvent(self, event: QEnterEvent) -> None:
        """It is likely to be wanted."""
        self.prepare()
        super().enterEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of it."""
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._pulled = event.position().toPoint(), False
            self.prepare()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Carry it away."""
        if self._pressed is None or self._pulled:
            return
        if (event.position().toPoint() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            self._pulled = True
            self.setDown(False)
            self._carry()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go of it; where it was not moved that is a click."""
        self._pressed = None
        super().mouseReleaseEvent(event)

    def prepare(self) -> None:
        """Have the file made, unless it is there."""
        wanted = self._wanted()
        if wanted is None or wanted.key == self._key:
            return
        self._key, self._ready = wanted.key, None

        def work() -> tuple[Path, QImage]:
            picture, path = wanted.make(), self._folder.new_path(wanted.name, ".png")
            write_png(path, picture)
            return path, picture.scaled(QSize(CARRIED, CARRIED), Qt.AspectRatioMode.KeepAspectRatio)

        self._tasks.run_task(work, lambda future: self._on_ready(wanted.key, future))

    def _put(self, *, over: bool) -> None:
        """In the corner, where the pointer is ``over`` the photo."""
        self.setIcon(icons.icon("drag"))
        self.move(self._view.width() - self.width() - theme.S, self._view.height() - self.height() - theme.S)
        self.setVisible(over and self._wanted() is not None)

    def _on_ready(self, key: object, future: Future[tuple[Path, QImage]]) -> None:
        if key != self._key:  # something else is seen by now
            return
        try:
            self._ready = future.result()
        except ResNetDesktopError as error:
            self._key = None
            self.failed.emit(Failure.of(error).text)
            return
        if self._pulled and QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self._carry()

    def _carry(self) -> None:
        if self._ready is None:
            return
        path, picture = self._ready
        self._pressed, self._pulled = None, False
        drag = QDrag(self)
        drag.setMimeData(picture_mime(path))
        drag.setPixmap(QPixmap.fromImage(picture))
        drag.setHotSpot(QPoint(-theme.S, -theme.S))
        drag.exec(Qt.DropAction.CopyAction)
