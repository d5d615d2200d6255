"""A part of a page that folds open under its heading."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QVBoxLayout, QWidget

from resnet_desktop.gui.style import icons, theme

_ICON = 16


class Collapsible(QFrame):
    """A heading that says in a few words what is inside, and the inside.

    Signal: ``toggled`` (bool): it was opened or closed.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, inside: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._head, self._inside = _Head(title), inside
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(inside)
        inside.setContentsMargins(theme.L, theme.XS, theme.L, theme.L)
        inside.hide()
        self._head.toggled.connect(self._on_toggled)

    @property
    def opened(self) -> bool:
        """Whether the inside is shown."""
        return self._head.isChecked()

    def set_open(self, opened: bool) -> None:
        """Open or close."""
        self._head.setChecked(opened)

    def say(self, summary: str) -> None:
        """What is inside, in a few words beside the heading."""
        self._head.say(summary)

    def _on_toggled(self, opened: bool) -> None:
        self._inside.setVisible(opened)
        self.toggled.emit(opened)


class _Head(QAbstractButton):
    def __init__(self, title: str) -> None:
        super().__init__()
        self._summary = ""
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    def say(self, summary: str) -> None:
        self._summary = summary
        self.setAccessibleDescription(summary)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, self.fontMetrics().height() + 2 * theme.M)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        if self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(rect, theme.RADIUS - 1, theme.RADIUS - 1)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS - 1, theme.RADIUS - 1)
        painter.save()
        painter.translate(theme.L + _ICON / 2, rect.center().y())
        if not self.isChecked():
            painter.rotate(-90)
        painter.drawPixmap(-_ICON // 2, -_ICON // 2, icons.pixmap("chevron", _ICON, colours.secondary))
        painter.restore()
        left = theme.L + _ICON + theme.S
        across = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(theme.font(1.05, strong=True))
        painter.setPen(QColor(colours.text))
        painter.drawText(QRectF(left, 0, rect.width() - left, rect.height()), across, self.text())
        left += painter.fontMetrics().horizontalAdvance(self.text()) + theme.L
        painter.setFont(theme.font())
        painter.setPen(QColor(colours.secondary))
        room = rect.width() - left - theme.L
        words = painter.fontMetrics().elidedText(self._summary, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(QRectF(left, 0, room, rect.height()), across, words)
        painter.end()
