"""Small pictures in rows, each with a few words below it; as many in a row as there is room for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.plain import plain_tip

ARROW = 28
"""Room for an arrow from one picture to the next."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture.

    Attributes:
        image: drawn as large as fits, cells of a small one as squares with sharp edges.
        title: below it, in strong words; may be empty.
        lines: below that, quiet.
        part: a bar below the picture, -1 to 1 of its width; None for none.
        note: said when the pointer rests on it.
        arrow: what stands above an arrow from the picture before to this one; None for no arrow.
        smooth: whether the picture is scaled smoothly.
    """

    image: QImage
    title: str = ""
    lines: tuple[str, ...] = ()
    part: float | None = None
    note: str = ""
    arrow: str | None = None
    smooth: bool = False


class Tiles(QWidget):
    """Pictures of ``side`` pixels; smaller, down to ``least``, where that brings all of them into one row."""

    def __init__(self, side: int, *, least: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._largest, self._least = side, least or side
        self._tiles: tuple[Tile, ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """What is shown."""
        return self._tiles

    def show_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show pictures."""
        self._tiles = tuple(tiles)
        words = [" ".join(part for part in (tile.title, *tile.lines) if part) for tile in self._tiles]
        self.setAccessibleDescription("; ".join(word for word in words if word))
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        """More rows where it is narrow."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Of all rows."""
        rows = -(-len(self._tiles) // self._columns(width))
        return math.ceil(max(0, rows * (self._tile_height(self._side(width)) + theme.M) - theme.M)) + 1

    def sizeHint(self) -> QSize:
        """Two rows of what there is."""
        width = max(1, (len(self._tiles) + 1) // 2) * (self._largest + self._gap())
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """One picture."""
        return QSize(self._least, round(self._tile_height(self._least)))

    def place(self, index: int) -> QRectF:
        """Where a picture lies."""
        side = self._side(self.width())
        row, column = divmod(index, self._columns(self.width()))
        return QRectF(column * (side + self._gap()), row * (self._tile_height(side) + theme.M), side, side)

    def event(self, event: QEvent) -> bool:
        """What is known of the picture under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self._tile_at(QPointF(event.pos()))
            if index is not None and self._tiles[index].note:
                QToolTip.showText(
                    event.globalPos(), plain_tip(self._tiles[index].note), self, self.place(index).toRect()
                )
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Pictures, words, arrows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, tile in enumerate(self._tiles):
            place = self.place(index)
            self._paint_picture(painter, place, tile)
            self._paint_words(painter, place, tile)
            if tile.arrow is not None:
                self._paint_arrow(painter, place, tile.arrow)
        painter.end()

    def _gap(self) -> int:
        return ARROW if any(tile.arrow is not None for tile in self._tiles) else theme.S

    def _side(self, width: int) -> int:
        """Of the pictures in a widget so wide."""
        count = max(1, len(self._tiles))
        fitting = (width + self._gap()) // count - self._gap()
        return fitting if self._least <= fitting < self._largest else self._largest

    def _columns(self, width: int) -> int:
        return max(1, (width + self._gap()) // (self._side(width) + self._gap()))

    def _line(self) -> float:
        return QFontMetricsF(theme.font(charts.SMALL)).height()

    def _tile_height(self, side: int) -> float:
        lines = max(((1 if tile.title else 0) + len(tile.lines) for tile in self._tiles), default=0)
        bar = theme.S if any(tile.part is not None for tile in self._tiles) else 0
        return side + bar + (theme.XS if lines else 0) + lines * self._line()

    def _tile_at(self, point: QPointF) -> int | None:
        words = self._tile_height(0)
        frames = (self.place(i).adjusted(0, 0, 0, words) for i in range(len(self._tiles)))
        return next((i for i, frame in enumerate(frames) if frame.contains(point)), None)

    def _paint_picture(self, painter: QPainter, place: QRectF, tile: Tile) -> None:
        if tile.image.isNull():
            painter.fillRect(place, QColor(theme.current().track))
            return
        ratio = self.devicePixelRatioF()
        size = tile.image.size().scaled(
            round(place.width() * ratio), round(place.height() * ratio), Qt.AspectRatioMode.KeepAspectRatio
        )
        shrunk = tile.smooth or size.width() < tile.image.width()
        kind = Qt.TransformationMode.SmoothTransformation if shrunk else Qt.TransformationMode.FastTransformation
        scaled = tile.image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, kind)
        target = QRectF(0, 0, size.width() / ratio, size.height() / ratio)
        target.moveCenter(place.center())
        painter.drawImage(target, scaled)
        painter.setPen(QPen(QColor(theme.current().border), 1))  # where a light picture ends on a light ground
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(target.adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_words(self, painter: QPainter, place: QRectF, tile: Tile) -> None:
        colours, found = theme.current(), charts.colours()
        y = place.bottom() + theme.XS
        if tile.part is not None:
            track = QRectF(place.left(), y, place.width(), 3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.track))
            painter.drawRoundedRect(track, 1.5, 1.5)
            painter.setBrush(found.first if tile.part >= 0 else found.second)
            track.setWidth(max(3.0, track.width() * min(1.0, abs(tile.part))))
            painter.drawRoundedRect(track, 1.5, 1.5)
            y += theme.S - 1
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        room = place.width() + self._gap() - theme.XS
        for number, text in enumerate((tile.title, *tile.lines)):
            if number == 0 and not text:
                continue
            painter.setFont(theme.font(charts.SMALL, strong=number == 0))
            painter.setPen(QColor(colours.secondary if number else colours.text))
            row = QRectF(place.left(), y, room, self._line())
            painter.drawText(row, left, painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room)))
            y += self._line()

    def _paint_arrow(self, painter: QPainter, place: QRectF, text: str) -> None:
        found = charts.colours()
        gap = self._gap()
        end = QPointF(place.left() - gap * 0.22, place.center().y())
        start = QPointF(place.left() - gap * 0.78, place.center().y())
        if start.x() < 0:  # the first of a row
            return
        painter.setPen(QPen(found.quiet, 1.5))
        painter.drawLine(start, end - QPointF(4, 0))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(found.quiet)
        painter.drawPolygon(QPolygonF([end, end + QPointF(-6, -4), end + QPointF(-6, 4)]))
        if text:
            painter.setPen(found.quiet)
            painter.setFont(theme.font(charts.SMALL * 0.9))
            row = QRectF(place.left() - gap, place.center().y() - self._line() - 6, gap, self._line())
            painter.drawText(row, int(Qt.AlignmentFlag.AlignCenter), text)
