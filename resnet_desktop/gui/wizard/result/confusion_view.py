"""The confusion matrix: rows are what the photos are, columns what the network says. A click shows the photos."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import plain_tip

LARGEST_CELL = 56.0
SMALLEST_NUMBERED = 22.0
"""Cells smaller than this, in pixels, show no number."""


class ConfusionView(QWidget):
    """Signal: ``cell_chosen`` (true class index, predicted class index)."""

    cell_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._counts: tuple[tuple[int, ...], ...] = ()
        self._chosen: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(220, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Confusion matrix"))

    def sizeHint(self) -> QSize:
        """Square."""
        return QSize(420, 400)

    @property
    def chosen(self) -> tuple[int, int] | None:
        """The cell that is looked at."""
        return self._chosen

    def show_matrix(self, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Show ``counts[true][predicted]``."""
        self._labels, self._counts = tuple(labels), tuple(tuple(row) for row in counts)
        self._chosen = None
        self.update()

    def choose(self, true: int, predicted: int) -> None:
        """Look at a cell."""
        self._chosen = (true, predicted)
        self.setAccessibleDescription(self._words(true, predicted))
        self.update()
        self.cell_chosen.emit(true, predicted)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The cell under the pointer."""
        cell = self._at(event.position())
        if cell is not None:
            self.choose(*cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what the cell under the pointer holds."""
        cell = self._at(event.position())
        if cell is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), plain_tip(self._words(*cell)), self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move from cell to cell."""
        steps = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._labels:
            super().keyPressEvent(event)
            return
        row, column = self._chosen or (0, 0)
        last = len(self._labels) - 1
        self.choose(min(max(row + step[0], 0), last), min(max(column + step[1], 0), last))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Cells, numbers, names."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._counts:
            # One ground for all: of many classes, nearly all cells are empty.
            last = len(self._counts) - 1
            painter.fillRect(self._cell(0, 0).united(self._cell(last, last)), QColor(colours.track))
        for true, row in enumerate(self._counts):
            total = max(1, sum(row))
            for predicted, count in enumerate(row):
                if count:
                    self._paint_cell(painter, true, predicted, count, total, colours)
        if self._chosen is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.text), 2))
            painter.drawRect(self._cell(*self._chosen))
        self._paint_names(painter, colours)
        painter.end()

    def _margin(self) -> float:
        widest = max((self.fontMetrics().horizontalAdvance(label) for label in self._labels), default=0)
        return min(140.0, 0.4 * self.width(), widest + 3.0 * theme.S)

    def _side(self) -> float:
        count = max(1, len(self._labels))
        room = min(self.width() - self._margin() - theme.S, self.height() - self._margin() - theme.S)
        return min(LARGEST_CELL, max(3.0, room / count))

    def _cell(self, true: int, predicted: int) -> QRectF:
        side, margin = self._side(), self._margin()
        return QRectF(margin + predicted * side, margin + true * side, side, side)

    def _at(self, point: QPointF) -> tuple[int, int] | None:
        side, margin = self._side(), self._margin()
        column, row = (int((value - margin) // side) for value in (point.x(), point.y()))
        count = len(self._labels)
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def _words(self, true: int, predicted: int) -> str:
        count = wording.number(self._counts[true][predicted])
        if true == predicted:
            return self.tr("{count} × {label}, classified correctly").format(count=count, label=self._labels[true])
        text = self.tr("{count} × {label}, classified as {other}")
        return text.format(count=count, label=self._labels[true], other=self._labels[predicted])

    def _paint_cell(
        self, painter: QPainter, true: int, predicted: int, count: int, total: int, colours: theme.Theme
    ) -> None:
        cell = self._cell(true, predicted).adjusted(0.5, 0.5, -0.5, -0.5)
        fill = QColor(colours.accent if true == predicted else colours.error)
        fill.setAlphaF(0.18 + 0.82 * count / total)
        painter.fillRect(cell, fill)
        if self._side() >= SMALLEST_NUMBERED:
            strong = count / total > 0.5
            painter.setPen(QColor(colours.on_accent if strong else colours.text))
            painter.setFont(theme.font(0.85))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, wording.number(count))

    def _paint_names(self, painter: QPainter, colours: theme.Theme) -> None:
        side, margin = self._side(), self._margin()
        if side < 11:
            return
        painter.setFont(theme.font(0.85))
        metrics = painter.fontMetrics()
        painter.setPen(QColor(colours.secondary))
        for index, label in enumerate(self._labels):
            text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, int(margin - theme.S))
            row = QRectF(0, margin + index * side, margin - theme.S, side)
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
            painter.save()
            painter.translate(margin + (index + 0.5) * side, margin - theme.S)
            painter.rotate(-90)
            painter.drawText(QPointF(0, metrics.ascent() / 2 - 1), text)
            painter.restore()
