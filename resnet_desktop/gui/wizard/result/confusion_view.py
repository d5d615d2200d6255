"""The confusion matrix: rows are what the photos are, columns what the network says. A click shows the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
        colours, cells = theme.current(), self._cells()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._counts:
            # One ground for all: of many classes, nearly all cells are empty.
            last = len(self._counts) - 1
            painter.fillRect(cells.at(0, 0).united(cells.at(last, last)), QColor(colours.track))
        for true, row in enumerate(self._counts):
            total = max(1, sum(row))
            for predicted, count in enumerate(row):
                if count:
                    fill = QColor(colours.accent if true == predicted else colours.error)
                    self._paint_cell(painter, cells.at(true, predicted), fill, count, count / total, colours)
        if self._chosen is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.text), 2))
            painter.drawRect(cells.at(*self._chosen))
        self._paint_names(painter, cells, colours)
        painter.end()

    def _cells(self) -> _Cells:
        widest = max((self.fontMetrics().horizontalAdvance(label) for label in self._labels), default=0)
        margin = min(140.0, 0.4 * self.width(), widest + 3.0 * theme.S)
        room = min(self.width() - margin - theme.S, self.height() - margin - theme.S)
        return _Cells(margin, min(LARGEST_CELL, max(3.0, room / max(1, len(self._labels)))))

    def _at(self, point: QPointF) -> tuple[int, int] | None:
        cells = self._cells()
        column, row = (int((value - cells.margin) // cells.side) for value in (point.x(), point.y()))
        count = len(self._labels)
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def _words(self, true: int, predicted: int) -> str:
        count = wording.number(self._counts[true][predicted])
        if true == predicted:
            return self.tr("{count} × {label}, classified correctly").format(count=count, label=self._labels[true])
        text = self.tr("{count} × {label}, classified as {other}")
        return text.format(count=count, label=self._labels[true], other=self._labels[predicted])

    def _paint_cell(
        self, painter: QPainter, cell: QRectF, fill: QColor, count: int, share: float, colours: theme.Theme
    ) -> None:
        inside = cell.adjusted(0.5, 0.5, -0.5, -0.5)
        fill.setAlphaF(0.18 + 0.82 * share)
        painter.fillRect(inside, fill)
        if cell.width() >= SMALLEST_NUMBERED:
            painter.setPen(QColor(colours.on_accent if share > 0.5 else colours.text))
            painter.setFont(theme.font(0.85))
            painter.drawText(inside, Qt.AlignmentFlag.AlignCenter, wording.number(count))

    def _paint_names(self, painter: QPainter, cells: _Cells, colours: theme.Theme) -> None:
        side, margin = cells.side, cells.margin
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


@dataclass(frozen=True, slots=True)
class _Cells:
    """Where the cells lie, in pixels: the names' room to the left and above, and the side of each."""

    margin: float
    side: float

    def at(self, true: int, predicted: int) -> QRectF:
        return QRectF(self.margin + predicted * self.side, self.margin + true * self.side, self.side, self.side)
