"""Curves of a run, epoch by epoch: few lines, named above them, read off under the pointer or with the arrow keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QLocale, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme, wording

TICKS = 4
ABOVE = 46
BELOW = 24
LEFT = 44
RIGHT = 12

Kind = Literal["number", "percent", "rate"]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: its name, and a value for each epoch from the first on (None: not known).

    ``now`` is where it stands inside an epoch: how many epochs are done (2.25 is a quarter into the third), the value.
    """

    name: str
    values: tuple[float | None, ...]
    strong: bool = False
    now: tuple[float, float] | None = None


class CurveChart(QWidget):
    """Values by epoch; from left to right: how many epochs are done.

    Args:
        title: what is drawn, with its unit.
        kind: ``percent`` are fractions, drawn from 0 to 1; ``rate`` are numbers of any size.
    """

    def __init__(self, title: str, *, kind: Kind = "number", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._kind = title, kind
        self._curves: tuple[Curve, ...] = ()
        self._epochs = 1
        self._hovered: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(180, 130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        """Wider than high."""
        return QSize(360, 200)

    @property
    def curves(self) -> tuple[Curve, ...]:
        """What is drawn."""
        return self._curves

    def show_curves(self, curves: Sequence[Curve], epochs: int) -> None:
        """Draw; ``epochs`` is how many there will be."""
        new = tuple(curves)
        if (new, max(1, epochs)) == (self._curves, self._epochs):
            return
        self._curves, self._epochs = new, max(1, epochs)
        self._describe()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The epoch under the pointer."""
        area = self._area()
        self._hover(round((event.position().x() - area.left()) / max(1.0, area.width()) * self._epochs) - 1)

    def leaveEvent(self, event: object) -> None:  # noqa: ARG002 - Qt gives it
        """No epoch any more."""
        self._hovered = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move from epoch to epoch."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step, last = steps.get(Qt.Key(event.key())), self._last()
        if step is None or last < 0:
            super().keyPressEvent(event)
            return
        self._hover(last if self._hovered is None else min(self._hovered + step, last))
        self._describe()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The newest values again."""
        self._hovered = None
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Title, grid, lines."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(0.95, strong=True))
        painter.setPen(QColor(colours.accent if self.hasFocus() else colours.text))
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(QRectF(0, 0, self.width(), 20), Qt.AlignmentFlag.AlignLeft, title)
        painter.setFont(theme.font(0.85))
        top = self._top()
        self._paint_grid(painter, top, colours)
        for index, curve in reversed(list(enumerate(self._curves))):
            self._paint_curve(painter, curve, top, QColor(colours.accent if index == 0 else colours.secondary))
        self._paint_names(painter, colours)
        painter.end()

    def _hover(self, place: int) -> None:
        self._hovered = min(max(place, 0), self._epochs - 1)
        self.update()

    def _last(self) -> int:
        """The place of the newest epoch; -1 before the first."""
        return max((len(curve.values) for curve in self._curves), default=0) - 1

    def _describe(self) -> None:
        place = self._last() if self._hovered is None else self._hovered
        found = [(c.name, c.values[place]) for c in self._curves if 0 <= place < len(c.values)]
        words = ", ".join(f"{name} {self._text(value)}" for name, value in found)
        text = self.tr("Epoch {number}: {words}").format(number=place + 1, words=words)
        self.setAccessibleDescription(text if words else "")

    def _area(self) -> QRectF:
        return QRectF(LEFT, ABOVE, max(20, self.width() - LEFT - RIGHT), max(20, self.height() - ABOVE - BELOW))

    def _top(self) -> float:
        if self._kind == "percent":
            return 1.0
        values = [v for c in self._curves for v in c.values if v is not None]
        values += [c.now[1] for c in self._curves if c.now is not None]
        return _round_top(max(values, default=0.0))

    def _text(self, value: float | None) -> str:
        if value is None:
            return "–"
        if self._kind == "percent":
            return wording.percent(value, 1)
        return rate_text(value) if self._kind == "rate" else QLocale().toString(value, "f", 3)

    def _tick(self, value: float) -> str:
        if self._kind == "percent":
            return wording.percent(value)
        return rate_text(value) if self._kind == "rate" else QLocale().toString(value, "g", 3)

    def _point(self, done: float, value: float, top: float) -> QPointF:
        area = self._area()
        x = area.left() + area.width() * min(done / self._epochs, 1.0)
        return QPointF(x, area.bottom() - area.height() * min(value / top, 1.0))

    def _paint_grid(self, painter: QPainter, top: float, colours: theme.Theme) -> None:
        area = self._area()
        ticks = TICKS if area.height() >= 18 * TICKS else 1 if area.height() < 36 else 2
        for tick in range(ticks + 1):
            y = area.bottom() - area.height() * tick / ticks
            painter.setPen(QPen(QColor(colours.border), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(colours.secondary))
            label = QRectF(0, y - 9, area.left() - 6, 18)
            text = self._tick(top * tick / ticks)
            painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        for done in (0, self._epochs):
            x = self._point(done, 0, top).x()
            label, side = QRectF(x, area.bottom() + 4, 60, 18), Qt.AlignmentFlag.AlignLeft
            text = wording.number(done)
            if done:
                label, side = QRectF(x - 120, area.bottom() + 4, 120 + RIGHT, 18), Qt.AlignmentFlag.AlignRight
                text = self.tr("{count} epochs").format(count=text)
            painter.drawText(label, side, text)

    def _paint_curve(self, painter: QPainter, curve: Curve, top: float, colour: QColor) -> None:
        found = [self._point(i + 1, v, top) for i, v in enumerate(curve.values) if v is not None]
        painter.setPen(QPen(colour, 2.2 if curve.strong else 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(found))
        if curve.now is not None:
            here = self._point(*curve.now, top)
            painter.setPen(QPen(colour, 1.2, Qt.PenStyle.DotLine))
            if found:
                painter.drawLine(found[-1], here)
            painter.setPen(QPen(colour, 1.6))
            painter.drawEllipse(here, 3, 3)
        painter.setPen(QPen(colour, 1.6))
        painter.setBrush(colour)
        if found:
            painter.drawEllipse(found[-1], 3, 3)
        if self._hovered is not None and self._hovered < len(curve.values):
            value = curve.values[self._hovered]
            if value is not None:
                painter.drawEllipse(self._point(self._hovered + 1, value, top), 4, 4)

    def _paint_names(self, painter: QPainter, colours: theme.Theme) -> None:
        x = 0.0
        for index, curve in enumerate(self._curves if self._last() >= 0 else ()):
            place = self._hovered if self._hovered is not None else len(curve.values) - 1
            value = curve.values[place] if 0 <= place < len(curve.values) else None
            text = f"{curve.name} {self._text(value)}".strip()
            painter.setPen(QColor(colours.accent if index == 0 else colours.secondary))
            painter.drawText(QPointF(x, 36), text)
            x += painter.fontMetrics().horizontalAdvance(text) + theme.L
        if self._hovered is not None:
            text = self.tr("epoch {number}").format(number=self._hovered + 1)
            width = painter.fontMetrics().horizontalAdvance(text)
            if x + width < self.width() - RIGHT:
                painter.setPen(QColor(colours.secondary))
                painter.drawText(QPointF(self.width() - RIGHT - width, 36), text)


def rate_text(rate: float) -> str:
    """A learning rate, which may be very small, in two digits."""
    if not 0.0 < rate < 0.001:
        return QLocale().toString(rate, "g", 2)
    digits, _, power = f"{rate:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}e{int(power)}"


def _round_top(largest: float) -> float:
    """The smallest top at or above a value whose quarters are round numbers; 1 where there is none."""
    if largest <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest / TICKS))
    return next(TICKS * power * step for step in (1.0, 2.0, 2.5, 5.0, 10.0) if TICKS * power * step >= largest * 0.999)
