"""Light, dark or as the system has it: chosen in the menu, and followed when the system changes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from resnet_desktop.core.settings import THEME, Setting
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.actions import Actions


class Appearance(QObject):
    """Signal: ``wanted`` (``system``, ``light`` or ``dark``): the user or the system has chosen it."""

    wanted = Signal(str)

    def __init__(self, actions: Actions, preferences: Preferences) -> None:
        super().__init__(actions)
        self._actions, self._preferences = actions, preferences
        actions.themes.triggered.connect(self._on_chosen)
        preferences.changed.connect(self._on_changed)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_changed)

    def put(self, appearance: str) -> None:
        """Dress the app in it."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, appearance)
        self._actions.refresh_icons()
        for action in self._actions.themes.actions():
            action.setChecked(action.data() == appearance)

    def _on_chosen(self) -> None:
        appearance = str(self._actions.themes.checkedAction().data())
        if appearance == self._preferences.value(THEME):  # chosen again: the system is looked at anew
            self.wanted.emit(appearance)
        self._preferences.change(THEME, appearance)

    def _on_changed(self, setting: Setting, value: object) -> None:
        if setting is THEME:
            self.wanted.emit(str(value))

    def _on_system_changed(self) -> None:
        checked = self._actions.themes.checkedAction()
        if checked is not None and checked.data() == "system":
            self.wanted.emit("system")
