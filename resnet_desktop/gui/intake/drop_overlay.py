"""The window's answer to a drag: it may be dropped anywhere, and this is what a drop would do."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.intake import drops
from resnet_desktop.gui.style import icons, theme


class DropOverlay(QWidget):
    """Lies over the window's contents while something is dragged across it.

    Args:
        window: where it may be dropped.
        contents: what is covered meanwhile.

    Signal: ``dropped``, with the QMimeData.
    """

    dropped = Signal(object)

    def __init__(self, window: QWidget, contents: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._contents = contents
        self.promise = ""
        self.hide()
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow what is dragged over the window."""
        if isinstance(event, QDragEnterEvent):
            if drops.accepts(event.mimeData()):
                event.acceptProposedAction()
                self._open(drops.promise(event.mimeData()))
            return True
        if event.type() == QEvent.Type.DragLeave:
            self.hide()
        if event.type() == QEvent.Type.Drop and isinstance(event, QDropEvent):
            self.hide()
            event.acceptProposedAction()
            self.dropped.emit(event.mimeData())
            return True
        return super().eventFilter(watched, event)

    def _open(self, promise: str) -> None:
        """Cover the contents, and say what a drop would do."""
        self.promise = promise
        self.setAccessibleName(promise)
        self.setGeometry(self._contents.geometry())
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
