"""Settings that change while the window is used: kept at once, written a little later and off the GUI thread."""

from __future__ import annotations

from concurrent.futures import Future

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_desktop.core.errors import StorageError
from resnet_desktop.core.settings import Setting, Settings
from resnet_desktop.gui.background.tasks import Tasks

DELAY_MS = 400


class Preferences(QObject):
    """Signal: ``problem`` (a sentence: the settings could not be written)."""

    problem = Signal(str)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self._tasks = Tasks(1, "settings", self)
        self._changes: dict[Setting, str | float | bool] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._write)

    def change(self, setting: Setting, value: str | float | bool) -> None:
        """Remember a value; a slider that is dragged is written once."""
        self._changes[setting] = value
        self._timer.start()

    def is_new(self, setting: Setting, sentence: str) -> bool:
        """Whether there is something to say that was not said before; it is remembered as said."""
        if not sentence or sentence == self._changes.get(setting, self.settings.string(setting)):
            return False
        self.change(setting, sentence)
        return True

    def close(self) -> None:
        """Write what is left, and wait for it."""
        self._timer.stop()
        self._write()
        self._tasks.finish()

    def _write(self) -> None:
        changes, self._changes = self._changes, {}
        if changes:
            self._tasks.run_task(lambda: _write_all(self.settings, changes), self._on_written)

    def _on_written(self, future: Future[None]) -> None:
        try:
            future.result()
        except StorageError as error:
            self.problem.emit(str(error))


def _write_all(settings: Settings, changes: dict[Setting, str | float | bool]) -> None:
    for setting, value in changes.items():
        settings.change(setting, value)
