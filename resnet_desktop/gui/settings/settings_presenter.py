"""The settings window and what a changed setting does: limits are put in force, the model is opened anew with them."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.settings import (
    GROUP_THRESHOLD,
    MAX_MEGAPIXELS,
    MEMORY,
    OPEN_FOLDER,
    PROVIDER,
    RANGE,
    SAVE_FOLDER,
    THREADS,
    TOP_K,
    TUNED,
    Setting,
)
from resnet_desktop.gui.background.pictures import Photos
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.session.results import Limits

if TYPE_CHECKING:
    from resnet_desktop.gui.settings.settings_dialog import SettingsDialog
    from resnet_desktop.inference.providers import ProviderStatus

OF_ANSWERS = (PROVIDER, THREADS, MEMORY, MAX_MEGAPIXELS, RANGE, TOP_K, GROUP_THRESHOLD, TUNED)
"""Settings with which the model is opened."""
DELAY_MS = 700
"""Who clicks a number up waits for one model, not for ten."""


class SettingsDesk(QObject):
    """Opens the window when ``action`` asks for it.

    Signals:
        reopen_wanted: answers are to be made anew; the provider if another one is chosen, else empty.
        model_chosen: a name in the library, or empty for the app's own choice.
    """

    reopen_wanted = Signal(str)
    model_chosen = Signal(str)

    def __init__(
        self, action: QAction, preferences: Preferences, controller: SessionController, window: QWidget
    ) -> None:
        super().__init__(window)
        self._preferences, self._controller, self._window = preferences, controller, window
        self._readers: tuple[Photos | Thumbnails, ...] = ()
        self._tasks = Tasks(1, "proving", self)
        self._dialog: SettingsDialog | None = None
        self._provider = ""
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(self._apply)
        preferences.changed.connect(self._on_changed)
        action.triggered.connect(self.open)
        self._put_folders()

    def also_for(self, *readers: Photos | Thumbnails) -> None:
        """These read photos, too."""
        self._readers = readers

    def open(self) -> SettingsDialog:
        """Show the window; what works here is tried meanwhile."""
        if self._dialog is None:
            from resnet_desktop.gui.settings.settings_dialog import SettingsDialog

            self._dialog = SettingsDialog(self._preferences, self._window)
            self._dialog.model_wanted.connect(self.model_chosen)
            self._tasks.run_task(_proven, self._on_proven)
        self._tasks.run_task(_models, self._on_models)
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()
        return self._dialog

    def close(self) -> None:
        """Wait for the thread."""
        self._timer.stop()
        self._tasks.drain()

    def _on_changed(self, setting: Setting, value: object) -> None:
        if setting in (OPEN_FOLDER, SAVE_FOLDER):
            self._put_folders()
        if setting in OF_ANSWERS:
            self._provider = str(value) if setting is PROVIDER else self._provider
            self._timer.start()

    def _put_folders(self) -> None:
        dialogs.set_folders(str(self._preferences.value(OPEN_FOLDER)), str(self._preferences.value(SAVE_FOLDER)))

    def _apply(self) -> None:
        limits = Limits.from_values(self._preferences.value)
        self._controller.set_limits(limits)
        for reader in self._readers:
            reader.set_limits(limits.max_pixels, limits.range)
        provider, self._provider = self._provider, ""
        self.reopen_wanted.emit(provider)

    def _on_proven(self, future: Future[tuple[ProviderStatus, ...]]) -> None:
        if self._dialog is not None:
            self._dialog.show_providers(future.result())

    def _on_models(self, future: Future[tuple[str, ...]]) -> None:
        if self._dialog is not None:
            self._dialog.show_models(future.result())


def _proven() -> tuple[ProviderStatus, ...]:
    from resnet_desktop.inference import providers

    return providers.prove_all()


def _models() -> tuple[str, ...]:
    from resnet_desktop.bundle.library.library import Library

    return tuple(entry.name for entry in Library().entries())
