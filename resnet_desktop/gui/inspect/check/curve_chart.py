"""A small chart of one removal test: the map's own line, that of random maps, and what lies between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.canvas.charts import ChartColours, Scale


@dataclass(frozen=True, slots=True)
class RemovalCurve:
    """What is drawn.

    Attributes:
        title: what is done.
        across: what the horizontal axis counts.
        fractions: from 0 to 1.
        values: the probability at each, with the map.
        random: the same with random maps.
        area: under ``values``.
        random_area: under ``random``.
        low_is_good: whether the map is better where its line is lower.
    """

    title: str
    across: str
    fractions: tuple[float, ...]
    values: tuple[float, ...]
    random: tuple[float, ...]
    area: float
    random_area: float
    low_is_good: bool


class CurveChart(QWidget):
    """One removal test. Pointing at a place, or Left and Right, read the lines off there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve: RemovalCurve | None = None
        self._scale = Scale(0.0, 1.0, percent=True)
        self._read: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Wider than high."""
        return QSize(250, 190)

    def minimumSizeHint(self) -> QSize:
        """Still to be read."""
        return QSize(190, 190)

    @property
    def reading(self) -> tuple[str, ...]:
        """The lines at the place that is read off."""
        curve = self._curve
        if curve is None or self._read is None:
            return ()
        return (
            f"{wording.percent(curve.fractions[self._read])} {curve.across}",
            self.tr("this map {value}").format(value=wording.percent(curve.values[self._read], 1)),
            self.tr("random {value}").format(value=wording.percent(curve.random[self._read], 1)),
        )

    def show_curve(self, curve: RemovalCurve, scale: Scale) -> None:
        """Draw; charts beside each other should share one ``scale``."""
        self._curve, self._scale, self._read = curve, scale, None
        self.setAccessibleName(curve.title)
        self.setAccessibleDescription(self._area_words(curve))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read off at the pointer."""
        area = self._area()
        if self._curve is not None:
            part = (event.position().x() - area.left()) / max(1.0, area.width())
            self._read_at(round(part * (len(self._curve.fractions) - 1)) if -0.05 <= part <= 1.05 else None)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Nothing is read off."""
        self._read_at(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Nothing is read off."""
        self._read_at(None)
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Read off to the left or right."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step and self._curve is not None:
            self._read_at((self._read if self._read is not None else -1 if step > 0 else 0) + step)
            self.setAccessibleDescription(", ".join(self.reading))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Title, axes, lines, areas."""
        curve = self._curve
        if curve is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        found = charts.colours()
        self._paint_heading(painter, curve, found)
        area = self._area()
        charts.paint_grid(painter, area, self._scale, found)
        self._paint_across(painter, area, curve, found)
        own, random = self._points(area, curve, curve.values), self._points(area, curve, curve.random)
        self._paint_between(painter, own, random, curve, found)
        charts.paint_line(painter, random, found.quiet, marks=False)
        charts.paint_line(painter, own, found.first, marks=False)
        if self._read is not None:
            painter.setPen(QPen(found.grid, 1))
            painter.drawLine(QPointF(own[self._read].x(), area.top()), QPointF(own[self._read].x(), area.bottom()))
            painter.setPen(Qt.PenStyle.NoPen)
            for points, colour in ((random, found.quiet), (own, found.first)):
                painter.setBrush(colour)
                charts.paint_mark(painter, points[self._read])
            at = QPointF(own[self._read].x(), area.top() + theme.XS)
            charts.paint_readout(painter, QRectF(self.rect()), at, self.reading)
        if self.hasFocus():
            painter.setPen(QPen(found.first, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()

    def _line(self) -> float:
        return QFontMetricsF(theme.font(charts.SMALL)).height()

    def _area(self) -> QRectF:
        metrics = QFontMetricsF(theme.font(charts.SMALL))
        texts = [text for _, text in self._scale.ticks(100)]
        left = max(metrics.horizontalAdvance(text) for text in texts) + theme.S + theme.XS
        top = 2 * self._line() + theme.M
        return QRectF(left, top, self.width() - left - theme.M, self.height() - top - 2 * self._line() - theme.S)

    def _points(self, area: QRectF, curve: RemovalCurve, values: Sequence[float]) -> list[QPointF]:
        return [
            QPointF(area.left() + x * area.width(), area.bottom() - self._scale.place(y) * area.height())
            for x, y in zip(curve.fractions, values, strict=True)
        ]

    def _area_words(self, curve: RemovalCurve) -> str:
        return self.tr("area {own}, random {random}").format(
            own=charts.number(curve.area, 2), random=charts.number(curve.random_area, 2)
        )

    def _paint_heading(self, painter: QPainter, curve: RemovalCurve, found: ChartColours) -> None:
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        room = QRectF(theme.XS, 2, self.width() - 2 * theme.XS, self._line())
        for number, text in enumerate((curve.title, self._area_words(curve))):
            painter.setFont(theme.font(charts.SMALL, strong=number == 0))
            painter.setPen(found.quiet if number else found.words)
            words = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room.translated(0, number * self._line()), left, words)

    def _paint_across(self, painter: QPainter, area: QRectF, curve: RemovalCurve, found: ChartColours) -> None:
        painter.setPen(found.quiet)
        for part in (0.0, 0.5, 1.0):
            x = area.left() + part * area.width()
            row = QRectF(x - 30, area.bottom() + 3, 60, self._line())
            if row.right() > self.width():
                row.moveRight(self.width())
                painter.drawText(row, int(Qt.AlignmentFlag.AlignRight), wording.percent(part))
            else:
                painter.drawText(row, int(Qt.AlignmentFlag.AlignHCenter), wording.percent(part))
        row = QRectF(area.left() - 20, area.bottom() + 3 + self._line(), area.width() + 20, self._line())
        painter.drawText(row, int(Qt.AlignmentFlag.AlignHCenter), curve.across)

    def _paint_between(
        self,
        painter: QPainter,
        own: Sequence[QPointF],
        random: Sequence[QPointF],
        curve: RemovalCurve,
        found: ChartColours,
    ) -> None:
        """The gain over random maps in one colour, the loss in the other."""
        painter.setPen(Qt.PenStyle.NoPen)
        for a, b, c, d in zip(own, own[1:], random, random[1:], strict=False):
            lower = a.y() + b.y() > c.y() + d.y()  # on the screen y grows downward
            colour = QColor(found.first if lower == curve.low_is_good else found.second)
            colour.setAlpha(46)
            painter.setBrush(colour)
            painter.drawPolygon(QPolygonF([a, b, d, c]))

    def _read_at(self, index: int | None) -> None:
        last = len(self._curve.fractions) - 1 if self._curve is not None else 0
        self._read = None if index is None else min(max(index, 0), last)
        self.update()
