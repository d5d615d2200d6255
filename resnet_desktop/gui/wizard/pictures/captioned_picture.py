"""A picture with words below it, and the colours of heatmaps and of their difference."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import plain_tip

_GREY = QColor(140, 140, 140)


class CaptionedPicture(QWidget):
    """A picture as large as it fits, and two lines below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image, self._caption, self._detail = QImage(), "", ""
        self.setMinimumSize(110, 110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def caption(self) -> str:
        """The first line."""
        return self._caption

    @property
    def detail(self) -> str:
        """The second, quieter line."""
        return self._detail

    @property
    def image(self) -> QImage:
        """The picture."""
        return self._image

    def sizeHint(self) -> QSize:
        """Roomy."""
        return QSize(260, 280)

    def show_picture(self, image: QImage, caption: str, detail: str = "") -> None:
        """Show them."""
        self._image, self._caption, self._detail = image, caption, detail
        words = f"{caption}\n{detail}".strip()
        self.setAccessibleName(words)
        self.setToolTip(plain_tip(words))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Picture and lines."""
        if self._image.isNull():
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        line = self.fontMetrics().height() + 2
        room = QRectF(0, 0, self.width(), self.height() - 2 * line - theme.S)
        size = self._image.size().scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (room.width() - size.width()) / 2, (room.height() - size.height()) / 2
        painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
        below = QRectF(0, top + size.height() + theme.XS, self.width(), line)
        for text, colour in ((self._caption, colours.text), (self._detail, colours.secondary)):
            painter.setPen(QColor(colour))
            short = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self.width())
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, short)
            below.translate(0, line)
        painter.end()


class DifferenceLegend(QWidget):
    """What the colours of a difference mean, from what there was before to what is new."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = (_GREY, _GREY)
        self._low, self._high = self.tr("gone"), self.tr("new")
        self.setAccessibleName(self.tr("Blue: lost evidence; grey: unchanged; orange: new evidence"))
        self.setToolTip(plain_tip(self.accessibleName()))

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(220, self.fontMetrics().height() + theme.XS)

    def minimumSizeHint(self) -> QSize:
        """The words, and some colours between them."""
        metrics = self.fontMetrics()
        words = metrics.horizontalAdvance(self._low) + metrics.horizontalAdvance(self._high)
        return QSize(words + 60, metrics.height() + theme.XS)

    def show_colours(self, lost: tuple[int, int, int], gained: tuple[int, int, int]) -> None:
        """Red, green and blue of both ends."""
        self._colours = QColor(*lost), QColor(*gained)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """The words and the colours between them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(theme.current().secondary))
        metrics, middle = self.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect(), middle | Qt.AlignmentFlag.AlignLeft, self._low)
        painter.drawText(self.rect(), middle | Qt.AlignmentFlag.AlignRight, self._high)
        left, right = (metrics.horizontalAdvance(text) + theme.S for text in (self._low, self._high))
        bar = QRectF(left, self.height() / 2 - 4, self.width() - left - right, 8)
        gradient = QLinearGradient(QPointF(bar.left(), 0), QPointF(bar.right(), 0))
        for place, colour in zip((0.0, 0.5, 1.0), (self._colours[0], _GREY, self._colours[1]), strict=True):
            gradient.setColorAt(place, colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, 4, 4)
        painter.end()
