"""Settings that change while the window is used: true at once, written a little later and off the GUI thread."""

from __future__ import annotations

from concurrent.futures import Future

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_desktop.core.errors import StorageError
from resnet_desktop.core.settings import Setting, Settings, Value
from resnet_desktop.gui.background.tasks import Tasks

DELAY_MS = 400


class Preferences(QObject):
    """The settings in force for the window, wherever they are changed: in a menu, a panel, the settings window.

    Signals: ``changed`` (the Setting, its new value); ``problem`` (a sentence: the settings could not be written).
    """

    changed = Signal(object, object)
    problem = Signal(str)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self._tasks = Tasks(1, "settings", self)
        self._closed = False
        self._changes: dict[Setting, Value] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._write)

    def value(self, setting: Setting) -> Value:
        """What is in force, also where it is not written yet."""
        return self._changes.get(setting, self.settings.value(setting))

    def change(self, setting: Setting, value: Value) -> None:
        """Remember a value; a slider that is dragged is written once. Raises SettingsError on a value that is bad."""
        value = setting.check(value)
        if value == self.value(setting):
            return
        self._changes[setting] = value
        self._timer.start()
        self.changed.emit(setting, value)

    def is_new(self, setting: Setting, sentence: str) -> bool:
        """Whether there is something to say that was not said before; it is remembered as said."""
        if not sentence or sentence == self.value(setting):
            return False
        self.change(setting, sentence)
        return True

    def close(self) -> None:
        """Write what is left, and wait for it."""
        self._timer.stop()
        self._write()
        self._closed = True
        self._tasks.finish()

    def _write(self) -> None:
        changes, self._changes = self._changes, {}
        if changes and not self._closed:
            self._tasks.run_task(lambda: _write_all(self.settings, changes), self._on_written)

    def _on_written(self, future: Future[None]) -> None:
        try:
            future.result()
        except StorageError as error:
            self.problem.emit(str(error))


def _write_all(settings: Settings, changes: dict[Setting, Value]) -> None:
    for setting, value in changes.items():
        settings.change(setting, value)
