"""Labels that are kept beyond the list: they come back with their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from PySide6.QtCore import QModelIndex, QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.labels import label_store
from resnet_desktop.gui.labels.labelling import Labelling
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import file_of

DELAY_MS = 800


class LabelMemory(QObject):
    """Labels photos that come into the list as they were labelled before, and writes down what changes.

    Args:
        tasks: reads and writes, one thing at a time.

    Signal: ``said`` (a sentence): why nothing could be written.
    """

    said = Signal(str)

    def __init__(self, labelling: Labelling, gallery: GalleryModel, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._labelling, self._gallery, self._tasks = labelling, gallery, tasks
        self._known: dict[str, str] | None = None  # label by path; None until it has been read
        self._opened: dict[str, str] = {}  # label by path, out of files that were opened
        self._asked = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._write)
        labelling.changed.connect(self._on_changed)
        gallery.rowsInserted.connect(self._on_inserted)

    def look_up(self) -> None:
        """Read what was remembered, once."""
        if not self._asked:
            self._asked = True
            self._tasks.run_task(label_store.remembered, self._on_remembered)

    def opening(self, labels: Mapping[str, str], *, replace: bool) -> QUndoCommand:
        """The step that takes labels by key out of a file, also for photos that are not in the list yet."""
        before = self._opened
        return _Opened(self._set_opened, before, dict(labels) if replace else {**before, **labels})

    def close(self) -> None:
        """Write what is left; whoever owns the tasks waits for it."""
        if self._timer.isActive():
            self._timer.stop()
            self._write()

    def _set_opened(self, labels: dict[str, str]) -> None:
        self._opened = labels

    def _on_changed(self) -> None:
        if self._known is not None:
            self._timer.start()

    def _on_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        self.look_up()
        self._restore(self._gallery.items[first : last + 1])

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
            if item.label is None and (key := key_of(item)) is not None and key in known
        }
        if names:
            self._labelling.restore(names)

    def _write(self) -> None:
        if self._known is None:
            return
        order = {one: place for place, one in enumerate(self._labelling.classes)}
        labelled: list[tuple[int, str, str]] = []
        for item in self._gallery.items:
            key = key_of(item)
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


class _Opened(QUndoCommand):
    """The labels of files that are not in the list yet."""

    def __init__(self, put: Callable[[dict[str, str]], object], before: dict[str, str], after: dict[str, str]) -> None:
        super().__init__()
        self._put, self._before, self._after = put, before, after

    def redo(self) -> None:
        self._put(self._after)

    def undo(self) -> None:
        self._put(self._before)


def key_of(item: Item) -> str | None:
    """What a label is remembered under: the file; of a part, the file with the box."""
    file = file_of(item.source)
    if file is None:
        return None
    return f"{file.absolute()}#{item.source.fragment}" if isinstance(item.source, Region) else str(file.absolute())
