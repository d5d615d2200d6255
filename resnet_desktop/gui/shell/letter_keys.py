"""Single letters are commands only where photos and what is said of them have the keyboard's attention.

Who types a name in the belief that another window listens changes nothing by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

_HELD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class LetterKeys(QObject):
    """Watches a window.

    Args:
        window: whose commands have letters.
        places: the widgets in which letters are commands; in the window itself, where nothing else has the focus, too.
    """

    def __init__(self, window: QWidget, places: Sequence[QWidget]) -> None:
        super().__init__(window)
        self._window, self._places = window, tuple(places)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A letter that no widget wants comes here before it becomes a command."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            bare = not event.modifiers() & _HELD and event.text().isprintable() and bool(event.text())
            if bare and not self._listens(QApplication.focusWidget()):
                event.accept()
                return True
        return super().eventFilter(watched, event)

    def _listens(self, focus: QWidget | None) -> bool:
        if focus is None or focus is self._window:
            return True
        return any(place is focus or place.isAncestorOf(focus) for place in self._places)
