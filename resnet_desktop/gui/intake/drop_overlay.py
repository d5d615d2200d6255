"""The window's answer to a drag: here it may be dropped."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.style import icons, theme


class DropOverlay(QWidget):
    """Lies over the window's contents while something is dragged across it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.promise = ""

    def open_over(self, place: QRect, promise: str) -> None:
        """Cover a place, and say what a drop would do."""
        self.promise = promise
        self.setAccessibleName(promise)
        self.setGeometry(place)
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """A veil, a frame and one line."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(colours.window)
        veil.setAlpha(190)
        painter.fillRect(self.rect(), veil)
        area = QRectF(self.rect()).adjusted(theme.L, theme.L, -theme.L, -theme.L)
        tint = QColor(colours.tint)
        tint.setAlpha(170)
        painter.setBrush(tint)
        painter.setPen(QPen(QColor(colours.accent), 2.5))
        painter.drawRoundedRect(area, 14, 14)
        centre = area.center()
        painter.drawPixmap(int(centre.x()) - 28, int(centre.y()) - 64, icons.pixmap("drop", 56, colours.accent))
        painter.setPen(QColor(colours.text))
        painter.setFont(theme.font(1.5, strong=True))
        words = QRectF(area.left(), centre.y() + theme.S, area.width(), 48)
        painter.drawText(words, int(Qt.AlignmentFlag.AlignHCenter), self.promise)
        painter.end()
