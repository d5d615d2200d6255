"""Single letters and Enter are commands only where photos and what is said of them have the keyboard's attention.

Who types a name in the belief that another window listens changes nothing by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

_HELD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class LetterKeys(QObject):
    """Watches a window.

    Args:
        window: whose commands have letters.
        places: the widgets in which letters are commands; in the window itself, where nothing else has the focus, too.
        entered: the same for Enter.
    """

    def __init__(self, window: QWidget, places: Sequence[QWidget], entered: Sequence[QWidget]) -> None:
        super().__init__(window)
        self._window, self._places, self._entered = window, tuple(places), tuple(entered)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A letter that no widget wants comes here before it becomes a command."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            enter = event.key() in _ENTER
            bare = not event.modifiers() & _HELD and (enter or (event.text().isprintable() and bool(event.text())))
            places = self._entered if enter else self._places
            if bare and not self._listens(QApplication.focusWidget(), places):
                event.accept()
                return True
        return super().eventFilter(watched, event)

    def _listens(self, focus: QWidget | None, places: Sequence[QWidget]) -> bool:
        if focus is None or focus is self._window:
            return True
        # A line that is typed in, such as a class's new name, ends with Enter.
        inside = any(place is focus or place.isAncestorOf(focus) for place in places)
        return inside and not isinstance(focus, QLineEdit)
