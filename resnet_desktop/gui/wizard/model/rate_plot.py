"""The loss against the learning rate, as a range test finds it; a rate is chosen by pointing at it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.canvas.charts import ChartColours, Scale
from resnet_desktop.jobs.rate_curve import smoothed

LOWEST, HIGHEST = 1e-5, 1.0
KEY_STEP = 10**0.05
_BOTTOM, _TOP = 44.0, 24.0
_ABOVE = 1.4
"""The chart ends at so many times the first loss: what has run away is of no interest."""


class RatePlot(QWidget):
    """Points of a range test, the line through them, the suggested rate and the chosen one.

    A click, dragging, or Left and Right choose a rate. Signal: ``rate_chosen`` (float).
    """

    rate_chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rates: list[float] = []
        self._losses: list[float] = []
        self._line: list[float] = []
        self._suggested: float | None = None
        self._chosen: float | None = None
        self._across = Scale(LOWEST, HIGHEST, log=True)
        self._up = Scale.upward((1.0,))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Loss against learning rate"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """Wider than high."""
        return QSize(620, 320)

    @property
    def chosen(self) -> float | None:
        """The rate that is chosen; None as long as there is none."""
        return self._chosen

    def clear(self) -> None:
        """Draw nothing but the axes."""
        self._rates, self._losses, self._line = [], [], []
        self._suggested = self._chosen = None
        self.update()

    def add_point(self, rate: float, loss: float) -> None:
        """One more step of a test; rates rise."""
        self._rates.append(rate)
        self._losses.append(loss)
        self._line = smoothed(self._rates, self._losses)
        if not self._across.low <= rate <= self._across.high:
            self._across = Scale.powers((*self._rates, LOWEST, HIGHEST))
        self._up = Scale.upward(min(value, _ABOVE * self._losses[0]) for value in self._losses)
        self.update()

    def show_suggestion(self, rate: float | None) -> None:
        """Mark the suggested rate, which is then the chosen one; None where there is none."""
        self._suggested = rate
        if rate is not None:
            self._choose(rate)
        self.update()

    def choose(self, rate: float) -> None:
        """Choose a rate, as the user would."""
        self._choose(min(max(rate, self._across.low), self._across.high))

    def rate_at(self, x: float) -> float:
        """The rate below a place on the widget, to two digits."""
        area = self._area()
        part = min(1.0, max(0.0, (x - area.left()) / max(1.0, area.width())))
        return float(f"{self._across.low * (self._across.high / self._across.low) ** part:.2g}")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the rate below the pointer."""
        if event.button() == Qt.MouseButton.LeftButton and self._rates:
            self.choose(self.rate_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it along."""
        if event.buttons() & Qt.MouseButton.LeftButton and self._rates:
            self.choose(self.rate_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A little less or more."""
        step = {Qt.Key.Key_Left: 1 / KEY_STEP, Qt.Key.Key_Right: KEY_STEP}.get(Qt.Key(event.key()))
        if step is None or not self._rates:
            super().keyPressEvent(event)
            return
        self.choose(float(f"{(self._chosen or self._suggested or 1e-3) * step:.3g}"))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Axes, points, line, marks."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(charts.SMALL))
        found, area = charts.colours(), self._area()
        charts.paint_grid(painter, area, self._up, found)
        self._paint_across(painter, area, found)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(found.pale)
        for rate, loss in zip(self._rates, self._losses, strict=True):
            if loss <= self._up.high:
                charts.paint_mark(painter, self._point(area, rate, loss), radius=2.2)
        charts.paint_line(painter, self._points(area), found.first, marks=False)
        self._paint_chosen(painter, area, found)
        if self.hasFocus():
            painter.setPen(QPen(found.first, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()

    def _choose(self, rate: float) -> None:
        self._chosen = rate
        self.setAccessibleDescription(self.tr("Chosen: {rate}").format(rate=charts.number(rate, 2)))
        self.rate_chosen.emit(rate)
        self.update()

    def _area(self) -> QRectF:
        left = 52.0
        return QRectF(left, _TOP, max(20.0, self.width() - left - theme.M), max(20.0, self.height() - _TOP - _BOTTOM))

    def _point(self, area: QRectF, rate: float, loss: float) -> QPointF:
        x = area.left() + self._across.place(rate) * area.width()
        return QPointF(x, area.bottom() - self._up.place(loss) * area.height())

    def _points(self, area: QRectF) -> list[QPointF | None]:
        """The smoothed line as far as the chart reaches."""
        pairs: Sequence[tuple[float, float]] = list(zip(self._rates, self._line, strict=True))
        return [self._point(area, rate, loss) if loss <= self._up.high else None for rate, loss in pairs]

    def _paint_across(self, painter: QPainter, area: QRectF, found: ChartColours) -> None:
        """Powers of ten below, with a short line each, and what the axes are."""
        height = painter.fontMetrics().height()
        centre = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
        for value, text in self._across.ticks(area.width()):
            x = math.floor(area.left() + self._across.place(value) * area.width()) + 0.5
            painter.setPen(QPen(found.grid, 1))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom() + 4))
            painter.setPen(found.quiet)
            painter.drawText(QRectF(x - 30, area.bottom() + 5, 60, height), centre, text)
        row = QRectF(area.left(), area.bottom() + 6 + height, area.width(), height)
        painter.drawText(row, centre, self.tr("learning rate"))
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(theme.XS, 0, area.width(), _TOP - 4), left, self.tr("loss"))

    def _paint_chosen(self, painter: QPainter, area: QRectF, found: ChartColours) -> None:
        if self._suggested is not None and self._suggested != self._chosen:
            self._paint_upright(painter, area, self._suggested, found, chosen=False)
        if self._chosen is not None:
            self._paint_upright(painter, area, self._chosen, found, chosen=True)

    def _paint_upright(
        self, painter: QPainter, area: QRectF, rate: float, found: ChartColours, *, chosen: bool
    ) -> None:
        """A line at a rate with its value above, and for the chosen one a disc where it meets the curve."""
        colour = found.second if chosen else found.quiet
        x = area.left() + self._across.place(rate) * area.width()
        pen = QPen(colour, 2 if chosen else 1.2)
        if not chosen:
            pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        text = charts.number(rate, 2)
        if rate == self._suggested:
            text = self.tr("suggested {rate}").format(rate=text)
        if not chosen:
            return
        painter.setFont(theme.font(charts.SMALL, strong=True))
        width = painter.fontMetrics().horizontalAdvance(text) + 2.0
        left = min(max(0.0, x - width / 2), self.width() - width)
        painter.drawText(QRectF(left, 0, width, _TOP - 4), int(Qt.AlignmentFlag.AlignCenter), text)
        painter.setFont(theme.font(charts.SMALL))
        nearest = min(range(len(self._rates)), key=lambda i: abs(math.log(self._rates[i] / rate)), default=None)
        if nearest is not None:
            painter.setBrush(found.ground)
            charts.paint_mark(painter, QPointF(x, self._point(area, rate, self._line[nearest]).y()), radius=5)
