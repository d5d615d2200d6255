"""Sorting into folders off the GUI thread, as a step that can be taken back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.organize.sort_dialog import SortDialog, SortOrder
from resnet_desktop.gui.style import wording
from resnet_desktop.session.results import Failure
from resnet_desktop.sorting import transfer
from resnet_desktop.sorting.transfer import Placed
from resnet_desktop.sorting.undo import Returned, take_back

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Progress

T = TypeVar("T")


class SortPresenter(QObject):
    """Signals.

    * ``said`` (a sentence); ``saved`` (a sentence, the folder); ``working`` (how far it is).
    * ``relocated``: photos of the list lie elsewhere now.
    """

    said = Signal(str)
    saved = Signal(str, Path)
    working = Signal(str)
    relocated = Signal()
    _advanced = Signal(int, int)

    def __init__(self, gallery: GalleryModel, stack: QUndoStack, window: QWidget) -> None:
        super().__init__(window)
        self._gallery, self._stack, self._window = gallery, stack, window
        self._tasks = Tasks(1, "sorting", self)
        self._tasks.failed.connect(self.said)
        self._cancelled = threading.Event()
        self._folder: Path | None = None
        self.dialog: SortDialog | None = None
        self._advanced.connect(self._on_advanced)

    def ask(self, selected: Sequence[Item], threshold: float) -> SortDialog:
        """Open the dialog."""
        dialog = self.dialog = SortDialog(self._gallery.items, selected, threshold, self._folder, self._window)
        dialog.wanted.connect(self._on_wanted)
        dialog.cancelled.connect(self._cancelled.set)
        dialog.destroyed.connect(self._on_destroyed)
        dialog.open()
        return dialog

    def close(self) -> None:
        """End between two photos, and wait for that."""
        self._cancelled.set()
        self._tasks.drain()

    def sort(self, order: SortOrder, run: str, done: Callable[[Future[list[Placed]]], None]) -> None:
        """What the step does; not a step itself."""
        self._begin(lambda progress: self._sorted(order, run, progress), done)

    def take_back(self, folder: Path, run: str) -> None:
        """What the step does; not a step itself."""
        self.working.emit(self.tr("Taking the photos back…"))

        def work(progress: Progress) -> list[Returned]:
            return take_back(folder, run=run, cancelled=self._cancelled.is_set, progress=progress)

        self._begin(work, self._on_taken_back)

    def again(self, order: SortOrder, run: str) -> None:
        """What the step does; not a step itself."""
        self.working.emit(self.tr("Sorting the photos…"))
        self.sort(order, run, lambda future: self._tell(order, future.result()))

    def _sorted(self, order: SortOrder, run: str, progress: Progress) -> list[Placed]:
        cancelled = self._cancelled.is_set
        return transfer.sort(
            order.folder, order.choices, move=order.move, run=run, cancelled=cancelled, progress=progress
        )

    def _begin(self, work: Callable[[Progress], T], done: Callable[[Future[T]], None]) -> None:
        self._cancelled.clear()
        self._tasks.run_task(lambda: work(self._advanced.emit), done)

    def _on_wanted(self, order: SortOrder) -> None:
        if self.dialog is None:
            return
        self._folder = order.folder
        self.dialog.show_running()
        run = transfer.new_run()
        self.sort(order, run, lambda future: self._on_sorted(order, run, future))

    def _on_sorted(self, order: SortOrder, run: str, future: Future[list[Placed]]) -> None:
        try:
            placed = future.result()
        except ResNetDesktopError as error:
            self._push(order, run)  # what was done until then is in the record
            if self.dialog is not None:
                self.dialog.show_problem(Failure.of(error).text)
            return
        if any(one.error is None and one.action != "keep" for one in placed):
            self._push(order, run)
        if self.dialog is not None:
            self.dialog.finish()
        self._tell(order, placed)

    def _push(self, order: SortOrder, run: str) -> None:
        self._stack.push(_Sorted(self, order, run))

    def _tell(self, order: SortOrder, placed: Sequence[Placed]) -> None:
        self._relocate({one.choice.path: one.to for one in placed if one.action == "move" and one.to is not None})
        failed = [one for one in placed if one.error is not None]
        there = sum(one.action == "keep" for one in placed)
        done = len(placed) - len(failed) - there
        copied, moved = self.tr("{count} photos copied into {folder}."), self.tr("{count} photos moved into {folder}.")
        words = moved if order.move else copied
        text = words.format(count=wording.number(done), folder=order.folder)
        if there:
            text += " " + self.tr("{count} were there already.").format(count=wording.number(there))
        if len(placed) < len(order.choices):
            text += " " + self.tr("Cancelled before the rest.")
        if failed and failed[0].error is not None:
            count = wording.number(len(failed))
            text += " " + self.tr("{count} failed: {why}").format(count=count, why=failed[0].error.message)
            self.said.emit(text)
        else:
            self.saved.emit(text, order.folder)

    def _on_taken_back(self, future: Future[list[Returned]]) -> None:
        returned = future.result()
        back = [one for one in returned if one.error is None]
        self._relocate({one.to: one.source for one in back if one.entry.action == "move"})
        left = [one.error for one in returned if one.error is not None]
        text = self.tr("{count} photos taken back.").format(count=wording.number(len(back)))
        if left:
            count = wording.number(len(left))
            text += " " + self.tr("{count} stay: {why}").format(count=count, why=left[0].message)
        self.said.emit(text)

    def _relocate(self, moved: Mapping[Path, Path]) -> None:
        if moved:
            self._gallery.relocate(moved)
            self.relocated.emit()

    def _on_advanced(self, done: int, total: int) -> None:
        if self.dialog is not None:
            self.dialog.working.advance(done, total)

    def _on_destroyed(self) -> None:
        self.dialog = None


class _Sorted(QUndoCommand):
    """Is pushed when the photos are sorted already."""

    def __init__(self, presenter: SortPresenter, order: SortOrder, run: str) -> None:
        words = (
            presenter.tr("moving photos into folders") if order.move else presenter.tr("copying photos into folders")
        )
        super().__init__(words)
        self._presenter, self._order, self._run = presenter, order, run
        self._done = True

    def redo(self) -> None:
        if not self._done:
            self._run = transfer.new_run()
            self._presenter.again(self._order, self._run)
        self._done = False

    def undo(self) -> None:
        self._presenter.take_back(self._order.folder, self._run)
