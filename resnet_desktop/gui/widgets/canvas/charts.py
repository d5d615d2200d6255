"""How charts look: their colours in light and dark, scales, ticks, grids, and numbers as they stand beside them.

Drawn with QPainter alone: a chart of some dozen marks needs no plotting library, and stays crisp at any size.
The two colours of marks differ in lightness as well as in hue, so that they can be told apart without seeing colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QLocale, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from resnet_desktop.gui.style import theme, wording

SMALL = 0.85
"""Text in charts, as a part of the app's font size."""

_LIGHT_SECOND, _DARK_SECOND = "#c2571a", "#f2a65a"
_LIGHT_PALE, _DARK_PALE = "#a9bcc6", "#59707b"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class ChartColours:
    """What marks, lines and words in a chart are drawn in.

    Attributes:
        first: what the chart is about.
        second: what is set against it, or stands out.
        pale: what it is compared with.
        grid: lines behind the marks.
        words: text that is read.
        quiet: text at the axes.
        ground: behind everything.
        chosen: behind what is chosen.
        hover: behind what is pointed at.
    """

    first: QColor
    second: QColor
    pale: QColor
    grid: QColor
    words: QColor
    quiet: QColor
    ground: QColor
    chosen: QColor
    hover: QColor

    def role(self, name: str) -> QColor:
        """``first``, ``second`` or ``pale``."""
        return {"first": self.first, "second": self.second}.get(name, self.pale)


