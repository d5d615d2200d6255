"""Which widget listens to the keys, where its own dress does not show it."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.style import theme

_BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class FocusRing(QWidget):
    """A line around whichever of some widgets has got the focus by the keyboard."""

    def __init__(self, widgets: Iterable[QWidget], window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Come and go with the focus, and follow the widget's size."""
        if isinstance(watched, QWidget):
            if isinstance(event, QFocusEvent) and event.gotFocus() and event.reason() in _BY_KEY:
                self.setParent(watched)
                self.setGeometry(watched.rect())
                self.raise_()
                self.show()
            elif isinstance(event, QFocusEvent) and not event.gotFocus():
                self.hide()
            elif event.type() == QEvent.Type.Resize and self.parent() is watched:
                self.setGeometry(watched.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """The line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.current().accent), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 5, 5)
        painter.end()
