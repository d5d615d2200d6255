"""The residual blocks as a plot: where its parts lie, and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from PySide6.QtCore import QCoreApplication, QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from resnet_desktop.gui.inspect.blocks.block_measures import Plot, Series
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.canvas.charts import ChartColours

_WIDEST_BAR = 26.0
_BELOW_PART = 0.3
"""The height of the lower plot, as a part of the room for both."""


@dataclass(frozen=True)
class BlockLayout:
    """Where the parts of a plot of so many ``blocks`` lie on a widget of this ``size``, in pixels."""

    size: QSize
    plot: Plot
    blocks: int

    @cached_property
    def line(self) -> float:
        """The height of a line of text."""
        return QFontMetricsF(theme.font(charts.SMALL)).height()

    @cached_property
    def area(self) -> QRectF:
        """Where columns stand, over both plots."""
        metrics = QFontMetricsF(theme.font(charts.SMALL))
        plots = [plot for plot in (self.plot, self.plot.below) if plot is not None]
        texts = [text for plot in plots for _, text in plot.scale.ticks(self.size.height())]
        left = max((metrics.horizontalAdvance(text) for text in texts), default=0.0) + theme.S
        top = metrics.height() + theme.M
        bottom = 2 * metrics.height() + theme.M
        return QRectF(left, top, self.size.width() - left - theme.XS, self.size.height() - top - bottom)

    @property
    def main(self) -> QRectF:
        """The upper plot."""
        taken = 0.0 if self.plot.below is None else self.area.height() * _BELOW_PART + self.line + theme.M
        return self.area.adjusted(0, 0, 0, -taken)

    @property
    def lower(self) -> QRectF:
        """The lower plot, where there is one."""
        height = self.area.height() * _BELOW_PART
        return QRectF(self.area.left(), self.area.bottom() - height, self.area.width(), height)

    @property
    def step(self) -> float:
        """The width of a block's column."""
        return self.area.width() / max(1, self.blocks)

    def block_at(self, x: float) -> int | None:
        """The block at a place across the widget."""
        if not self.area.left() <= x <= self.area.right():
            return None
        return min(int((x - self.area.left()) / self.step), self.blocks - 1)

    def centre(self, index: int) -> QPointF:
        """The middle of a block's column."""
        return QPointF(self.area.left() + (index + 0.5) * self.step, self.area.center().y())


@dataclass(frozen=True, slots=True)
class Marked:
    """Blocks that are set off: the chosen one, the one under the pointer, and the one that the keys have reached."""

    chosen: int | None = None
    pointed: int | None = None
    cursor: int | None = None


def paint_blocks(painter: QPainter, layout: BlockLayout, plot: Plot, stages: Sequence[int], marked: Marked) -> None:
    """Marks, axes, legend and stages; ``stages``: that of every block."""
    paint = _Painter(painter, layout, plot, stages, marked, charts.colours())
    paint.columns()
    paint.legend()
    paint.plot_in(layout.main, plot)
    if plot.below is not None:
        painter.setPen(paint.found.quiet)
        head = QRectF(0, layout.lower.top() - layout.line - 2, layout.size.width(), layout.line)
        painter.drawText(head.adjusted(layout.main.left(), 0, 0, 0), int(Qt.AlignmentFlag.AlignLeft), plot.below.title)
        paint.plot_in(layout.lower, plot.below)
    paint.stage_names()


