"""A few words on a photo, on a ground of their own."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from resnet_desktop.gui.style import theme


def paint_chip(painter: QPainter, place: QRectF, text: str) -> None:
    """One line at the lower edge of ``place``, in its middle; cut where it is too long."""
    colours, font = theme.current(), theme.font(0.95)
    metrics = QFontMetricsF(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width() - 4 * theme.M)
    chip = QRectF(0, 0, metrics.horizontalAdvance(shown) + 2 * theme.M, metrics.height() + theme.M)
    chip.moveCenter(QPointF(place.center().x(), place.bottom() - chip.height() / 2 - theme.M))
    ground = QColor(colours.raised)
    ground.setAlpha(235)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(chip, chip.height() / 2, chip.height() / 2)
    painter.setPen(QColor(colours.text))
    painter.setFont(font)
    painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter), shown)
