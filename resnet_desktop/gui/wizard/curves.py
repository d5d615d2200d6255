"""Curves of a run, epoch by epoch: few lines, named where they end, read off under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui import theme, wording

TICKS = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: its name, and a value for each epoch from the first on (None: not known)."""

    name: str
    values: tuple[float | None, ...]
    strong: bool = False


class CurveChart(QWidget):
    """Values by epoch.

    Args:
        title: what is drawn, with its unit.
        percent: whether the values are fractions to be read as percent, from 0 to 1.
    """

    def __init__(self, title: str, *, percent: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._percent = title, percent
        self._curves: tuple[Curve, ...] = ()
        self._epochs = 1
        self._hovered: int | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(220, 150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        """Wider than high."""
        return QSize(360, 200)

    def show_curves(self, curves: Sequence[Curve], epochs: int) -> None:
        """Draw; ``epochs`` is how many there will be."""
        self._curves, self._epochs = tuple(curves), max(1, epochs)
        last = [f"{c.name} {self._text(c.values[-1])}" for c in self._curves if c.values and c.values[-1] is not None]
        self.setAccessibleDescription(", ".join(last))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The epoch under the pointer."""
        area = self._area()
        steps = max(1, self._epochs - 1)
        place = round((event.position().x() - area.left()) / max(1.0, area.width()) * steps)
        self._hovered = min(max(place, 0), self._epochs - 1)
        self.update()

    def leaveEvent(self, event: object) -> None:  # noqa: ARG002 - Qt gives it
        """No epoch any more."""
        self._hovered = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Title, grid, lines."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(0.95, strong=True))
        painter.setPen(QColor(colours.text))
        painter.drawText(QRectF(0, 0, self.width(), 20), Qt.AlignmentFlag.AlignLeft, self._title)
        painter.setFont(theme.font(0.85))
        top = self._top()
        self._paint_grid(painter, top, colours)
        for index, curve in enumerate(self._curves):
            self._paint_curve(painter, curve, top, QColor(colours.accent if index == 0 else colours.secondary))
        self._paint_names(painter, colours)
        painter.end()

    def _area(self) -> QRectF:
        return QRectF(44, 46, max(20, self.width() - 56), max(20, self.height() - 70))

    def _top(self) -> float:
        if self._percent:
            return 1.0
        values = [v for c in self._curves for v in c.values if v is not None]
        return max(values, default=1.0) * 1.08 or 1.0

    def _text(self, value: float | None) -> str:
        if value is None:
            return "–"
        return wording.percent(value, 1) if self._percent else f"{value:.3f}"

    def _point(self, epoch: int, value: float, top: float) -> QPointF:
        area = self._area()
        x = area.left() + (area.width() * epoch / (self._epochs - 1) if self._epochs > 1 else area.width() / 2)
        return QPointF(x, area.bottom() - area.height() * min(value / top, 1.0))

    def _paint_grid(self, painter: QPainter, top: float, colours: theme.Theme) -> None:
        area = self._area()
        for tick in range(TICKS + 1):
            y = area.bottom() - area.height() * tick / TICKS
            painter.setPen(QPen(QColor(colours.border), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(colours.secondary))
            value = top * tick / TICKS
            text = wording.percent(value) if self._percent else f"{value:.2f}"
            label = QRectF(0, y - 9, area.left() - 6, 18)
            painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        for epoch in sorted({0, self._epochs - 1}):
            x = self._point(epoch, 0, top).x()
            label = QRectF(x - 30, area.bottom() + 4, 60, 18)
            painter.drawText(label, Qt.AlignmentFlag.AlignHCenter, str(epoch + 1))

    def _paint_curve(self, painter: QPainter, curve: Curve, top: float, colour: QColor) -> None:
        found = [self._point(i, v, top) for i, v in enumerate(curve.values) if v is not None]
        painter.setPen(QPen(colour, 2.2 if curve.strong else 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(found))
        painter.setBrush(colour)
        if found:
            painter.drawEllipse(found[-1], 3, 3)
        if self._hovered is not None and self._hovered < len(curve.values):
            value = curve.values[self._hovered]
            if value is not None:
                painter.drawEllipse(self._point(self._hovered, value, top), 4, 4)

    def _paint_names(self, painter: QPainter, colours: theme.Theme) -> None:
        x = 0.0
        for index, curve in enumerate(self._curves):
            place = self._hovered if self._hovered is not None else len(curve.values) - 1
            value = curve.values[place] if 0 <= place < len(curve.values) else None
            text = f"{curve.name} {self._text(value)}"
            painter.setPen(QColor(colours.accent if index == 0 else colours.secondary))
            painter.drawText(QPointF(x, 36), text)
            x += painter.fontMetrics().horizontalAdvance(text) + theme.L
        if self._hovered is not None:
            painter.setPen(QColor(colours.secondary))
            text = self.tr("epoch {number}").format(number=self._hovered + 1)
            area = QRectF(0, 22, self.width() - 12, 20)
            painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
