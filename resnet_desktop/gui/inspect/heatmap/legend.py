"""The colours from little to much evidence."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.style import theme


class Legend(QWidget):
    """One line: low, the colours, high."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = QImage()
        self._mark = 0.0
        self._low, self._high = self.tr("low"), self.tr("high")
        self.setAccessibleName(self.tr("Colours of the heatmap, from low to high evidence"))

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(160, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """One line."""
        return QSize(100, self.fontMetrics().height())

    def show_colours(self, colours: QImage, mark: float = 0.0) -> None:
        """One pixel high, cold to hot; ``mark``: where the contour lies, 0 for nowhere."""
        self._colours, self._mark = colours, mark
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """The two words and the colours between them."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(self.palette().placeholderText().color())
        metrics = self.fontMetrics()
        left, right = metrics.horizontalAdvance(self._low) + theme.S, metrics.horizontalAdvance(self._high) + theme.S
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(self.rect(), middle | int(Qt.AlignmentFlag.AlignLeft), self._low)
        painter.drawText(self.rect(), middle | int(Qt.AlignmentFlag.AlignRight), self._high)
        bar = QRectF(left, self.height() / 2 - 4, self.width() - left - right, 8)
        shape = QPainterPath()
        shape.addRoundedRect(bar, 4, 4)
        painter.setClipPath(shape)
        painter.setOpacity(1.0 if self.isEnabled() else 0.35)
        painter.fillRect(bar, self.palette().mid())
        if not self._colours.isNull():
            painter.drawImage(bar, self._colours)
        if self._mark:
            x = bar.left() + self._mark * bar.width()
            for colour, width in ((QColor(0, 0, 0, 150), 4.0), (QColor(255, 255, 255), 2.0)):
                painter.setPen(QPen(colour, width))
                painter.drawLine(QPointF(x, bar.top()), QPointF(x, bar.bottom()))
        painter.end()
