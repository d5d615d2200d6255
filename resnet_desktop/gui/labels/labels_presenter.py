"""Sorting photos into classes: brings list, class panel, keys, undo and the labels on disk together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from PySide6.QtCore import QModelIndex, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QUndoCommand, QUndoStack
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_classes import PhotoClass
from resnet_desktop.gui.labels import label_store
from resnet_desktop.gui.labels.class_list import KEYS
from resnet_desktop.gui.labels.class_panel import ClassPanel
from resnet_desktop.gui.labels.labelling import Labelling
from resnet_desktop.gui.labels.merge_question import ask_how_to_open
from resnet_desktop.gui.labels.suggestions import Suggestions
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Failure, file_of

DELAY_MS = 800


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
        self._known: dict[str, str] | None = None  # label by path; None until it has been read
        self._opened: dict[str, str] = {}  # label by path, out of files that were opened
        self._asked = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._remember)
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
        self._look_up()  # on the same thread, before the file is read
        self._tasks.run_task(partial(label_store.read_table, path), self._on_table)

    def close(self) -> None:
        """Write what is left, and wait for it."""
        if self._timer.isActive():
            self._timer.stop()
            self._remember()
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
        self.labelling.changed.connect(self._on_changed)
        self._gallery.rowsInserted.connect(self._on_inserted)

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

    def _on_changed(self) -> None:
        self._refresh()
        if self._known is not None:
            self._timer.start()

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

    def _look_up(self) -> None:
        """Read what was remembered, once."""
        if not self._asked:
            self._asked = True
            self._tasks.run_task(label_store.remembered, self._on_remembered)

    def _on_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._look_up()
        self._restore(self._gallery.items[first : last + 1])
        self._refresh()

    def _on_remembered(self, future: Future[dict[str, str]]) -> None:
        self._known = future.result()
        labelled = any(item.label is not None for item in self._gallery.items)
        self._restore(self._gallery.items)
        if labelled:
            self._timer.start()

    def _restore(self, items: Sequence[Item]) -> None:
        known = {**(self._known or {}), **self._opened}
        names = {
            item.number: known[key]
            for item in items
            if item.label is None and (key := _key_of(item)) is not None and key in known
        }
        if names:
            self.labelling.restore(names)

    def _remember(self) -> None:
        if self._known is None:
            return
        order = {one: place for place, one in enumerate(self.labelling.classes)}
        labelled: list[tuple[int, str, str]] = []
        for item in self._gallery.items:
            key = _key_of(item)
            if key is not None:
                self._known.pop(key, None)
                if item.label is not None:
                    labelled.append((order[item.label], key, item.label.name))
        # In the order of the classes, so that they have the same keys when they come back.
        self._known = {key: name for _, key, name in sorted(labelled, key=lambda row: row[0])} | self._known
        labels = dict(self._known)
        self._tasks.run_task(lambda: label_store.remember(labels), self._on_written)

    def _on_written(self, future: Future[None]) -> None:
        try:
            future.result()
        except ResNetDesktopError as error:
            self.said.emit(str(error))

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
        here = ((item.number, _key_of(item)) for item in self._gallery.items)
        names = {number: labels[key] for number, key in here if key in labels}
        before = self._opened
        after = labels if replace else {**before, **labels}
        self.labelling.open(names, replace=replace, memory=_Opened(self.set_opened, before, after))
        self.show(shown=True)
        self.files_wanted.emit(list(table.files))
        if table.remarks:
            self.said.emit(" ".join(table.remarks))

    def set_opened(self, labels: dict[str, str]) -> None:
        """What the step does; not a step itself."""
        self._opened = labels


class _Opened(QUndoCommand):
    """The labels of files that are not in the list yet."""

    def __init__(self, put: Callable[[dict[str, str]], object], before: dict[str, str], after: dict[str, str]) -> None:
        super().__init__()
        self._put, self._before, self._after = put, before, after

    def redo(self) -> None:
        self._put(self._after)

    def undo(self) -> None:
        self._put(self._before)


def _key_of(item: Item) -> str | None:
    """What a label is remembered under: the file; of a part, the file with the box."""
    file = file_of(item.source)
    if file is None:
        return None
    return f"{file.absolute()}#{item.source.fragment}" if isinstance(item.source, Region) else str(file.absolute())
