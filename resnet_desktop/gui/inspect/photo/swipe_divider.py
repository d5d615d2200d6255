"""A divider that splits the photo: the heatmap lies to the right of it alone."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QLineF, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from resnet_desktop.gui.widgets.canvas.viewport import fraction_of
from resnet_desktop.gui.widgets.canvas.zoom_view import ZoomView

GRIP = 10.0
"""Within so many pixels of the divider the pointer takes hold of it."""
STEP = 0.04
_STEPS = {int(Qt.Key.Key_Left): -STEP, int(Qt.Key.Key_Right): STEP}


class SwipeDivider(QObject):
    """Listens to a view: the divider is dragged, or moved with the arrow keys.

    Args:
        view: the photo.
        seen: whether there is a heatmap to be divided.
    """

    def __init__(self, view: ZoomView, seen: Callable[[], bool]) -> None:
        super().__init__(view)
        self._view, self._seen = view, seen
        self._place: float | None = None
        self._dragged = False
        view.installEventFilter(self)

    @property
    def place(self) -> float | None:
        """Where it splits the photo, as a fraction of its width; None for nowhere."""
        return self._place

    def set_on(self, on: bool) -> None:
        """Split the photo in the middle, or no longer."""
        self._place = 0.5 if on else None
        self._dragged = False
        self._view.unsetCursor()
        self._view.update()

    def move(self, to: float) -> None:
        """Put it at a fraction of the photo's width."""
        self._place = min(max(to, 0.0), 1.0)
        self._view.update()

    def x(self, target: QRectF) -> float | None:
        """Where it is seen on a photo that fills ``target``; None where it is not."""
        return target.left() + self._place * target.width() if self._place is not None and self._seen() else None

    def paint(self, painter: QPainter, target: QRectF, seen: QRectF) -> None:
        """Draw it over what the network saw of a photo that fills ``target``."""
        x = self.x(target)
        if x is None:
            return
        line = QLineF(x, seen.top(), x, seen.bottom())
        painter.setPen(QPen(QColor(0, 0, 0, 130), 4))
        painter.drawLine(line)
        painter.setPen(QPen(QColor(255, 255, 255), 2))
        painter.drawLine(line)
        painter.setBrush(QColor(255, 255, 255))
        painter.setPen(QPen(QColor(0, 0, 0, 130), 1))
        in_view = seen.intersected(QRectF(self._view.rect()))
        painter.drawEllipse(QPointF(x, in_view.center().y()), 7, 7)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what belongs to the divider; all else is the view's."""
        if self._place is None:
            return super().eventFilter(watched, event)
        kind = event.type()
        if isinstance(event, QMouseEvent):
            if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
                self._dragged = self._near(event.position())
                return self._dragged
            if kind == QEvent.Type.MouseMove:
                return self._on_move(event)
            if kind == QEvent.Type.MouseButtonRelease:
                self._dragged = False
        elif isinstance(event, QKeyEvent) and kind == QEvent.Type.KeyPress and event.key() in _STEPS:
            self.move(self._place + _STEPS[event.key()])
            return True
        return super().eventFilter(watched, event)

    def _on_move(self, event: QMouseEvent) -> bool:
        if self._dragged:
            self.move(fraction_of(event.position(), self._view.photo_place).x())
        elif not event.buttons():
            near = self._near(event.position())
            self._view.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)
        return self._dragged

    def _near(self, point: QPointF) -> bool:
        x = self.x(self._view.photo_place) if self._view.has_photo else None
        return x is not None and abs(point.x() - x) <= GRIP