def colours() -> ChartColours:
    """Those of the theme that is in force."""
    found = theme.current()
    return ChartColours(
        first=QColor(found.accent),
        second=QColor(_DARK_SECOND if found.dark else _LIGHT_SECOND),
        pale=QColor(_DARK_PALE if found.dark else _LIGHT_PALE),
        grid=QColor(found.border),
        words=QColor(found.text),
        quiet=QColor(found.secondary),
        ground=QColor(found.panel),
        chosen=QColor(found.tint),
        hover=QColor(found.hover),
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from ``low`` to ``high``; ``log``: in powers of ten; ``percent``: fractions of 1."""

    low: float
    high: float
    log: bool = False
    percent: bool = False

    @staticmethod
    def upward(values: Iterable[float | None], *, least: float = 0.0, percent: bool = False) -> Scale:
        """From 0 to a round number above all values (and ``least``)."""
        most = max((v for v in values if v is not None and math.isfinite(v)), default=0.0)
        return Scale(0.0, _round_up(max(most, least)) or 1.0, percent=percent)

    @staticmethod
    def around_zero(values: Iterable[float | None], *, most: float) -> Scale:
        """As far below 0 as above it: a quarter, a half or the whole of ``most``."""
        reach = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
        end = next((most * part for part in (0.25, 0.5) if reach <= most * part), most)
        return Scale(-end, end)

    @staticmethod
    def powers(values: Iterable[float | None]) -> Scale:
        """From one power of ten to another, around all values above 0."""
        found = [v for v in values if v is not None and v > 0 and math.isfinite(v)]
        low = math.floor(math.log10(min(found, default=1.0)) + 1e-9)
        high = math.ceil(math.log10(max(found, default=1.0)) - 1e-9)
        return Scale(10.0**low, 10.0 ** max(high, low + 1), log=True)

    def place(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1; what is beyond an end is put on it."""
        if self.log:
            if value <= 0:
                return 0.0
            return _clamped(math.log10(value / self.low) / math.log10(self.high / self.low))
        return _clamped((value - self.low) / (self.high - self.low))

    def ticks(self, room: float) -> list[tuple[float, str]]:
        """Values to be marked along ``room`` pixels, with their text."""
        most = max(1, int(room // 34))
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            step = max(1, math.ceil((last - first) / most))
            powers = range(last, first - 1, -step)
            return [(10.0**power, f"10{str(power).translate(_SUPERSCRIPTS)}") for power in powers]
        count = 4 if most >= 4 else 2 if most >= 2 else 1
        values = [self.low + (self.high - self.low) * i / count for i in range(count + 1)]
        if self.percent:
            apart = 100 * (self.high - self.low) / count
            decimals = max(0, -math.floor(math.log10(apart) + 1e-9) + (round(apart, 9) != float(f"{apart:.1g}")))
            return [(v, f"{QLocale().toString(100 * v, 'f', decimals)}{wording.PERCENT}") for v in values]
        return [(v, number(v)) for v in values]


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits: ``0.0213``, ``12.3``, ``1,240``, ``2.1 × 10⁻⁶``; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)) + 1e-12)
    if -4 <= power < 6:
        decimals = max(0, digits - 1 - power)
        text = QLocale().toString(value, "f", decimals)
        point = QLocale().decimalPoint()
        if point in text:
            text = text.rstrip("0").rstrip(point)
        return text.replace("-", "−")
    base = number(value / 10.0**power, digits - 1)
    return f"{base} × 10{str(power).translate(_SUPERSCRIPTS)}"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign."""
    text = number(value, digits)
    return f"+{text}" if value > 0 else text


def paint_grid(painter: QPainter, area: QRectF, scale: Scale, found: ChartColours) -> None:
    """A line across for each tick, its number at the left."""
    half = painter.fontMetrics().height() / 2
    zero = scale.place(0.0) if not scale.log else 0.0
    for value, text in scale.ticks(area.height()):
        y = _crisp(area.bottom() - scale.place(value) * area.height())
        strong = scale.place(value) == zero
        painter.setPen(QPen(found.quiet if strong else found.grid, 1))
        painter.setOpacity(0.6 if strong else 1.0)
        painter.drawLine(QLineF(area.left(), y, area.right(), y))
        painter.setOpacity(1.0)
        painter.setPen(found.quiet)
        label = QRectF(0, y - half, area.left() - theme.S + 2, 2 * half)
        painter.drawText(label, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)


def paint_reference(painter: QPainter, area: QRectF, y: float, colour: QColor) -> None:
    """A dashed line across."""
    pen = QPen(colour, 1.4)
    pen.setDashPattern([4, 3])
    painter.setPen(pen)
    painter.drawLine(QLineF(area.left(), _crisp(y), area.right(), _crisp(y)))


def paint_line(
    painter: QPainter, points: Sequence[QPointF | None], colour: QColor, *, dashed: bool = False, marks: bool = True
) -> None:
    """A line through points, broken where there is none, with a disc (dashed: a square) at each."""
    pen = QPen(colour, 2)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern([3, 2.2])
    for piece in _pieces(points):
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(piece))
        if marks:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            for point in piece:
                paint_mark(painter, point, square=dashed)


def paint_mark(painter: QPainter, at: QPointF, *, square: bool = False, radius: float = 3.2) -> None:
    """A disc or a square."""
    if square:
        side = radius * 0.9
        painter.drawRect(QRectF(at.x() - side, at.y() - side, 2 * side, 2 * side))
    else:
        painter.drawEllipse(at, radius, radius)


def paint_diamond(painter: QPainter, at: QPointF, radius: float = 4.5) -> None:
    """A diamond."""
    x, y = at.x(), at.y()
    corners = [QPointF(x, y - radius), QPointF(x + radius, y), QPointF(x, y + radius), QPointF(x - radius, y)]
    painter.drawPolygon(QPolygonF(corners))


def paint_bar(painter: QPainter, bar: QRectF, colour: QColor) -> None:
    """A bar with softly rounded corners, at least a line high."""
    rect = QRectF(bar.normalized())
    if rect.height() < 1:
        rect.setTop(rect.bottom() - 1)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    radius = min(2.0, rect.width() / 3, rect.height() / 2)
    painter.drawRoundedRect(rect, radius, radius)


def paint_readout(painter: QPainter, frame: QRectF, at: QPointF, lines: Sequence[str]) -> QRectF:
    """Words in a box beside the point ``at``, within ``frame``: the first line stands out. Where the box lies."""
    if not lines:
        return QRectF()
    found = theme.current()
    head, body = theme.font(SMALL, strong=True), theme.font(SMALL)
    painter.setFont(head)
    width = float(painter.fontMetrics().horizontalAdvance(lines[0]))
    step = painter.fontMetrics().height() + 2.0
    painter.setFont(body)
    width = max([width, *(painter.fontMetrics().horizontalAdvance(line) for line in lines[1:])]) + 2 * theme.M
    height = step * len(lines) + 2 * theme.S
    left = at.x() + theme.M if at.x() + theme.M + width <= frame.right() else at.x() - theme.M - width
    left = max(frame.left(), min(left, frame.right() - width))
    box = QRectF(left, max(frame.top(), min(at.y(), frame.bottom() - height)), width, height)
    painter.setPen(QPen(QColor(found.border), 1))
    painter.setBrush(QColor(found.raised))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    for place, line in enumerate(lines):
        painter.setFont(body if place else head)
        painter.setPen(QColor(found.secondary if place else found.text))
        row = QRectF(box.left() + theme.M, box.top() + theme.S + place * step, width, step)
        painter.drawText(row, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), line)
    return box


def _pieces(points: Sequence[QPointF | None]) -> list[list[QPointF]]:
    pieces: list[list[QPointF]] = [[]]
    for point in points:
        if point is not None:
            pieces[-1].append(point)
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _round_up(value: float) -> float:
    """The next of 1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8 times a power of ten: their quarters are short numbers."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if unit * step >= value * (1 - 1e-9))


def _clamped(part: float) -> float:
    return min(1.0, max(0.0, part))


def _crisp(place: float) -> float:
    """The middle of a pixel, where a line of one pixel is sharp."""
    return math.floor(place) + 0.5
