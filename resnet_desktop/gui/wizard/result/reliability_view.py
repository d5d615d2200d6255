"""How sure the model says it is against how often it is right: on the diagonal, a percentage means what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme, wording

if TYPE_CHECKING:
    from resnet_desktop.jobs.results import ReliabilityBin


class ReliabilityView(QWidget):
    """Two lines, before and after the temperature; below, how many photos each answer of that confidence had."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before: tuple[ReliabilityBin, ...] = ()
        self._after: tuple[ReliabilityBin, ...] = ()
        self.setMinimumSize(220, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Reliability diagram"))

    def sizeHint(self) -> QSize:
        """Square."""
        return QSize(360, 340)

    def show_bins(self, before: Sequence[ReliabilityBin], after: Sequence[ReliabilityBin]) -> None:
        """Draw; bins without photos are passed over."""
        self._before = tuple(b for b in before if b.count)
        self._after = tuple(b for b in after if b.count)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Axes, diagonal, lines, counts."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(0.85))
        area = self._area()
        self._paint_axes(painter, area, colours)
        most = max((b.count for b in self._after), default=1)
        for found in self._after:
            height = 0.22 * area.height() * found.count / most
            bar = QRectF(
                self._x(found.low), area.bottom() - height, self._x(found.high) - self._x(found.low) - 1, height
            )
            painter.fillRect(bar, QColor(colours.track))
        self._paint_line(painter, self._before, QColor(colours.secondary), Qt.PenStyle.DashLine)
        self._paint_line(painter, self._after, QColor(colours.accent), Qt.PenStyle.SolidLine)
        self._paint_legend(painter, area, colours)
        painter.end()

    def _area(self) -> QRectF:
        side = min(self.width() - 72, self.height() - 52)
        return QRectF(48, 8, max(40, side), max(40, side))

    def _x(self, fraction: float) -> float:
        return self._area().left() + self._area().width() * fraction

    def _y(self, fraction: float) -> float:
        return self._area().bottom() - self._area().height() * fraction

    def _paint_axes(self, painter: QPainter, area: QRectF, colours: theme.Theme) -> None:
        painter.setPen(QPen(QColor(colours.border), 1))
        painter.drawRect(area)
        painter.drawLine(area.bottomLeft(), area.topRight())
        painter.setPen(QColor(colours.secondary))
        for fraction in (0.0, 0.5, 1.0):
            text = wording.percent(fraction)
            below = QRectF(self._x(fraction) - 30, area.bottom() + 3, 60, 16)
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, text)
            beside = QRectF(0, self._y(fraction) - 8, area.left() - 5, 16)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        title = QRectF(area.left(), area.bottom() + 18, area.width(), 18)
        painter.drawText(title, Qt.AlignmentFlag.AlignHCenter, self.tr("confidence"))
        painter.save()
        painter.translate(10, area.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-80, -8, 160, 16), Qt.AlignmentFlag.AlignCenter, self.tr("accuracy"))
        painter.restore()

    def _paint_line(
        self, painter: QPainter, bins: tuple[ReliabilityBin, ...], colour: QColor, style: Qt.PenStyle
    ) -> None:
        known = [(b.confidence, b.accuracy) for b in bins if b.confidence is not None and b.accuracy is not None]
        points = [QPointF(self._x(confidence), self._y(accuracy)) for confidence, accuracy in known]
        painter.setPen(QPen(colour, 2, style))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        for point in points:
            painter.drawEllipse(point, 3, 3)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_legend(self, painter: QPainter, area: QRectF, colours: theme.Theme) -> None:
        for row, (text, colour) in enumerate(
            ((self.tr("as shown in the app"), colours.accent), (self.tr("before calibration"), colours.secondary))
        ):
            painter.setPen(QColor(colour))
            painter.drawText(QPointF(area.left() + theme.S, area.top() + 16 + 16 * row), text)
