"""The photo, the part of it that the network saw, and where it found its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatLayer, HeatStyle, heat_layer, words_on_photo
from resnet_desktop.gui.inspect.photo.chip import paint_chip
from resnet_desktop.gui.inspect.photo.part_tool import PartTool
from resnet_desktop.gui.inspect.photo.swipe_divider import SwipeDivider
from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.canvas.viewport import fraction_of, part_of
from resnet_desktop.gui.widgets.canvas.zoom_view import ZoomView
from resnet_desktop.session.results import Evidence, Failure

if TYPE_CHECKING:
    from resnet_desktop.imaging.transforms import Box


class ImageView(ZoomView):
    """One photo with a heatmap over it.

    Attributes:
        divider: splits the photo, where that is wanted.
        part_tool: draws rectangles on it.

    Signal: ``hovered`` (the place under the pointer as fractions of the box that the network saw; None outside it).
    """

    hovered = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, margin: float = theme.L) -> None:
        super().__init__(parent, margin=margin)
        self._layer: HeatLayer | None = None
        self._box: Box | None = None
        self._words = ""
        self._failure: Failure | None = None
        self._opacity = 0.5
        self._heat_shown = True
        self.divider = SwipeDivider(self, lambda: self._heat_shown and self._layer is not None)
        self.part_tool = PartTool(self)  # is asked before the divider
        self.setMouseTracking(True)
        self.setMinimumSize(220, 180)
        self.setAccessibleName(self.tr("Photo with heatmap"))

    def sizeHint(self) -> QSize:
        """Roomy."""
        return QSize(640, 520)

    @property
    def layer(self) -> HeatLayer | None:
        """The heatmap over the photo."""
        return self._layer

    @property
    def words(self) -> str:
        """What is said on the photo where there is no heatmap."""
        return self._words

    def show_photo(self, photo: QImage) -> None:
        """Show a photo, whole; what lay over the one before is gone."""
        self._set_photo(photo)
        self._failure = None
        self.clear_evidence()
        self.fit()

    def replace_photo(self, photo: QImage) -> None:
        """Show the same photo in another size; all else stays as it is."""
        self._set_photo(photo)
        self.update()

    def show_failure(self, failure: Failure) -> None:
        """Say why there is no photo."""
        self.clear()
        self._failure = failure
        self.setAccessibleDescription(failure.text)

    def clear(self) -> None:
        """Show nothing."""
        self._set_photo(QImage())
        self._failure = None
        self.setAccessibleDescription("")
        self.part_tool.set_selecting(False)
        self.clear_evidence()

    def show_evidence(self, evidence: Evidence, style: HeatStyle) -> None:
        """Lay a heatmap over the part that the network saw, or say that there is none."""
        self._layer, self._box = heat_layer(evidence, style), evidence.box
        self._words = words_on_photo(evidence)
        self.setAccessibleDescription(self._words)
        self.update()

    def clear_evidence(self) -> None:
        """Take heatmap, frame and words away."""
        self._layer, self._box, self._words = None, None, ""
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Of the heatmap's hottest place, 0 to 1."""
        self._opacity = opacity
        self.update()

    def set_heat_shown(self, shown: bool) -> None:
        """Switch the heatmap on or off."""
        self._heat_shown = shown
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Photo, heatmap and frame, or why there is none."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(colours.canvas))
        if self._failure is not None:
            self._paint_failure(painter, self._failure, colours)
        elif self.has_photo:
            target = self.photo_place
            self._paint_photo(painter, target)
            if self._box is not None:
                seen = placed(self._box, target).intersected(target)
                self._paint_heat(painter, target, seen)
                self._paint_frame(painter, target, seen, colours)
                self.divider.paint(painter, target, seen)
                self._paint_words(painter, seen)
            self.part_tool.paint(painter, target)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the photo; say what is under the pointer."""
        super().mouseMoveEvent(event)
        self.hovered.emit(self._in_box(event.position()))

    def leaveEvent(self, event: object) -> None:  # noqa: ARG002 - Qt gives it
        """Nothing is under the pointer."""
        self.hovered.emit(None)

    def _in_box(self, point: QPointF) -> QPointF | None:
        if self._box is None or not self.has_photo:
            return None
        target = self.photo_place
        if not target.contains(point):
            return None
        place = fraction_of(point, placed(self._box, target))
        return place if 0 <= place.x() <= 1 and 0 <= place.y() <= 1 else None

    def _paint_heat(self, painter: QPainter, target: QRectF, seen: QRectF) -> None:
        if not self._heat_shown or self._layer is None or self._box is None:
            return
        area = QRectF(seen)
        x = self.divider.x(target)
        if x is not None:
            area.setLeft(max(seen.left(), x))
        if area.width() > 0:
            self._layer.paint(painter, placed(self._box, target), area, self._opacity)

    def _paint_frame(self, painter: QPainter, target: QRectF, seen: QRectF, colours: theme.Theme) -> None:
        """Dim what the network did not see, and frame what it saw."""
        outside = QPainterPath()
        outside.addRect(target)
        outside.addRect(seen)
        veil = QColor(colours.canvas)
        veil.setAlpha(120)
        painter.fillPath(outside, veil)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 110), 3))
        painter.drawRect(seen)
        painter.setPen(QPen(QColor(255, 255, 255, 235), 1.2))
        painter.drawRect(seen)

    def _paint_words(self, painter: QPainter, seen: QRectF) -> None:
        if not self._words or not self._heat_shown or self.part_tool.selecting:
            return
        paint_chip(painter, seen.intersected(QRectF(self.rect())), self._words)

    def _paint_failure(self, painter: QPainter, failure: Failure, colours: theme.Theme) -> None:
        width = min(440.0, self.width() - 2.0 * theme.XL)
        words = QRectF((self.width() - width) / 2, self.height() / 2, width, self.height() / 2 - theme.L)
        mark = icons.pixmap("warning", 40, colours.error)
        painter.drawPixmap(QPointF(self.width() / 2 - 20, words.top() - 40 - theme.M), mark)
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
        painter.setPen(QColor(colours.text))
        painter.setFont(theme.font(1.1, strong=True))
        used = painter.boundingRect(words, flags, failure.message)
        painter.drawText(words, flags, failure.message)
        painter.setPen(QColor(colours.secondary))
        painter.setFont(theme.font())
        painter.drawText(words.adjusted(0, used.height() + theme.S, 0, 0), flags, failure.hint)


def placed(box: Box, target: QRectF) -> QRectF:
    """A part of the photo, as fractions of it, where the photo fills ``target``."""
    return part_of(target, QRectF(box.left, box.top, box.width, box.height))
