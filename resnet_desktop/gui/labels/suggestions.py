"""While photos are labelled, the others get suggested labels that become better with each one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.core.settings import SUGGEST_LABELS
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_classes import PhotoClass, Suggestion
from resnet_desktop.gui.labels.class_panel import ClassPanel
from resnet_desktop.gui.labels.labelling import Labelling
from resnet_desktop.session.results import Failure, enough_to_suggest

if TYPE_CHECKING:
    from resnet_desktop.session.results import Judged, Suggested
    from resnet_desktop.session.suggestions import Suggester

DELAY_MS = 500
"""After the last label: who labels quickly is not asked to look at suggestions that change at every key."""


class Suggestions(QObject):
    """Learns off the GUI thread whenever labels have changed, and shows what came of it in the list.

    Signals: ``said`` (a sentence for the notice bar); ``accepted``: a single photo has the label that was suggested.
    """

    said = Signal(str)
    accepted = Signal()
    _found = Signal(int, object, object)

    def __init__(
        self,
        labelling: Labelling,
        gallery: GalleryModel,
        view: GalleryView,
        class_panel: ClassPanel,
        accept: QAction,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._labelling, self._gallery, self._view, self._class_panel = labelling, gallery, view, class_panel
        self._accept = accept
        self._tasks = Tasks(1, "suggestions", self)
        self._suggester: Suggester | None = None  # touched by its thread alone
        self._classes: tuple[PhotoClass, ...] = ()  # of the labels that are learnt from now
        self._shown = self._closed = False
        self._token = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._start)
        self._found.connect(self._on_found, Qt.ConnectionType.QueuedConnection)
        class_panel.suggest.setChecked(preferences.settings.flag(SUGGEST_LABELS))
        class_panel.suggest.toggled.connect(self._on_changed)
        class_panel.suggest.clicked.connect(lambda on: preferences.change(SUGGEST_LABELS, on))
        labelling.changed.connect(self._on_changed)
        gallery.rowsInserted.connect(self._on_changed)
        accept.triggered.connect(self._on_accept)
        accept.setEnabled(False)

    def show(self, *, shown: bool) -> None:
        """Whether photos are being labelled: only then is anything learnt."""
        self._shown = shown
        self._on_changed()

    def close(self) -> None:
        """Give up what is under way, and wait for it."""
        self._closed = True
        self._stop()
        self._tasks.drain()

    def _stop(self) -> None:
        self._timer.stop()
        self._token += 1

    def _on_changed(self) -> None:
        """Suggestions that are no longer to be had go at once; new ones come when the labels have settled."""
        if self._shown and self._class_panel.suggest.isChecked() and self._ready():
            self._drop(lambda one: one not in self._labelling.classes)
            self._timer.start()
            return
        self._stop()
        self._drop(lambda _: True)
        self._class_panel.tell_judged(0, 0)
        self._accept.setEnabled(False)

    def _ready(self) -> bool:
        return enough_to_suggest(tuple(self._labelling.counts().values()))

    def _drop(self, unwanted: Callable[[PhotoClass], bool]) -> None:
        gone = (
            item.number
            for item in self._gallery.items
            if item.suggestion is not None and unwanted(item.suggestion.label)
        )
        self._gallery.set_suggestions(dict.fromkeys(gone))

    def _start(self) -> None:
        """Learn from the labels as they are now; what is under way is given up."""
        self._token += 1
        token, self._classes = self._token, self._labelling.classes
        place = {one: i for i, one in enumerate(self._classes)}
        labelled: dict[Path, int] = {}
        rest: dict[int, Path] = {}
        for item in self._gallery.items:
            if not isinstance(item.source, Path) or isinstance(item.outcome, Failure):
                continue
            if item.label is not None:
                labelled[item.source] = place[item.label]
            else:
                rest[item.number] = item.source

        def work() -> None:
            if self._suggester is None:
                # These bring in NumPy and ONNX Runtime.
                from resnet_desktop.jobs.job import DEFAULT_BASE
                from resnet_desktop.session.suggestions import Suggester

                self._suggester = Suggester(DEFAULT_BASE)  # as the guide: features are computed once for both

            def found(some: Mapping[int, Suggested], judged: Judged) -> None:
                self._found.emit(token, some, judged)

            self._suggester.suggest(labelled, rest, len(place), found, lambda: token != self._token)

        self._tasks.run_task(work, lambda future: self._on_ended(token, future))

    def _on_found(self, token: int, found: Mapping[int, Suggested], judged: Judged) -> None:
        if token != self._token or self._closed:
            return
        suggestions = {n: Suggestion(self._classes[one.place], one.probability) for n, one in found.items()}
        here = self._labelling.classes
        self._gallery.set_suggestions({n: one for n, one in suggestions.items() if one.label in here})
        self._class_panel.tell_judged(judged.right, judged.photos)
        self._accept.setEnabled(True)

    def _on_ended(self, token: int, future: Future[None]) -> None:
        try:
            future.result()
        except CancelledError:
            return
        except ResNetDesktopError as error:
            if token == self._token:
                self._class_panel.suggest.setChecked(False)  # for now: it would be said again at every label
                self.said.emit(self.tr("No labels are suggested: {reason}").format(reason=error))

    def _on_accept(self) -> None:
        numbers = self._view.selected_numbers()
        self._labelling.accept_suggestions(numbers)
        if len(numbers) == 1:
            self.accepted.emit()