@dataclass(frozen=True, slots=True)
class _Painter:
    painter: QPainter
    layout: BlockLayout
    plot: Plot
    stages: Sequence[int]
    marked: Marked
    found: ChartColours

    def columns(self) -> None:
        area = self.layout.area
        step = self.layout.step
        self.painter.setPen(Qt.PenStyle.NoPen)
        for index, colour in ((self.marked.pointed, self.found.hover), (self.marked.chosen, self.found.chosen)):
            if index is not None:
                self.painter.setBrush(colour)
                column = QRectF(area.left() + index * step, area.top() - 4, step, area.height() + self.layout.line + 10)
                self.painter.drawRoundedRect(column, 4, 4)
        if self.marked.cursor is not None:
            self.painter.setPen(QPen(self.found.first, 1.2))
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            left = area.left() + self.marked.cursor * step
            self.painter.drawRoundedRect(
                QRectF(left, area.top() - 4, step, area.height() + self.layout.line + 10), 4, 4
            )

    def legend(self) -> None:
        """What the marks are, in one line above; as much as there is room for."""
        middle = self.layout.line / 2
        x = 0.0
        for series in self.plot.series:
            colour = self.found.role(series.role)
            sample = QRectF(x, middle - 4, 22 if series.line else 10, 8)
            if not series.line:
                charts.paint_bar(self.painter, sample, colour)
            else:
                ends = [QPointF(sample.left(), middle), QPointF(sample.right(), middle)]
                charts.paint_line(self.painter, ends, colour, dashed=series.dashed, marks=False)
                self.painter.setPen(Qt.PenStyle.NoPen)
                self.painter.setBrush(colour)
                charts.paint_mark(self.painter, QPointF(sample.center().x(), middle), square=series.dashed)
            x = self._legend_words(series.name, sample.right())
        if self.plot.reference is not None:
            charts.paint_reference(self.painter, QRectF(x, 0, 22, 0), middle, self.found.quiet)
            x = self._legend_words(self.plot.reference_name, x + 22)
        if self.plot.marked:
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(self.found.second)
            charts.paint_diamond(self.painter, QPointF(x + 5, middle))
            x = self._legend_words(self.plot.marked_name, x + 10)
        fits = self.painter.fontMetrics().horizontalAdvance(self.plot.title) <= self.layout.size.width() - x
        if self.plot.series[0].name != self.plot.title and fits:
            self.painter.setPen(self.found.quiet)
            row = QRectF(x, 0, self.layout.size.width() - x, self.layout.line)
            self.painter.drawText(row, int(Qt.AlignmentFlag.AlignRight), self.plot.title)

    def _legend_words(self, text: str, x: float) -> float:
        self.painter.setPen(self.found.words)
        x += 6
        self.painter.drawText(QPointF(x, self.painter.fontMetrics().ascent()), text)
        return x + self.painter.fontMetrics().horizontalAdvance(text) + theme.L

    def plot_in(self, area: QRectF, plot: Plot) -> None:
        charts.paint_grid(self.painter, area, plot.scale, self.found)
        bars = [series for series in plot.series if not series.line]
        for place, series in enumerate(bars):
            self._bars(area, plot, series, (place, len(bars)))
        for series in reversed(plot.series):  # the first one on top
            if series.line:
                points = [self._point(area, plot, i, v) for i, v in enumerate(series.values)]
                charts.paint_line(self.painter, points, self.found.role(series.role), dashed=series.dashed)
        if plot.reference is not None and plot.reference <= plot.scale.high:
            y = area.bottom() - plot.scale.place(plot.reference) * area.height()
            charts.paint_reference(self.painter, area, y, self.found.quiet)

    def _bars(self, area: QRectF, plot: Plot, series: Series, place: tuple[int, int]) -> None:
        """One series of bars, the ``place[0]``-th of ``place[1]`` in each column."""
        step = self.layout.step
        width = min(_WIDEST_BAR, step * 0.72 / place[1])
        zero = area.bottom() - plot.scale.place(0.0) * area.height()
        for index, value in enumerate(series.values):
            left = area.left() + (index + 0.5) * step + (place[0] - place[1] / 2) * width
            if value is None:
                self.painter.setPen(self.found.quiet)
                self.painter.drawText(QPointF(left + width / 2 - 3, zero - 4), "–")
                continue
            y = area.bottom() - plot.scale.place(value) * area.height()
            gap = 1.0 if width > 5 else 0.0
            charts.paint_bar(
                self.painter, QRectF(left, min(y, zero), width - gap, abs(zero - y)), self.found.role(series.role)
            )
            if index in plot.marked:
                self.painter.setPen(Qt.PenStyle.NoPen)
                self.painter.setBrush(self.found.second)
                charts.paint_diamond(self.painter, QPointF(left + width / 2, max(y - 8, area.top() - 2)))

    def _point(self, area: QRectF, plot: Plot, index: int, value: float | None) -> QPointF | None:
        if value is None:
            return None
        x = area.left() + (index + 0.5) * self.layout.step
        return QPointF(x, area.bottom() - plot.scale.place(value) * area.height())

    def stage_names(self) -> None:
        """Each block's number within its stage, and below them the stages."""
        area = self.layout.area
        step, line = self.layout.step, self.layout.line
        first = 0
        centre = int(Qt.AlignmentFlag.AlignCenter)
        numbered = step >= self.painter.fontMetrics().horizontalAdvance("00") + 4
        for stage, members in groupby(self.stages):
            count = len(tuple(members))
            left = area.left() + first * step
            self.painter.setPen(self.found.quiet)
            for place in range(count):
                if numbered or (place + 1) % 5 == 0 or (place == 0 and step * 5 > 30):
                    middle = left + (place + 0.5) * step
                    self.painter.drawText(QRectF(middle - 20, area.bottom() + 4, 40, line), centre, str(place + 1))
            y = area.bottom() + line + 8.5
            self.painter.setPen(QPen(self.found.quiet, 1))
            self.painter.drawLine(QLineF(left + 3, y, left + count * step - 3, y))
            room = QRectF(left, y + 2, count * step, line)
            text = QCoreApplication.translate("block_plot", "Stage {number}").format(number=stage)
            short = self.painter.fontMetrics().horizontalAdvance(text) > room.width()
            self.painter.setPen(QColor(self.found.words))
            self.painter.drawText(
                room.adjusted(-20, 0, 20, 0) if short else room, centre, str(stage) if short else text
            )
            first += count
            if first < len(self.stages):
                self.painter.setPen(QPen(self.found.grid, 1))
                self.painter.drawLine(QLineF(left + count * step, area.top(), left + count * step, area.bottom()))
