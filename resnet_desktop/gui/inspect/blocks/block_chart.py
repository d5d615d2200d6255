"""A chart over all residual blocks, from the first to the last, grouped by stage."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.inspect.blocks.block_measures import Plot
from resnet_desktop.gui.inspect.blocks.block_plot import BlockLayout, Marked, paint_blocks
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas import charts


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
        return None if self._plot is None else self._layout(self._plot).block_at(x)

    def centre(self, index: int) -> QPointF:
        """The middle of a block's column. Only where something is drawn."""
        assert self._plot is not None
        return self._layout(self._plot).centre(index)

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
        layout = self._layout(plot)
        cursor = self._cursor if self.hasFocus() else None
        paint_blocks(painter, layout, plot, self._stages, Marked(self._chosen, self._pointed, cursor))
        shown = self._pointed if self._pointed is not None else cursor
        if shown is not None:
            at = QPointF(layout.centre(shown).x() + layout.step / 2 - theme.S, layout.main.top() + theme.S)
            charts.paint_readout(painter, QRectF(self.rect()), at, self._readouts[shown])
        painter.end()

    def _layout(self, plot: Plot) -> BlockLayout:
        return BlockLayout(self.size(), plot, len(self._stages))

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
