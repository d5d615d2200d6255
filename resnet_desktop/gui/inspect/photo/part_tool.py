"""Parts of the photo: the rectangle that is being drawn, and those that were."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QApplication

from resnet_desktop.gui.inspect.photo.chip import paint_chip
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas.viewport import fraction_of, part_of
from resnet_desktop.gui.widgets.canvas.zoom_view import ZoomView

LEAST = 16
"""Pixels of the photo that a part has at the least in each direction: of fewer a network sees a blur."""


class PartTool(QObject):
    """Listens to a view: a drag with Shift held, or the next one after ``set_selecting``, draws a rectangle.

    Escape gives it up. Corners are kept as fractions of the photo, so that zooming in between does no harm.

    Signals:
        drawn: QRectF, fractions of the photo.
        refused: what was drawn is too small.
        clicked: the place of a part among those that are shown.
        selecting_changed: whether the next drag draws a rectangle.
    """

    drawn = Signal(QRectF)
    refused = Signal()
    clicked = Signal(int)
    selecting_changed = Signal(bool)

    def __init__(self, view: ZoomView) -> None:
        super().__init__(view)
        self._view = view
        self._parts: tuple[QRectF, ...] = ()
        self._current: int | None = None
        self._corners: tuple[QPointF, QPointF] | None = None
        self._pressed: QPointF | None = None
        self._selecting = self._crossed = False
        view.installEventFilter(self)

    @property
    def selecting(self) -> bool:
        """Whether the next drag draws a rectangle."""
        return self._selecting

    @property
    def parts(self) -> tuple[QRectF, ...]:
        """What is shown, as fractions of the photo."""
        return self._parts

    @property
    def current(self) -> int | None:
        """The place of the part that is looked at; None where it is the whole photo."""
        return self._current

    def set_selecting(self, on: bool) -> None:
        """The next drag draws a rectangle, or it moves the photo as ever."""
        on = on and self._view.has_photo
        self._corners = None
        if on:
            self._view.setFocus()
        self._selecting = on
        self._set_cursor(cross=on)
        self._view.update()
        self.selecting_changed.emit(on)

    def show_parts(self, parts: Sequence[QRectF], current: int | None) -> None:
        """Frame these, fractions of the photo; ``current``: the place of the one that is looked at."""
        self._parts, self._current = tuple(parts), current
        self._view.update()

    def paint(self, painter: QPainter, target: QRectF) -> None:
        """Draw the frames over a photo that fills ``target``, and what there is to say."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        accent = QColor(theme.DARK.accent)  # seen on any photo, above a dark line
        for place, part in enumerate(self._parts):
            current = place == self._current
            _frame(painter, part_of(target, part), accent if current else QColor(255, 255, 255), dashed=not current)
        if self._corners is not None:
            rect = part_of(target, _between(*self._corners))
            ground = QColor(accent)
            ground.setAlpha(50)
            painter.fillRect(rect, ground)
            _frame(painter, rect, accent, dashed=False)
        if self._selecting:
            paint_chip(painter, QRectF(self._view.rect()), self.tr("Drag a rectangle. Esc cancels."))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what belongs to a rectangle; all else is the view's."""
        kind = event.type()
        if isinstance(event, QMouseEvent):
            if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
                return self._on_press(event)
            if kind == QEvent.Type.MouseMove:
                return self._on_move(event)
            if kind == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.LeftButton:
                return self._on_release(event)
        elif isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            return self._on_escape(event)
        return super().eventFilter(watched, event)

    def _on_press(self, event: QMouseEvent) -> bool:
        self._pressed = event.position()
        if not self._view.has_photo or not self._draws(event):
            return False
        corner = self._fraction(event.position())
        self._corners = (corner, corner)
        return True

    def _on_move(self, event: QMouseEvent) -> bool:
        if self._corners is not None:
            self._corners = (self._corners[0], self._fraction(event.position()))
            self._view.update()
            return True
        if not event.buttons():
            self._set_cursor(cross=self._view.has_photo and self._draws(event))
        return self._selecting

    def _on_release(self, event: QMouseEvent) -> bool:
        pressed, self._pressed = self._pressed, None
        still = pressed is not None and _near(pressed, event.position())
        if self._corners is None:
            if still:
                self._click(self._fraction(event.position()))
            return False
        rect, self._corners = _between(*self._corners), None
        self._view.update()
        if still:
            return True
        size = self._view.photo_size
        if rect.width() * size.width() < LEAST or rect.height() * size.height() < LEAST:
            self.refused.emit()
            return True
        self.set_selecting(False)
        self.drawn.emit(rect)
        return True

    def _on_escape(self, event: QKeyEvent) -> bool:
        if not self._selecting and self._corners is None:
            return False
        event.accept()  # before it is the command that cancels work
        if event.type() == QEvent.Type.KeyPress:
            self.set_selecting(False)
        return True

    def _click(self, place: QPointF) -> None:
        """Of the parts under the pointer, the smallest."""
        if not self._view.has_photo:
            return
        hit = [(part.width() * part.height(), row) for row, part in enumerate(self._parts) if part.contains(place)]
        if hit:
            self.clicked.emit(min(hit)[1])

    def _draws(self, event: QMouseEvent) -> bool:
        return self._selecting or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)

    def _fraction(self, point: QPointF) -> QPointF:
        """Where a point lies on the photo; outside it, the nearest place of its edge."""
        place = fraction_of(point, self._view.photo_place)
        return QPointF(min(max(place.x(), 0.0), 1.0), min(max(place.y(), 0.0), 1.0))

    def _set_cursor(self, *, cross: bool) -> None:
        if cross:
            self._view.setCursor(Qt.CursorShape.CrossCursor)
        elif self._crossed:
            self._view.unsetCursor()
        self._crossed = cross


def _between(one: QPointF, other: QPointF) -> QRectF:
    return QRectF(one, other).normalized()


def _near(one: QPointF, other: QPointF) -> bool:
    return (one - other).manhattanLength() < QApplication.startDragDistance()


def _frame(painter: QPainter, rect: QRectF, colour: QColor, *, dashed: bool) -> None:
    painter.setPen(QPen(QColor(0, 0, 0, 150), 4))
    painter.drawRect(rect)
    painter.setPen(QPen(colour, 1.6 if dashed else 2.4, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
    painter.drawRect(rect)
