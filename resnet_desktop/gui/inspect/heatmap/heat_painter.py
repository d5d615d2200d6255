"""How heatmaps look: colours, smoothness, contour; one place for the screen and for exported pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QLineF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from resnet_desktop.gui.inspect.heatmap.contour import contour_lines
from resnet_desktop.gui.style.qt_image import heat_qimage
from resnet_desktop.session.results import Evidence


@dataclass(frozen=True, slots=True)
class HeatStyle:
    """Colours by name, smooth or in cells, and the threshold of the contour (0: none)."""

    colormap: str = "viridis"
    smooth: bool = True
    contour: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class HeatLayer:
    """A heatmap ready to be drawn: its picture, and lines as fractions of its width and height."""

    image: QImage
    lines: Sequence[QLineF] = ()
    smooth: bool = True

    def paint(self, painter: QPainter, place: QRectF, area: QRectF, opacity: float, pen: float = 1.0) -> None:
        """Draw it over ``place``, the part of it that lies in ``area``; ``pen``: how many times wider than usual."""
        painter.save()
        painter.setClipRect(area)
        painter.setOpacity(opacity)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        painter.drawImage(place, self.image)
        painter.setOpacity(1.0)
        if self.lines:
            left, top, width, height = place.x(), place.y(), place.width(), place.height()
            lines = [
                QLineF(
                    left + line.x1() * width,
                    top + line.y1() * height,
                    left + line.x2() * width,
                    top + line.y2() * height,
                )
                for line in self.lines
            ]
            for colour, width in ((QColor(0, 0, 0, 150), 3.4), (QColor(255, 255, 255), 1.6)):
                painter.setPen(QPen(colour, width * pen))
                painter.drawLines(lines)
        painter.restore()


def heat_layer(evidence: Evidence, style: HeatStyle) -> HeatLayer | None:
    """The layer of a heatmap; None where there is no map, or nothing in it speaks for the class."""
    if evidence.values is None or evidence.empty:
        return None
    image = heat_qimage(evidence.values, style.colormap, smooth=style.smooth)
    lines = contour_lines(evidence.values, style.contour, smooth=style.smooth) if style.contour else ()
    return HeatLayer(image, lines, style.smooth)


def words_on_photo(evidence: Evidence) -> str:
    """What the photo says where there is no heatmap to show; empty where there is one."""
    if evidence.problem is not None:
        return QCoreApplication.translate("heat_painter", "No heatmap")
    if evidence.empty:
        text = QCoreApplication.translate("heat_painter", "No positive evidence for {label} at this layer")
        return text.format(label=evidence.label)
    return ""
