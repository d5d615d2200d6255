"""A picture that can be zoomed and moved, alone or together with others that show the same."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QInputDevice,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas.viewport import Viewport

ZOOM_STEP = 1.25
CLOSER = 2.0
"""A double click enlarges at least so much."""


class ZoomView(QWidget):
    """The wheel, or + and -, zoom; dragging moves; 0 fits the whole; a double click shows it in its own size, or fits.

    ``wheel_zooms`` is the user's choice, the same for all views; where it is off the wheel moves, and with Control held
    it zooms.

    Signals: ``zoom_changed`` (times the size that fits); ``view_changed`` (zoom, and the point of the photo in the
    middle as fractions of it), when the user has zoomed or moved.
    """

    wheel_zooms = True
    zoom_changed = Signal(float)
    view_changed = Signal(float, QPointF)

    def __init__(self, parent: QWidget | None = None, *, margin: float = theme.L) -> None:
        super().__init__(parent)
        self._photo = QImage()
        self._viewport = Viewport(margin)
        self._grip: QPointF | None = None
        self._scaled = QPixmap()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def has_photo(self) -> bool:
        """Whether a photo is shown."""
        return not self._photo.isNull()

    @property
    def photo_size(self) -> QSize:
        """Of the photo, in its pixels."""
        return self._photo.size()

    @property
    def photo_place(self) -> QRectF:
        """Where the whole photo lies, in the view's coordinates. Only where there is one."""
        return self._viewport.place(QRectF(self.rect()))

    @property
    def zoom(self) -> float:
        """Times the size that fits."""
        return self._viewport.zoom

    @property
    def centre(self) -> QPointF:
        """The point of the photo in the middle of the view, as fractions of it."""
        return QPointF(self._viewport.centre)

    def set_view(self, zoom: float, centre: QPointF) -> None:
        """Show the same part as another view does."""
        self._viewport.zoom, self._viewport.centre = zoom, QPointF(centre)
        self._after_zoom()

    def fit(self) -> None:
        """The whole photo, as large as it fits."""
        self.set_view(1.0, QPointF(0.5, 0.5))
        self.view_changed.emit(self.zoom, self.centre)

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom, not below the whole; the place of the photo under ``around`` stays where it is."""
        self._zoom_to(max(self.zoom * factor, min(1.0, self.zoom)), around)

    def show_actual_size(self, around: QPointF | None = None) -> None:
        """A pixel of the photo for each of the screen; smaller than fit where the photo is enlarged to fit."""
        self._zoom_to(self._actual_zoom(), around)

    def _zoom_to(self, zoom: float, around: QPointF | None) -> None:
        if self.has_photo:
            view = QRectF(self.rect())
            self._viewport.zoom_to(zoom, around if around is not None else view.center(), view)
            self._after_zoom()
            self.view_changed.emit(self.zoom, self.centre)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom, or move a photo that is larger than the view, as the user likes it. Two fingers on a pad move."""
        steps = event.angleDelta().y() / 120
        held = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        fingers = event.device().type() == QInputDevice.DeviceType.TouchPad
        if held or (self.wheel_zooms and not fingers):
            self.zoom_by(ZOOM_STEP**steps, event.position())
        elif self.zoom > 1.0:
            delta = event.angleDelta()
            self._move(QPointF(delta.x() / 2, delta.y() / 2))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Pinching zooms."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_by(1.0 + event.value(), event.position())
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the photo."""
        if event.button() == Qt.MouseButton.LeftButton and self.zoom > 1.0:
            self._grip = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the photo."""
        if self._grip is not None:
            self._move(event.position() - self._grip)
            self._grip = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Let go."""
        self._grip = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit; or, if it fits already, look closer at the place."""
        if self.zoom != 1.0:
            self.fit()
        else:
            closer = self._actual_zoom()
            self.zoom_by(closer if closer > CLOSER else CLOSER, event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, fit with 0."""
        if event.text() in ("+", "="):
            self.zoom_by(ZOOM_STEP)
        elif event.text() == "-":
            self.zoom_by(1 / ZOOM_STEP)
        elif event.text() == "0":
            self.fit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: object) -> None:  # noqa: ARG002 - Qt gives it
        """The copy in the view's size is made anew."""
        self._scaled = QPixmap()

    def _set_photo(self, photo: QImage) -> None:
        self._photo, self._scaled, self._viewport.photo = photo, QPixmap(), photo.size()

    def _after_zoom(self) -> None:
        self._scaled = QPixmap()
        if self.has_photo:
            self._viewport.keep_in(QRectF(self.rect()))
        self.update()
        self.zoom_changed.emit(self.zoom)

    def _move(self, by: QPointF) -> None:
        if self.has_photo:
            self._viewport.move(by, QRectF(self.rect()))
            self.update()
            self.view_changed.emit(self.zoom, self.centre)

    def _actual_zoom(self) -> float:
        if not self.has_photo:
            return 1.0
        return 1.0 / (self.devicePixelRatioF() * self._viewport.fitting_scale(QRectF(self.rect())))

    def _paint_photo(self, painter: QPainter, target: QRectF) -> None:
        ratio = self.devicePixelRatioF()
        wanted = (target.size() * ratio).toSize()
        if wanted.width() >= self._photo.width():
            painter.drawImage(target, self._photo)
            return
        if self._scaled.size() != wanted:  # Qt's smooth scaling averages; a painter's transform would leave edges rough
            scaled = self._photo.scaled(
                wanted, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            self._scaled = QPixmap.fromImage(scaled)
        painter.drawPixmap(target, self._scaled, QRectF(self._scaled.rect()))
