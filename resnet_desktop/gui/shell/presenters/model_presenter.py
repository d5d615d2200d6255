"""What the window shows of the model at work: which one answers, how far the queue is, and what went wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint

from resnet_desktop.core import settings as declared
from resnet_desktop.gui.shell.missing_words import missing_words
from resnet_desktop.gui.shell.presenters.chosen_models import ChosenModels
from resnet_desktop.session.results import Failure, ModelInfo

if TYPE_CHECKING:
    from resnet_desktop.gui.shell.main_window import MainWindow


class ModelPresenter(QObject):
    """Keeps status, list and settings in step with the model.

    Args:
        window: whose parts these are; made before.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._chosen = ChosenModels()
        self._info: ModelInfo | None = None
        controller = window.controller
        controller.model_loading.connect(lambda _wanted: window.status.show_loading())
        controller.model_ready.connect(self._on_ready)
        controller.model_failed.connect(self._on_failed)
        controller.fit_changed.connect(lambda _fit: self._classify_all())
        controller.provider_fell_back.connect(self._on_provider_fell_back)
        controller.queue_changed.connect(self._on_queue_changed)
        controller.stopped.connect(self._on_stopped)
        window.models.renamed.connect(self._on_renamed)
        window.status.model_menu_asked.connect(self._on_menu_asked)
        window.inspect.heatmap.look.fit_changed.connect(self._on_fit_chosen)

    def open(self, wanted: str) -> None:
        """Switch to another model, by its name in the library or its path."""
        self._chosen.add(wanted)
        self._window.controller.open_model(wanted, self._window.provider)

    def _classify_all(self) -> None:
        window = self._window
        items = window.companions.without_results(window.gallery.requeue_all())
        window.controller.classify((item.number, item.source) for item in items)
        window.inspect.start_anew()

    def _classify_rest(self) -> None:
        window = self._window
        window.controller.classify((item.number, item.source) for item in window.gallery.queue_rest())
        window.inspect.start_anew()

    def _on_ready(self, info: ModelInfo) -> None:
        window, before = self._window, self._info
        self._info = info
        window.companions.show_model(info)
        window.status.show_model(info)
        window.models.show_current(info)
        window.welcome.show_model(info)
        chosen = self._chosen.answered(window.controller.loading)
        if chosen is not None:
            window.preferences.change(declared.MODEL, chosen)
        if window.preferences.is_new(declared.TOLD_PROBLEM, info.problem):
            window.notice.say(info.problem)
        missing = missing_words(info)
        if missing is not None:
            window.notice.say(missing[0], (missing[1], lambda: window.models.ask_for_labels(info.path)))
        if before is not None and (before.answers, before.provider) == (info.answers, info.provider):
            self._classify_rest()  # the same model under another name: its answers hold
        else:
            self._classify_all()

    def _on_renamed(self, former: str, present: str) -> None:
        """The model at work is told its name; that it is in use was not chosen again."""
        if self._info is not None and self._info.name == former and not self._window.controller.loading:
            self._window.controller.open_model(present, self._window.provider)

    def _on_failed(self, failure: Failure) -> None:
        self._chosen.answered(self._window.controller.loading)
        self._window.status.show_no_model()
        self._window.notice.say(failure.text)

    def _on_provider_fell_back(self, sentence: str) -> None:
        self._window.notice.say(sentence)
        self._window.status.show_provider(self.tr("CPU"), sentence)

    def _on_stopped(self, failure: Failure) -> None:
        self._window.gallery.unqueue()
        self._window.update_actions()
        self._window.notice.say(failure.text)

    def _on_queue_changed(self, done: int, total: int) -> None:
        self._window.status.show_queue(done, total)
        if done in (0, total):
            self._window.update_actions()

    def _on_fit_chosen(self, fit: str) -> None:
        self._window.preferences.change(declared.FIT, fit)
        self._window.controller.set_fit("whole" if fit == "whole" else "crop")

    def _on_menu_asked(self, corner: QPoint) -> None:
        menu = self._window.actions_.model_menu
        menu.popup(corner - QPoint(0, menu.sizeHint().height()))
