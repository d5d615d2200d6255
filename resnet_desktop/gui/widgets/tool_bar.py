"""A tool bar that shows icons alone where the window is too narrow for their names."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QToolBar, QToolButton

_NAMED, _BARE = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly


class ToolBar(QToolBar):
    """Every action of it needs an icon and a tooltip."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.setMovable(False)
        self.setIconSize(QSize(18, 18))
        self.setToolButtonStyle(_NAMED)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._wanted = 0  # the width with names, in pixels

    def reach_by_tab(self) -> None:
        """Let the keyboard come to every button."""
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def changeEvent(self, event: QEvent) -> None:
        """Names are of another size in another font."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._wanted = 0
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names where they fit."""
        if not self._wanted:
            self.setToolButtonStyle(_NAMED)
            self._wanted = self.sizeHint().width()
        wanted = _NAMED if self.width() >= self._wanted else _BARE
        if self.toolButtonStyle() != wanted:
            self.setToolButtonStyle(wanted)
        super().resizeEvent(event)
