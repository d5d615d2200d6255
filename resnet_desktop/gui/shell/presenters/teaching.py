"""The guide to training, beside the main window: one at a time, made when it is asked for."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.shell.presenters.training_watch import TrainingWatch, running_now

if TYPE_CHECKING:
    from resnet_desktop.gui.wizard.wizard import TrainWizard


class Teaching(QObject):
    """Opens the guide, and forgets it when it is closed.

    Signals:
        model_wanted: the path of a model to be used.
        networks_wanted: a stronger network is to be had.
        labelling_wanted: the paths of photos that are to be sorted by hand.
        quit_wanted: the app was to be closed before, and now nothing is in the way.
    """

    model_wanted = Signal(str)
    networks_wanted = Signal()
    labelling_wanted = Signal(object)
    quit_wanted = Signal()

    def __init__(self, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._settings, self._window = settings, window
        self.wizard: TrainWizard | None = None
        self.watch = TrainingWatch(self)
        self._quitting = False

    def open(self, *sources: Path) -> None:
        """Show the guide, with photos to begin with."""
        from resnet_desktop.gui.wizard.wizard import TrainWizard  # a window of its own, of no use at the start

        if self.wizard is None:
            self.wizard = TrainWizard(self._settings, self._window)
            self.wizard.pages.model_wanted.connect(self.model_wanted)
            self.wizard.pages.networks_wanted.connect(self.networks_wanted)
            self.wizard.pages.labelling_wanted.connect(self.labelling_wanted)
            self.wizard.closed.connect(self._on_closed)
            self.wizard.stayed.connect(self._on_stayed)
            if not self.watch.follows:
                self.watch.look_at(self.wizard.run)
        if sources:
            self.wizard.add_sources([*sources])
        self._raise(self.wizard)

    def show_run(self) -> None:
        """Show the run that is under way, or what came of it."""
        folder = self.watch.folder if self.watch.follows else None
        self.open()
        if folder is not None and self.wizard is not None:
            self.watch.look_at(self.wizard.run)
            self.wizard.resume(folder)

    def look_for_running(self, tasks: Tasks) -> None:
        """Follow a run that has gone on by itself since the app was closed."""
        tasks.run_task(running_now, self._on_running)

    def _raise(self, wizard: TrainWizard) -> None:
        wizard.show()
        wizard.raise_()
        wizard.activateWindow()

    def look_for_models(self) -> None:
        """Other models are installed than before."""
        if self.wizard is not None:
            self.wizard.pages.look_for_models()

    def close(self) -> bool:
        """Close the guide; False if a run is under way and the user has still to say what becomes of it.

        Once that is said, and done, ``quit_wanted`` comes.
        """
        self._quitting = True
        closed = self.wizard is None or self.wizard.close()
        if closed:
            self._quitting = False
            self.watch.leave()
        return closed

    def _on_running(self, future: Future[Path | None]) -> None:
        folder = future.result()
        if folder is not None and self.wizard is None and not self.watch.follows:
            self.watch.follow(folder)

    def _on_stayed(self) -> None:
        self._quitting = False

    def _on_closed(self) -> None:
        wizard, self.wizard = self.wizard, None
        if wizard is None:
            return
        if wizard.goes_on and not self._quitting:
            self.watch.follow(wizard.pages.progress.folder)
        wizard.deleteLater()
        if self._quitting:
            QTimer.singleShot(0, self.quit_wanted.emit)
