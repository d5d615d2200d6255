"""The photo, the part of it that the network saw, and where it found its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui import icons, theme
from resnet_desktop.gui.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.imaging.transforms import Box

MAX_ZOOM = 16.0
LARGEST_ENLARGEMENT = 4.0
"""A small photo that fills the view is enlarged at most so much."""
ZOOM_STEP = 1.25


class ImageView(QWidget):
    """One photo. Control and the wheel, or + and -, zoom; dragging moves; 0 or a double click fits it again.

    Signal: ``zoom_changed`` (times the size that fits).
    """

    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photo = QImage()
        self._heat = QImage()
        self._box: Box | None = None
        self._failure: Failure | None = None
        self._opacity = 0.5
        self._heat_shown = True
        self._zoom = 1.0
        self._centre = QPointF(0.5, 0.5)  # the point of the photo in the middle of the view, as fractions
        self._grip: QPointF | None = None
        self._scaled = QPixmap()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 180)
        self.setAccessibleName(self.tr("Photo with heatmap"))

    def sizeHint(self) -> QSize:
        """Roomy."""
        return QSize(640, 520)

    @property
    def has_heat(self) -> bool:
        """Whether a heatmap lies over the photo (it may be switched off)."""
        return not self._heat.isNull()

    @property
    def has_photo(self) -> bool:
        """Whether a photo is shown."""
        return not self._photo.isNull()

    def show_photo(self, photo: QImage) -> None:
        """Show a photo, whole; what lay over the one before is gone."""
        self._photo, self._failure = photo, None
        self.clear_evidence()
        self.fit()

    def show_failure(self, failure: Failure) -> None:
        """Say why there is no photo."""
        self.clear()
        self._failure = failure
        self.setAccessibleDescription(failure.text)

    def clear(self) -> None:
        """Show nothing."""
        self._photo, self._failure, self._scaled = QImage(), None, QPixmap()
        self.setAccessibleDescription("")
        self.clear_evidence()

    def show_evidence(self, heat: QImage, box: Box | None) -> None:
        """Lay a heatmap (null: none) over ``box``, the part that the network saw as fractions of the photo."""
        self._heat, self._box = heat, box
        self.update()

    def clear_evidence(self) -> None:
        """Take heatmap and frame away."""
        self.show_evidence(QImage(), None)

    def set_opacity(self, opacity: float) -> None:
        """Of the heatmap's hottest place, 0 to 1."""
        self._opacity = opacity
        self.update()

    def set_heat_shown(self, shown: bool) -> None:
        """Switch the heatmap on or off."""
        self._heat_shown = shown
        self.update()

    def fit(self) -> None:
        """The whole photo, as large as it fits."""
        self._centre = QPointF(0.5, 0.5)
        self._set_zoom(1.0)

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom; the place of the photo under ``around`` stays where it is."""
        if not self.has_photo:
            return
        anchor = around if around is not None else QRectF(self.rect()).center()
        before = self._target()
        fraction = _fraction(anchor, before)
        self._zoom = min(max(self._zoom * factor, 1.0), MAX_ZOOM)
        size = self._target().size()
        middle = QRectF(self.rect()).center()
        self._centre = QPointF(
            fraction.x() - (anchor.x() - middle.x()) / size.width(),
            fraction.y() - (anchor.y() - middle.y()) / size.height(),
        )
        self._set_zoom(self._zoom)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Photo, heatmap and frame, or why there is none."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(colours.canvas))
        if self._failure is not None:
            self._paint_failure(painter, self._failure, colours)
        elif self.has_photo:
            target = self._target()
            self._paint_photo(painter, target)
            if self._box is not None:
                seen = _placed(self._box, target).intersected(target)
                self._paint_heat(painter, target, seen)
                self._paint_frame(painter, target, seen, colours)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Control held; else move a photo that is larger than the view."""
        steps = event.angleDelta().y() / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
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

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Fit."""
        self.fit()

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

    def _set_zoom(self, zoom: float) -> None:
        self._zoom = zoom
        self._scaled = QPixmap()
        if self.has_photo:
            self._keep_in_view()
        self.update()
        self.zoom_changed.emit(zoom)

    def _move(self, by: QPointF) -> None:
        if self.has_photo:
            size = self._target().size()
            self._centre -= QPointF(by.x() / size.width(), by.y() / size.height())
            self._keep_in_view()
            self.update()

    def _keep_in_view(self) -> None:
        size = self._target().size()
        half_x, half_y = self.width() / size.width() / 2, self.height() / size.height() / 2
        self._centre = QPointF(_clamped(self._centre.x(), half_x), _clamped(self._centre.y(), half_y))

    def _target(self) -> QRectF:
        """Where the whole photo lies, in the view's coordinates."""
        room = QRectF(self.rect()).adjusted(theme.L, theme.L, -theme.L, -theme.L)
        width, height = float(self._photo.width()), float(self._photo.height())
        scale = min(room.width() / width, room.height() / height, LARGEST_ENLARGEMENT)
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

    def _paint_heat(self, painter: QPainter, target: QRectF, seen: QRectF) -> None:
        if not self._heat_shown or self._heat.isNull() or self._box is None:
            return
        painter.save()
        painter.setClipRect(seen)
        painter.setOpacity(self._opacity)
        painter.drawImage(_placed(self._box, target), self._heat)
        painter.restore()

    def _paint_frame(self, painter: QPainter, target: QRectF, seen: QRectF, colours: theme.Theme) -> None:
        """Dim what the network did not see, and frame what it saw."""
        outside = QPainterPath()
        outside.addRect(target)
        outside.addRect(seen)
        veil = QColor(colours.canvas)
        veil.setAlpha(120)
        painter.fillPath(outside, veil)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 110), 3))
        painter.drawRect(seen)
        painter.setPen(QPen(QColor(255, 255, 255, 235), 1.2))
        painter.drawRect(seen)

    def _paint_failure(self, painter: QPainter, failure: Failure, colours: theme.Theme) -> None:
        width = min(440.0, self.width() - 2.0 * theme.XL)
        words = QRectF((self.width() - width) / 2, self.height() / 2, width, self.height() / 2 - theme.L)
        mark = icons.pixmap("warning", 40, colours.error)
        painter.drawPixmap(QPointF(self.width() / 2 - 20, words.top() - 40 - theme.M), mark)
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
        painter.setPen(QColor(colours.text))
        painter.setFont(theme.font(1.1, strong=True))
        used = painter.boundingRect(words, flags, failure.message)
        painter.drawText(words, flags, failure.message)
        painter.setPen(QColor(colours.secondary))
        painter.setFont(theme.font())
        painter.drawText(words.adjusted(0, used.height() + theme.S, 0, 0), flags, failure.hint)


def _placed(box: Box, target: QRectF) -> QRectF:
    return QRectF(
        target.left() + box.left * target.width(),
        target.top() + box.top * target.height(),
        box.width * target.width(),
        box.height * target.height(),
    )


def _fraction(point: QPointF, target: QRectF) -> QPointF:
    return QPointF((point.x() - target.left()) / target.width(), (point.y() - target.top()) / target.height())


def _clamped(centre: float, half: float) -> float:
    """So that no empty margin shows on one side of a photo that is larger than the view."""
    return 0.5 if half >= 0.5 else min(max(centre, half), 1.0 - half)
