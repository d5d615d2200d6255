"""All that is done with models, in one place: the menu, the window of models, questions about a model's labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.settings import MODEL, OFFERED_MODEL
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.models import knowledge
from resnet_desktop.gui.models.abilities import AbilitiesDialog
from resnet_desktop.gui.models.model_menu import ModelMenu
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.session.results import Failure, ModelInfo

if TYPE_CHECKING:
    from resnet_desktop.bundle.library.catalogue import Pretrained
    from resnet_desktop.gui.models.knowledge import ModelFacts
    from resnet_desktop.gui.models.models_window import ModelsWindow


class ModelsPresenter(QObject):
    """The menu and the window of models.

    Signals: ``model_chosen`` (a name in the library, or a path; empty: the default); ``renamed`` (a model's
    former name, the present one); ``changed``: other models are installed than before; ``said``: something to be
    told; ``offered`` (a sentence, words of a button, what it does).
    """

    model_chosen = Signal(str)
    renamed = Signal(str, str)
    changed = Signal()
    said = Signal(str)
    offered = Signal(str, str, object)

    def __init__(self, actions: Actions, tasks: Tasks, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self._preferences = preferences
        self._tasks, self._parent = tasks, window
        self._current = ""
        self._window: ModelsWindow | None = None
        self._info: ModelInfo | None = None
        self.photos_open: Callable[[], Sequence[Path]] = tuple
        """The files of the photos in the window."""
        more = (
            actions.abilities,
            actions.compare_models,
            actions.open_model,
            actions.get_models,
            actions.manage_models,
        )
        self._menu = ModelMenu(actions.model_menu, more, tasks, window)
        self._menu.model_chosen.connect(self.model_chosen)
        actions.open_model.triggered.connect(self._on_open_file)
        actions.manage_models.triggered.connect(self.manage)
        actions.get_models.triggered.connect(self.get)
        actions.abilities.triggered.connect(self.show_abilities)
        actions.abilities.setEnabled(False)
        self._actions = actions

    @property
    def window(self) -> ModelsWindow:
        """The window of models, made when it is first asked for."""
        if self._window is None:
            from resnet_desktop.gui.models.models_window import ModelsWindow

            self._window = ModelsWindow(self._preferences, self._parent)
            self._window.speed.photos_of_window = self.photos_open
            self._window.model_wanted.connect(self.model_chosen)
            self._window.renamed.connect(self._on_renamed)
            self._window.changed.connect(self._on_changed)
            self._window.failed.connect(self.said)
            self._window.show_current(self._current)
        return self._window

    def show_current(self, info: ModelInfo) -> None:
        """Which model answers now."""
        self._info = info
        self._current = info.name
        self._actions.abilities.setEnabled(True)
        self._menu.show_current(info.name)
        if self._window is not None:
            self._window.show_current(info.name)
        self._offer_stronger()

    def show_abilities(self) -> None:
        """The list of all that the model knows."""
        if self._info is not None:
            AbilitiesDialog(self._info, self._parent).show()

    def ask_for_thresholds(self) -> None:
        """Ask from which probability each label of the model counts as present."""
        if self._info is not None and self._info.thresholds is not None:
            from resnet_desktop.gui.models.thresholds_dialog import ThresholdsDialog

            dialog = ThresholdsDialog(self._info, self._tasks, self._parent)
            dialog.answered.connect(lambda path: self.model_chosen.emit(str(path)))
            dialog.open()

    def manage(self) -> None:
        """Open the window with what is installed."""
        self.window.open_at(self.window.installed)

    def get(self) -> None:
        """Open the window with what can be had."""
        self.window.open_at(self.window.pretrained)

    def offer_to_install(self, path: Path) -> None:
        """Weights or a model came in: they may be copied into the library."""
        text = self.tr("{name} holds a network. Install it as a model?").format(name=path.name)
        self.offered.emit(text, self.tr("Install it…"), lambda: self._install(path))

    def _install(self, path: Path) -> None:
        self.manage()
        self.window.installed.install(path)

    def ask_for_labels(self, path: Path) -> None:
        """Ask what the classes of a model are called."""
        self._tasks.run_task(lambda: knowledge.facts(path), self._on_facts)

    def close(self) -> None:
        """Wait for the threads."""
        if self._window is not None:
            self._window.close_threads()
            self._window.close()

    def _offer_stronger(self) -> None:
        """Where the app's own choice answers and a stronger network was downloaded: offer that, once."""
        if not self._preferences.settings.string(MODEL):
            self._tasks.run_task(knowledge.stronger, self._on_stronger)

    def _on_stronger(self, future: Future[Pretrained | None]) -> None:
        found = future.result()
        if found is None or not self._preferences.is_new(OFFERED_MODEL, found.name):
            return
        text = self.tr(
            "{title} is installed. Its publisher reports {share} accuracy: better than the current network, "
            "but slower. Use it by default?"
        )
        words = text.format(title=found.title, share=wording.percent(found.top1))
        self.offered.emit(words, self.tr("Use it"), lambda: self.model_chosen.emit(found.name))

    def _on_facts(self, future: Future[ModelFacts]) -> None:
        try:
            facts = future.result()
        except ModelError as error:  # the file has gone
            self.said.emit(Failure.of(error).text)
            return
        self.window.ask_for_labels(facts)

    def _on_open_file(self) -> None:
        dialogs.ask_for_model(self._parent, lambda path: self.model_chosen.emit(str(path)))

    def _on_renamed(self, former: str, present: str) -> None:
        chosen = str(self._preferences.value(MODEL))
        if former in (chosen, Path(chosen).stem):
            self._preferences.change(MODEL, present)
        self.renamed.emit(former, present)

    def _on_changed(self) -> None:
        self._menu.show_current(self._current)
        self._offer_stronger()
        self.changed.emit()
