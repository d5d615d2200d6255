"""A chart over all residual blocks, from the first to the last, grouped by stage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.inspect.blocks.block_measures import Plot, Series
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets import charts
from resnet_desktop.gui.widgets.charts import ChartColours

_WIDEST_BAR = 26.0
_BELOW_PART = 0.3
"""The height of the lower plot, as a part of the room for both."""


class BlockChart(QWidget):
    """Blocks side by side. Pointing at one, or the arrow keys, show its numbers; a click or Enter chooses it.

    Signals: ``block_chosen`` (its place, from 0).
    """

    block_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot: Plot | None = None
        self._stages: tuple[int, ...] = ()
        self._readouts: tuple[tuple[str, ...], ...] = ()
        self._chosen: int | None = None
        self._cursor: int | None = None  # moved by the keys
        self._pointed: int | None = None  # under the pointer
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(300, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Chart of the residual blocks"))

    def sizeHint(self) -> QSize:
        """Wider than high."""
        return QSize(720, 280)

    @property
    def chosen(self) -> int | None:
        """The block that is chosen."""
        return self._chosen

    @property
    def plot(self) -> Plot | None:
        """What is drawn."""
        return self._plot

    def show_plot(self, plot: Plot, stages: Sequence[int], readouts: Sequence[tuple[str, ...]]) -> None:
        """Draw; ``stages`` and ``readouts`` (short lines) are of every block, in order."""
        if len(stages) != len(self._stages):
            self._chosen = self._cursor = self._pointed = None
        self._plot, self._stages, self._readouts = plot, tuple(stages), tuple(readouts)
        self._describe()
        self.update()

    def clear(self) -> None:
        """Draw nothing."""
        self._plot, self._stages, self._readouts = None, (), ()
        self._chosen = self._cursor = self._pointed = None
        self._describe()
        self.update()

    def choose(self, index: int) -> None:
        """Mark a block as chosen, without the signal."""
        self._chosen = self._cursor = index
        self._describe()
        self.update()

    def block_at(self, x: float) -> int | None:
        """The block at a place across the widget."""
        area = self._area()
        if self._plot is None or not area.left() <= x <= area.right():
            return None
        return min(int((x - area.left()) / self._step(area)), len(self._stages) - 1)

    def centre(self, index: int) -> QPointF:
        """The middle of a block's column."""
        area = self._area()
        return QPointF(area.left() + (index + 0.5) * self._step(area), area.center().y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the numbers of the block under the pointer."""
        self._point_at(self.block_at(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: ARG002 - Qt gives it
        """No block is pointed at."""
        self._point_at(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a block."""
        index = self.block_at(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and index is not None:
            self._choose_and_tell(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left, Right, Home and End move; Enter or Space chooses."""
        count = len(self._stages)
        key = event.key()
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -count, Qt.Key.Key_End: count}
        if count and key in moves:
            start = self._cursor if self._cursor is not None else (-1 if moves[Qt.Key(key)] > 0 else count)
            self._cursor = min(max(start + moves[Qt.Key(key)], 0), count - 1)
            self._pointed = None
            self._describe()
            self.update()
        elif self._cursor is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose_and_tell(self._cursor)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The cursor shows."""
        if self._cursor is None and self._stages:
            self._cursor = self._chosen if self._chosen is not None else 0
        self._describe()
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Marks, axes and the numbers of one block."""
        plot = self._plot
        if plot is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(charts.SMALL))
        found = charts.colours()
        main, lower = self._areas()
        self._paint_columns(painter, found)
        self._paint_legend(painter, plot, found)
        self._paint_plot(painter, main, plot, found)
        if plot.below is not None and lower is not None:
            painter.setPen(found.quiet)
            head = QRectF(0, lower.top() - self._line() - 2, self.width(), self._line())
            painter.drawText(head.adjusted(main.left(), 0, 0, 0), int(Qt.AlignmentFlag.AlignLeft), plot.below.title)
            self._paint_plot(painter, lower, plot.below, found)
        self._paint_stages(painter, found)
        shown = self._pointed if self._pointed is not None else (self._cursor if self.hasFocus() else None)
        if shown is not None:
            at = QPointF(self.centre(shown).x() + self._step(main) / 2 - theme.S, main.top() + theme.S)
            charts.paint_readout(painter, QRectF(self.rect()), at, self._readouts[shown])
        painter.end()

    # Places -------------------------------------------------------------------------------------------------------

    def _line(self) -> float:
        return QFontMetricsF(theme.font(charts.SMALL)).height()

    def _area(self) -> QRectF:
        """Where columns stand, over both plots."""
        metrics = QFontMetricsF(theme.font(charts.SMALL))
        plots = [p for p in (self._plot, self._plot.below if self._plot else None) if p is not None]
        texts = [text for plot in plots for _, text in plot.scale.ticks(self.height())]
        left = max((metrics.horizontalAdvance(text) for text in texts), default=0.0) + theme.S
        top = metrics.height() + theme.M
        bottom = 2 * metrics.height() + theme.M
        return QRectF(left, top, self.width() - left - theme.XS, self.height() - top - bottom)

    def _areas(self) -> tuple[QRectF, QRectF | None]:
        area = self._area()
        if self._plot is None or self._plot.below is None:
            return area, None
        height = area.height() * _BELOW_PART
        main = QRectF(area.left(), area.top(), area.width(), area.height() - height - self._line() - theme.M)
        return main, QRectF(area.left(), area.bottom() - height, area.width(), height)

    def _step(self, area: QRectF) -> float:
        return area.width() / max(1, len(self._stages))

    # Painting -----------------------------------------------------------------------------------------------------

    def _paint_columns(self, painter: QPainter, found: ChartColours) -> None:
        area = self._area()
        step = self._step(area)
        painter.setPen(Qt.PenStyle.NoPen)
        for index, colour in ((self._pointed, found.hover), (self._chosen, found.chosen)):
            if index is not None:
                painter.setBrush(colour)
                column = QRectF(area.left() + index * step, area.top() - 4, step, area.height() + self._line() + 10)
                painter.drawRoundedRect(column, 4, 4)
        if self.hasFocus() and self._cursor is not None:
            painter.setPen(QPen(found.first, 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            left = area.left() + self._cursor * step
            painter.drawRoundedRect(QRectF(left, area.top() - 4, step, area.height() + self._line() + 10), 4, 4)

    def _paint_legend(self, painter: QPainter, plot: Plot, found: ChartColours) -> None:
        """What the marks are, in one line above; as much as there is room for."""
        middle = self._line() / 2
        x = 0.0
        for series in plot.series:
            colour = found.role(series.role)
            sample = QRectF(x, middle - 4, 22 if series.line else 10, 8)
            if not series.line:
                charts.paint_bar(painter, sample, colour)
            else:
                ends = [QPointF(sample.left(), middle), QPointF(sample.right(), middle)]
                charts.paint_line(painter, ends, colour, dashed=series.dashed, marks=False)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                charts.paint_mark(painter, QPointF(sample.center().x(), middle), square=series.dashed)
            x = self._legend_words(painter, series.name, sample.right(), found)
        if plot.reference is not None:
            charts.paint_reference(painter, QRectF(x, 0, 22, 0), middle, found.quiet)
            x = self._legend_words(painter, plot.reference_name, x + 22, found)
        if plot.marked:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(found.second)
            charts.paint_diamond(painter, QPointF(x + 5, middle))
            x = self._legend_words(painter, plot.marked_name, x + 10, found)
        fits = painter.fontMetrics().horizontalAdvance(plot.title) <= self.width() - x
        if plot.series[0].name != plot.title and fits:
            painter.setPen(found.quiet)
            row = QRectF(x, 0, self.width() - x, self._line())
            painter.drawText(row, int(Qt.AlignmentFlag.AlignRight), plot.title)

    def _legend_words(self, painter: QPainter, text: str, x: float, found: ChartColours) -> float:
        painter.setPen(found.words)
        x += 6
        painter.drawText(QPointF(x, painter.fontMetrics().ascent()), text)
        return x + painter.fontMetrics().horizontalAdvance(text) + theme.L

    def _paint_plot(self, painter: QPainter, area: QRectF, plot: Plot, found: ChartColours) -> None:
        charts.paint_grid(painter, area, plot.scale, found)
        bars = [series for series in plot.series if not series.line]
        for place, series in enumerate(bars):
            self._paint_bars(painter, area, plot, series, (place, len(bars)), found)
        for series in reversed(plot.series):  # the first one on top
            if series.line:
                points = [self._point(area, plot, i, v) for i, v in enumerate(series.values)]
                charts.paint_line(painter, points, found.role(series.role), dashed=series.dashed)
        if plot.reference is not None and plot.reference <= plot.scale.high:
            y = area.bottom() - plot.scale.place(plot.reference) * area.height()
            charts.paint_reference(painter, area, y, found.quiet)

    def _paint_bars(
        self, painter: QPainter, area: QRectF, plot: Plot, series: Series, place: tuple[int, int], found: ChartColours
    ) -> None:
        """One series of bars, the ``place[0]``-th of ``place[1]`` in each column."""
        step = self._step(area)
        width = min(_WIDEST_BAR, step * 0.72 / place[1])
        zero = area.bottom() - plot.scale.place(0.0) * area.height()
        for index, value in enumerate(series.values):
            left = area.left() + (index + 0.5) * step + (place[0] - place[1] / 2) * width
            if value is None:
                painter.setPen(found.quiet)
                painter.drawText(QPointF(left + width / 2 - 3, zero - 4), "–")
                continue
            y = area.bottom() - plot.scale.place(value) * area.height()
            gap = 1.0 if width > 5 else 0.0
            charts.paint_bar(painter, QRectF(left, min(y, zero), width - gap, abs(zero - y)), found.role(series.role))
            if index in plot.marked:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(found.second)
                charts.paint_diamond(painter, QPointF(left + width / 2, max(y - 8, area.top() - 2)))

    def _point(self, area: QRectF, plot: Plot, index: int, value: float | None) -> QPointF | None:
        if value is None:
            return None
        x = area.left() + (index + 0.5) * self._step(area)
        return QPointF(x, area.bottom() - plot.scale.place(value) * area.height())

    def _paint_stages(self, painter: QPainter, found: ChartColours) -> None:
        """Each block's number within its stage, and below them the stages."""
        area = self._area()
        step, line = self._step(area), self._line()
        first = 0
        centre = int(Qt.AlignmentFlag.AlignCenter)
        numbered = step >= painter.fontMetrics().horizontalAdvance("00") + 4
        for stage, members in groupby(self._stages):
            count = len(tuple(members))
            left = area.left() + first * step
            painter.setPen(found.quiet)
            for place in range(count):
                if numbered or (place + 1) % 5 == 0 or (place == 0 and step * 5 > 30):
                    middle = left + (place + 0.5) * step
                    painter.drawText(QRectF(middle - 20, area.bottom() + 4, 40, line), centre, str(place + 1))
            y = area.bottom() + line + 8.5
            painter.setPen(QPen(found.quiet, 1))
            painter.drawLine(QLineF(left + 3, y, left + count * step - 3, y))
            room = QRectF(left, y + 2, count * step, line)
            text = self.tr("Stage {number}").format(number=stage)
            short = painter.fontMetrics().horizontalAdvance(text) > room.width()
            painter.setPen(QColor(found.words))
            painter.drawText(room.adjusted(-20, 0, 20, 0) if short else room, centre, str(stage) if short else text)
            first += count
            if first < len(self._stages):
                painter.setPen(QPen(found.grid, 1))
                painter.drawLine(QLineF(left + count * step, area.top(), left + count * step, area.bottom()))

    # What is shown ------------------------------------------------------------------------------------------------

    def _point_at(self, index: int | None) -> None:
        if index != self._pointed:
            self._pointed = index
            pointer = Qt.CursorShape.ArrowCursor if index is None else Qt.CursorShape.PointingHandCursor
            self.setCursor(pointer)
            self.update()

    def _choose_and_tell(self, index: int) -> None:
        self.choose(index)
        self.block_chosen.emit(index)

    def _describe(self) -> None:
        """For those who hear the chart."""
        index = self._cursor if self._cursor is not None else self._chosen
        title = self._plot.title if self._plot is not None else ""
        words = [title, *(self._readouts[index] if index is not None and index < len(self._readouts) else ())]
        self.setAccessibleDescription("; ".join(word for word in words if word))
