"""A calm line at the top of the window: what happened, without a dialog in the way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from resnet_desktop.gui import icons, theme
from resnet_desktop.gui.plain import PlainLabel


class NoticeBar(QFrame):
    """Shows one message until it is dismissed or replaced.

    Signal: ``visibility_changed``.
    """

    visibility_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("notice", "true")
        self._mark = PlainLabel()
        self._words = PlainLabel()
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.button.hide()
        self.button.clicked.connect(self._on_button)
        self._does: Callable[[], None] | None = None
        self._close = QToolButton()
        self._close.setAccessibleName(self.tr("Dismiss"))
        self._close.setToolTip(self.tr("Dismiss"))
        self._close.clicked.connect(self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.M, theme.XS, theme.XS, theme.XS)
        layout.setSpacing(theme.S)
        layout.addWidget(self._mark)
        layout.addWidget(self._words, 1)
        layout.addWidget(self.button)
        layout.addWidget(self._close)
        self._refresh()
        self.hide()

    @property
    def text(self) -> str:
        """What is said now; empty while hidden."""
        return "" if self.isHidden() else self._words.text()

    def say(self, text: str, does: tuple[str, Callable[[], None]] | None = None) -> None:
        """Show a message, and what can be done about it: the words of a button, and what it does."""
        self._words.setText(text)
        self._does = None if does is None else does[1]
        self.button.setText("" if does is None else does[0])
        self.button.setVisible(does is not None)
        self.setAccessibleName(text)
        self.show()
        self.visibility_changed.emit(True)

    def dismiss(self) -> None:
        """Say nothing any more."""
        self.hide()
        self.visibility_changed.emit(False)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh()
        super().changeEvent(event)

    def _on_button(self) -> None:
        does = self._does
        self.dismiss()
        if does is not None:
            does()

    def _refresh(self) -> None:
        colours = theme.current()
        self._mark.setPixmap(icons.pixmap("info", 18, colours.notice_text))
        self._close.setIcon(icons.icon("close"))
