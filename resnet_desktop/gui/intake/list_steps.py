"""The steps that change which photos are in the list, and in which order; each can be taken back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.photo_list import PhotoList
from resnet_desktop.gui.style import wording
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Source

Placed = Sequence[tuple[int, Item]]
"""Photos and their rows, in the order of the rows."""


class ListSteps(QObject):
    """Adds, removes and sorts.

    Signals:
        came: the photos (list of Item) that are in the list now and were not before.
        went: the numbers of those that are in it no more.
    """

    came = Signal(object)
    went = Signal(object)

    def __init__(self, gallery: GalleryModel, photo_list: PhotoList, stack: QUndoStack, parent: QObject) -> None:
        super().__init__(parent)
        self._gallery, self._list, self._stack = gallery, photo_list, stack
        self._batches = itertools.count()
        photo_list.rearranged.connect(self._on_rearranged)

    def new_batch(self) -> int:
        """A name for photos that come bit by bit, so that they are one step."""
        return next(self._batches)

    def add(self, sources: Iterable[tuple[Source, str]], batch: int) -> list[Item]:
        """Append pictures with their names; those that are new. Those of one batch are one step."""
        new = self._gallery.add(sources)
        if new:
            first = len(self._gallery.items) - len(new)
            self._stack.push(_Add(self, list(enumerate(new, first)), batch))
            self.came.emit(new)
        return new

    def add_part(self, part: Region, name: str) -> Item | None:
        """Put a part of a photo below it; None where it is there already."""
        found = self._gallery.add_part(part, name)
        if found is None:
            return None
        self._stack.push(_Add(self, [found], self.new_batch()))
        self.came.emit([found[1]])
        return found[1]

    def bring_back(self, sources: Iterable[tuple[Source, str]]) -> list[Item]:
        """Append pictures that were in the list when the app was closed; not a step: there is nothing to take back."""
        new = self._gallery.add(sources)
        if new:
            self.came.emit(new)
        return new

    def remove(self, rows: Iterable[int]) -> None:
        """Take rows out."""
        items = self._gallery.items
        placed = [(row, items[row]) for row in sorted(set(rows)) if 0 <= row < len(items)]
        if placed:
            self._stack.push(_Remove(self, placed, self._words(len(placed), len(items))))

    def take(self, placed: Placed) -> None:
        """What the steps do; not a step itself."""
        rows = (self._gallery.row_of_number(item.number) for _, item in placed)
        self.went.emit(self._gallery.remove(row for row in rows if row is not None))

    def put_back(self, placed: Placed) -> None:
        """What the steps do; not a step itself."""
        self._gallery.put_back(placed)
        self.came.emit([item for _, item in placed])

    def set_order(self, order: str, numbers: Sequence[int]) -> None:
        """What the steps do; not a step itself."""
        places = {number: place for place, number in enumerate(numbers)}
        self._gallery.arrange(lambda item: (places.get(item.number, len(places)),))  # others come behind
        self._list.show_order(order)

    def _words(self, some: int, of: int) -> str:
        if some == of:
            return self.tr("clearing the list")
        if some == 1:
            return self.tr("removing a photo")
        return self.tr("removing {count} photos").format(count=wording.number(some))

    def _on_rearranged(self, before: str, numbers: list[int]) -> None:
        after = [item.number for item in self._gallery.items]
        if numbers and (before, numbers) != (self._list.order, after):
            self._stack.push(_Sort(self, (before, numbers), (self._list.order, after)))


class _Add(QUndoCommand):
    """Is pushed when the photos are in the list already."""

    def __init__(self, steps: ListSteps, placed: Placed, batch: int) -> None:
        super().__init__()
        self._steps, self.placed, self.batch = steps, list(placed), batch
        self._done = True
        self._name()

    def id(self) -> int:
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Add) or other.batch != self.batch:
            return False
        self.placed += other.placed
        self._name()
        return True

    def redo(self) -> None:
        if self._done:
            self._done = False
            return
        self._steps.put_back(self.placed)

    def undo(self) -> None:
        self._done = False
        self._steps.take(self.placed)

    def _name(self) -> None:
        count, steps = len(self.placed), self._steps
        part = isinstance(self.placed[0][1].source, Region)
        one = steps.tr("selecting a part") if part else steps.tr("adding a photo")
        self.setText(one if count == 1 else steps.tr("adding {count} photos").format(count=wording.number(count)))


class _Remove(QUndoCommand):
    def __init__(self, steps: ListSteps, placed: Placed, words: str) -> None:
        super().__init__(words)
        self._steps, self._placed = steps, placed

    def redo(self) -> None:
        self._steps.take(self._placed)

    def undo(self) -> None:
        self._steps.put_back(self._placed)


class _Sort(QUndoCommand):
    """Is pushed when the list is in its new order already."""

    def __init__(self, steps: ListSteps, before: tuple[str, list[int]], after: tuple[str, list[int]]) -> None:
        super().__init__(steps.tr("sorting"))
        self._steps, self._before, self._after = steps, before, after
        self._done = True

    def redo(self) -> None:
        if not self._done:
            self._steps.set_order(*self._after)
        self._done = False

    def undo(self) -> None:
        self._steps.set_order(*self._before)
