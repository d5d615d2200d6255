"""The window of models: what is installed, and what can be had."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.models.installed_page import InstalledPage
from resnet_desktop.gui.models.knowledge import ModelFacts
from resnet_desktop.gui.models.labels_dialog import LabelsDialog
from resnet_desktop.gui.models.pretrained_page import PretrainedPage
from resnet_desktop.gui.models.speed_page import SpeedPage
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.help.guide_page import explained_by


class ModelsWindow(QDialog):
    """Not modal: photos can be looked at beside it.

    Signals: ``model_wanted`` (a name or a path; empty: the default): use it; ``changed``: there are other models than
    before; ``renamed`` (the former name, the present one); ``failed`` (a sentence).
    """

    failed = Signal(str)
    model_wanted = Signal(str)
    renamed = Signal(str, str)
    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QWidget | None = None, *, mirror: str | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Models"))
        self.setModal(False)
        explained_by("your-model.md", self)
        size_within_screen(self, (920, 620), (600, 400))
        self._tasks = Tasks(1, "models", self)
        self._tasks.failed.connect(self.failed)
        self._in_use = ""
        self.installed = InstalledPage(self._tasks)
        self.pretrained = PretrainedPage(self._tasks, mirror=mirror)
        self.speed = SpeedPage(self._tasks, preferences)
        self.tabs = QTabWidget()
        self.tabs.addTab(self.installed, self.tr("Installed"))
        self.tabs.addTab(self.pretrained, self.tr("Get a pretrained network"))
        self.tabs.addTab(self.speed, self.tr("Make it faster"))
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.XL, theme.M, theme.XL, theme.L)
        layout.addWidget(self.tabs)
        self.installed.model_wanted.connect(self.model_wanted)
        self.installed.labels_wanted.connect(self.ask_for_labels)
        self.installed.renamed.connect(self.renamed)
        self.installed.changed.connect(self._on_changed)
        self.pretrained.obtained.connect(self._on_obtained)

    def open_at(self, page: QWidget) -> None:
        """Show the window with one of its pages."""
        self.tabs.setCurrentWidget(page)
        self.pretrained.look()
        self.installed.look()
        self.speed.look()
        self.show()
        self.raise_()
        self.activateWindow()

    def show_current(self, name: str) -> None:
        """Which model is in use."""
        self._in_use = name
        self.installed.show_current(name)
        self.speed.show_current(name)

    def ask_for_labels(self, facts: ModelFacts) -> LabelsDialog:
        """Ask what the classes of a model are called."""
        dialog = LabelsDialog(facts, self._tasks, self if self.isVisible() else self.parentWidget())
        dialog.answered.connect(self._on_labels_answered)
        dialog.open()
        return dialog

    def close_threads(self) -> None:
        """Give up what is fetched and wait for the threads."""
        self.pretrained.close_threads()
        self.speed.close_threads()
        self._tasks.drain()

    def _on_labels_answered(self, path: object) -> None:
        self.installed.look()
        self.model_wanted.emit(str(path))

    def _on_changed(self) -> None:
        self.pretrained.look()
        self.speed.look()
        self.changed.emit()

    def _on_obtained(self, name: str) -> None:
        self.installed.look(name)
        self.speed.look()
        self.changed.emit()
