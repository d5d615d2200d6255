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

MAX_ZOOM = 16.0
LARGEST_ENLARGEMENT = 4.0
"""A small photo that fills the view is enlarged at most so much."""
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

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photo = QImage()
        self._zoom = 1.0
        self._centre = QPointF(0.5, 0.5)  # the point of the photo in the middle of the view, as fractions
        self._grip: QPointF | None = None
        self._scaled = QPixmap()
        self._margin = theme.L
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
        return self._target()

    @property
    def zoom(self) -> float:
        """Times the size that fits."""
        return self._zoom

    @property
    def centre(self) -> QPointF:
        """The point of the photo in the middle of the view, as fractions of it."""
        return QPointF(self._centre)

    def set_view(self, zoom: float, centre: QPointF) -> None:
        """Show the same part as another view does."""
        self._zoom, self._centre = zoom, QPointF(centre)
        self._after_zoom()

    def fit(self) -> None:
        """The whole photo, as large as it fits."""
        self._zoom, self._centre = 1.0, QPointF(0.5, 0.5)
        self._after_zoom()
        self._tell()

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom, not below the whole; the place of the photo under ``around`` stays where it is."""
        self._zoom_to(max(self._zoom * factor, min(1.0, self._zoom)), around)

    def _zoom_to(self, zoom: float, around: QPointF | None) -> None:
        if not self.has_photo:
            return
        anchor = around if around is not None else QRectF(self.rect()).center()
        fraction = fraction_of(anchor, self._target())
        self._zoom = min(zoom, MAX_ZOOM)
        size = self._target().size()
        middle = QRectF(self.rect()).center()
        self._centre = QPointF(
            fraction.x() - (anchor.x() - middle.x()) / size.width(),
            fraction.y() - (anchor.y() - middle.y()) / size.height(),
        )
        self._after_zoom()
        self._tell()

    def show_actual_size(self, around: QPointF | None = None) -> None:
        """A pixel of the photo for each of the screen; smaller than fit where the photo is enlarged to fit."""
        self._zoom_to(self._actual_zoom(), around)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom, or move a photo that is larger than the view, as the user likes it. Two fingers on a pad move."""
        steps = event.angleDelta().y() / 120
        held = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        fingers = event.device().type() == QInputDevice.DeviceType.TouchPad
        if held or (self.wheel_zooms and not fingers):
            self.zoom_by(ZOOM_STEP**steps, event.position())
        elif self._zoom > 1.0:
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
        if event.button() == Qt.MouseButton.LeftButton and self._zoom > 1.0:
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
        if self._zoom != 1.0:
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
        self._photo, self._scaled = photo, QPixmap()

    def _after_zoom(self) -> None:
        self._scaled = QPixmap()
        if self.has_photo:
            self._keep_in_view()
        self.update()
        self.zoom_changed.emit(self._zoom)

    def _tell(self) -> None:
        self.view_changed.emit(self._zoom, self._centre)

    def _move(self, by: QPointF) -> None:
        if self.has_photo:
            size = self._target().size()
            self._centre -= QPointF(by.x() / size.width(), by.y() / size.height())
            self._keep_in_view()
            self.update()
            self._tell()

    def _keep_in_view(self) -> None:
        size = self._target().size()
        half_x, half_y = self.width() / size.width() / 2, self.height() / size.height() / 2
        self._centre = QPointF(_clamped(self._centre.x(), half_x), _clamped(self._centre.y(), half_y))

    def _fitting_scale(self) -> float:
        """Pixels of the view for each of the photo, where the whole of it is shown."""
        room = QRectF(self.rect()).adjusted(self._margin, self._margin, -self._margin, -self._margin)
        fitting = min(room.width() / self._photo.width(), room.height() / self._photo.height())
        return max(1e-3, min(fitting, LARGEST_ENLARGEMENT))

    def _actual_zoom(self) -> float:
        return 1.0 / (self.devicePixelRatioF() * self._fitting_scale()) if self.has_photo else 1.0

    def _target(self) -> QRectF:
        """Where the whole photo lies, in the view's coordinates."""
        scale = self._fitting_scale()
        width, height = float(self._photo.width()), float(self._photo.height())
        width, height = width * scale * self._zoom, height * scale * self._zoom
        middle = QRectF(self.rect()).center()
        return QRectF(middle.x() - self._centre.x() * width, middle.y() - self._centre.y() * height, width, height)

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


def fraction_of(point: QPointF, target: QRectF) -> QPointF:
    """Where a point lies in a rectangle, as fractions of its width and height."""
    return QPointF((point.x() - target.left()) / target.width(), (point.y() - target.top()) / target.height())


def _clamped(centre: float, half: float) -> float:
    """So that no empty margin shows on one side of a photo that is larger than the view."""
    return 0.5 if half >= 0.5 else min(max(centre, half), 1.0 - half)
