"""The guide to training and what the main window shows of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.shell.presenters.teaching import Teaching
from resnet_desktop.gui.shell.system_notice import SystemNotice

if TYPE_CHECKING:
    from resnet_desktop.gui.shell.main_window import MainWindow
    from resnet_desktop.gui.wizard.wizard import TrainWizard


class TrainingPresenter(QObject):
    """Opens the guide, follows a run in the status bar and says how it ended.

    Signals:
        model_wanted: the path of a model to be used.
        quit_wanted: the app was to be closed before, and now nothing is in the way.
    """

    model_wanted = Signal(str)
    quit_wanted = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._system = window, SystemNotice(window)
        self._teaching = teaching = Teaching(window.preferences.settings, window)
        teaching.model_wanted.connect(self.model_wanted)
        teaching.quit_wanted.connect(self.quit_wanted)
        teaching.networks_wanted.connect(window.models.get)
        teaching.labelling_wanted.connect(self._on_labelling_wanted)
        teaching.watch.told.connect(window.status.show_training)
        teaching.watch.ended.connect(self._on_ended)
        window.models.changed.connect(teaching.look_for_models)
        window.status.training_asked.connect(teaching.show_run)
        window.labels.teach_asked.connect(self.open)
        window.actions_.teach.triggered.connect(lambda: self.open())

    @property
    def wizard(self) -> TrainWizard | None:
        """The guide while it is open."""
        return self._teaching.wizard

    def open(self, *sources: Path) -> None:
        """Show the guide, with photos to begin with; one at a time."""
        self._teaching.open(*sources)

    def look_for_running(self, tasks: Tasks) -> None:
        """Follow a run that has gone on by itself since the app was closed."""
        self._teaching.look_for_running(tasks)

    def close(self) -> bool:
        """Close the guide; False if a run is under way and the user has still to say what becomes of it."""
        return self._teaching.close()

    def _on_labelling_wanted(self, photos: Sequence[Path]) -> None:
        window = self._window
        window.arrivals.add_photos(photos)
        window.labels.show(shown=True)
        window.raise_()
        window.activateWindow()

    def _on_ended(self, words: str, there_is_a_model: bool) -> None:
        notice, show_run = self._window.notice, self._teaching.show_run
        look = (self.tr("See the results") if there_is_a_model else self.tr("Look at it"), show_run)
        (notice.tell if there_is_a_model else notice.say)(words, look)
        self._system.tell(self.tr("Training"), words, show_run)
