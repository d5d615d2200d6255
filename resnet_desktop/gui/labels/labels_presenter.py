"""Sorting photos into classes: brings list, class panel, keys, undo and the labels on disk together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QUndoStack
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_classes import PhotoClass
from resnet_desktop.gui.labels import label_store
from resnet_desktop.gui.labels.class_list import KEYS
from resnet_desktop.gui.labels.class_panel import ClassPanel
from resnet_desktop.gui.labels.label_memory import LabelMemory, key_of
from resnet_desktop.gui.labels.labelling import Labelling
from resnet_desktop.gui.labels.merge_question import ask_how_to_open
from resnet_desktop.gui.labels.suggestions import Suggestions
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.session.results import Failure


class LabelsPresenter(QObject):
    """Signals.

    * ``said`` (a sentence for the notice bar); ``saved`` (a sentence, the path of the file).
    * ``teach_asked`` (path of a CSV file): the guide shall open with it.
    * ``files_wanted`` (paths): a table names these; they shall come into the list.
    """

    said = Signal(str)
    saved = Signal(str, Path)
    teach_asked = Signal(Path)
    files_wanted = Signal(object)

    def __init__(
        self,
        actions: Actions,
        gallery: GalleryModel,
        view: GalleryView,
        class_panel: ClassPanel,
        stack: QUndoStack,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._actions, self._gallery, self._view, self._class_panel, self._window = (
            actions,
            gallery,
            view,
            class_panel,
            window,
        )
        self.labelling = Labelling(gallery, stack, self)
        self.suggestions = Suggestions(
            self.labelling, gallery, view, class_panel, actions.accept_suggestion, preferences, self
        )
        self.suggestions.said.connect(self.said)
        self.suggestions.accepted.connect(lambda: self._go_on(self._view.currentIndex().row()))
        self._tasks = Tasks(1, "labels", self)
        self._tasks.failed.connect(self.said)
        self.memory = LabelMemory(self.labelling, gallery, self._tasks, self)
        self.memory.said.connect(self.said)
        self._keys = [self._key(str(digit), partial(self._on_digit, digit)) for digit in range(KEYS + 1)]
        self._connect()
        self.show(shown=False)
        self._refresh()

    def show(self, *, shown: bool) -> None:
        """Open or close the class panel."""
        self._actions.label.setChecked(shown)
        self._class_panel.setVisible(shown)
        self._view.show_labels(shown)
        self.suggestions.show(shown=shown)
        for key in self._keys:
            key.setEnabled(shown)
        if shown and not self.labelling.classes:
            self._class_panel.new.setFocus()

    def teach(self) -> None:
        """Write the labelled photos down and ask for the guide."""
        self.save(label_store.new_table(), self.teach_asked.emit)

    def save(self, path: Path, then: Callable[[Path], object]) -> None:
        """Write the labelled photos to a CSV file."""
        photos = [(item.source, item.label.name) for item in self._gallery.items if item.label is not None]
        self._tasks.run_task(partial(label_store.write_table, path, photos), partial(self._on_saved, path, then))

    def open(self, path: Path) -> None:
        """Take labels from a CSV file, and its photos into the list."""
        self.memory.look_up()  # on the same thread, before the file is read
        self._tasks.run_task(partial(label_store.read_table, path), self._on_table)

    def close(self) -> None:
        """Write what is left, and wait for it."""
        self.memory.close()
        self._tasks.finish()

    def _connect(self) -> None:
        does, class_panel = self._actions, self._class_panel
        does.label.toggled.connect(lambda shown: self.show(shown=shown))
        does.save_labels.triggered.connect(self._on_save)
        does.open_labels.triggered.connect(lambda: dialogs.ask_for_labels(self._window, self.open))
        class_panel.class_wanted.connect(lambda name: self.labelling.add(name))
        class_panel.list.chosen.connect(lambda one: self._assign(one))
        class_panel.list.classes.dropped.connect(lambda one, numbers: self.labelling.assign(numbers, one))
        class_panel.list.classes.renamed.connect(self._on_renamed)
        class_panel.removed.connect(self.labelling.remove)
        class_panel.photos_wanted.connect(self._on_photos_wanted)
        class_panel.teach_asked.connect(self.teach)
        class_panel.closed.connect(lambda: self.show(shown=False))
        self.labelling.changed.connect(self._refresh)
        self._gallery.rowsInserted.connect(self._refresh)

    def _key(self, text: str, does: Callable[[], object]) -> QShortcut:
        shortcut = QShortcut(QKeySequence(text), self._window)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(does)
        return shortcut

    def _on_digit(self, digit: int) -> None:
        classes = self.labelling.classes
        if digit == 0:
            self._assign(None)
        elif digit <= len(classes):
            self._assign(classes[digit - 1])

    def _assign(self, one: PhotoClass | None) -> None:
        """Label the selection; after a single photo, go on to the next without a label."""
        numbers = self._view.selected_numbers()
        self.labelling.assign(numbers, one)
        if len(numbers) == 1 and one is not None:
            self._go_on(self._view.currentIndex().row())

    def _go_on(self, row: int) -> None:
        items = self._view.shown.items
        for place in range(row + 1, len(items)):
            if items[place].label is None and not isinstance(items[place].outcome, Failure):
                self._view.select_row(place)
                return

    def _on_renamed(self, one: PhotoClass, name: str) -> None:
        if not self.labelling.rename(one, name):
            self.said.emit(self.tr("Each class needs a unique name."))

    def _on_photos_wanted(self, one: PhotoClass) -> None:
        self._view.select_numbers(self.labelling.photos(one))

    def _refresh(self) -> None:
        counts = self.labelling.counts()
        self._class_panel.list.classes.show_classes(tuple(counts), tuple(counts.values()))
        ready, labelled = label_store.teachable(tuple(counts.values())), sum(counts.values())
        self._class_panel.teach.setEnabled(ready)
        self._actions.save_labels.setEnabled(bool(labelled))
        if not counts:
            words = self.tr("Name your classes. Then select photos and press a class's number, or drag them onto it.")
        elif not ready:
            words = self.tr("Training needs at least two classes with two photos each. Ten per class is a good start.")
        else:
            words = self.tr("{labelled} of {all} photos are labelled.").format(
                labelled=wording.number(labelled), all=wording.number(len(self._gallery.items))
            )
        self._class_panel.say(words)

    def _on_save(self) -> None:
        dialogs.ask_where(
            self._window, self.tr("Save labels"), "labels.csv", lambda path: self.save(path, self._say_saved)
        )

    def _say_saved(self, path: Path) -> None:
        self.saved.emit(self.tr("Labels saved to {path}.").format(path=path), path)

    def _on_saved(self, path: Path, then: Callable[[Path], object], future: Future[int]) -> None:
        try:
            future.result()
        except ResNetDesktopError as error:
            self.said.emit(str(error))
            return
        then(path)

    def _on_table(self, future: Future[label_store.OpenedTable]) -> None:
        try:
            table = future.result()
        except ResNetDesktopError as error:
            self.said.emit(str(error))
            return
        if self.labelling.labelled:
            ask_how_to_open(self._window, self.labelling.labelled, lambda replace: self._take(table, replace))
        else:
            self._take(table, replace=False)

    def _take(self, table: label_store.OpenedTable, replace: bool) -> None:
        labels = {str(path.absolute()): label for path, label in table.labels.items()}
        here = ((item.number, key_of(item)) for item in self._gallery.items)
        names = {number: labels[key] for number, key in here if key in labels}
        self.labelling.open(names, replace=replace, memory=self.memory.opening(labels, replace=replace))
        self.show(shown=True)
        self.files_wanted.emit(list(table.files))
        if table.remarks:
            self.said.emit(" ".join(table.remarks))
