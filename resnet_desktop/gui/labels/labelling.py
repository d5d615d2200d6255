"""Which photo of the list is of which class. Every change can be taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.photo_classes import PhotoClass, clean
from resnet_desktop.session.results import Failure

Labels = Mapping[int, PhotoClass | None]
"""By the number of the photo."""


class Labelling(QObject):
    """The classes in their order, and the label of each photo, which is kept in the list itself.

    Signal: ``changed``: classes, names or labels are others.
    """

    changed = Signal()

    def __init__(self, gallery: GalleryModel, stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = stack
        self._gallery = gallery
        self._classes: list[PhotoClass] = []
        self._next = 0
        gallery.rowsRemoved.connect(self.changed)
        gallery.modelReset.connect(self.changed)

    @property
    def classes(self) -> tuple[PhotoClass, ...]:
        """All classes, in their order."""
        return tuple(self._classes)

    @property
    def labelled(self) -> int:
        """How many photos have a label."""
        return sum(item.label is not None for item in self._gallery.items)

    def counts(self) -> dict[PhotoClass, int]:
        """How many photos each class has."""
        found = Counter(item.label for item in self._gallery.items if item.label is not None)
        return {one: found[one] for one in self._classes}

    def find(self, name: str) -> PhotoClass | None:
        """The class of this name; names that differ only in case are one."""
        wanted = clean(name).casefold()
        return next((one for one in self._classes if one.name.casefold() == wanted), None)

    def add(self, name: str, photos: Iterable[int] = ()) -> PhotoClass | None:
        """A new class, or the one of that name, and these photos in it; None where the name is empty."""
        name, numbers = clean(name), tuple(photos)
        if not name:
            return None
        known = self.find(name)
        if known is not None:
            self.assign(numbers, known)
            return known
        new = self._new(name)
        self.undo_stack.beginMacro(self.tr("new class “{name}”").format(name=name))
        self.undo_stack.push(_Insert(self, new, len(self._classes)))
        self.assign(numbers, new)
        self.undo_stack.endMacro()
        return new

    def rename(self, one: PhotoClass, name: str) -> bool:
        """Give a class another name; False where that is empty or taken."""
        name, other = clean(name), self.find(name)
        if not name or other not in (None, one):
            return False
        if name != one.name:
            self.undo_stack.push(_Rename(self, one, name))
        return True

    def remove(self, one: PhotoClass) -> None:
        """Take a class away; its photos have no label then."""
        self.undo_stack.push(_Remove(self, one))

    def assign(self, photos: Iterable[int], one: PhotoClass | None) -> None:
        """Put photos into a class, or into none. Files that are no photos are left out."""
        items = (self._gallery.item(number) for number in photos)
        before = {
            item.number: item.label
            for item in items
            if item is not None and item.label is not one and not isinstance(item.outcome, Failure)
        }
        if before:
            words = self.tr("label “{name}”").format(name=one.name) if one else self.tr("removing a label")
            self.undo_stack.push(_Assign(self, before, dict.fromkeys(before, one), words))

    def accept_suggestions(self, photos: Iterable[int]) -> int:
        """Let photos without a label be what is suggested, as one step; returns how many."""
        items = [item for number in photos if (item := self._gallery.item(number)) is not None]
        after = {
            item.number: item.suggestion.label
            for item in items
            if item.label is None and item.suggestion is not None and not isinstance(item.outcome, Failure)
        }
        if after:
            words = self.tr("accepting suggestions")
            self.undo_stack.push(_Assign(self, dict.fromkeys(after), after, words))
        return len(after)

    def open(self, names: Mapping[int, str], *, replace: bool, memory: QUndoCommand) -> None:
        """Labels out of a file, by name, as one step; with ``replace`` in place of all that there are.

        ``memory``: what else is done and taken back with it.
        """
        self.undo_stack.beginMacro(self.tr("opening labels"))
        self.undo_stack.push(memory)
        if replace:
            for one in self.classes:
                self.remove(one)
        for name in dict.fromkeys(names.values()):
            self.add(name, [number for number, label in names.items() if label == name])
        self.undo_stack.endMacro()

    def accept(self, names: Mapping[int, str]) -> None:
        """Labels by name for photos that have none, as one step."""
        photos: dict[str, list[int]] = {}
        for number, name in names.items():
            photos.setdefault(name, []).append(number)
        self.undo_stack.beginMacro(self.tr("accepting {count} labels").format(count=len(names)))
        for name, numbers in photos.items():
            self.add(name, numbers)
        self.undo_stack.endMacro()

    def restore(self, names: Mapping[int, str]) -> None:
        """Labels that were given in an earlier session, by name; not a step that is taken back."""
        labels: dict[int, PhotoClass | None] = {}
        for number, name in names.items():
            one = self.find(name)
            if one is None:
                one = self._new(clean(name))
                self._classes.append(one)
            labels[number] = one
        self.set_labels(labels)

    def set_labels(self, labels: Labels) -> None:
        """What the steps do; not a step itself."""
        self._gallery.set_labels(labels)
        self.changed.emit()

    def insert(self, one: PhotoClass, place: int) -> None:
        """What the steps do; not a step itself."""
        self._classes.insert(place, one)
        self.changed.emit()

    def take(self, one: PhotoClass) -> None:
        """What the steps do; not a step itself."""
        self._classes.remove(one)
        self.changed.emit()

    def repaint(self) -> None:
        """A name has changed."""
        self._gallery.set_labels({item.number: item.label for item in self._gallery.items if item.label is not None})
        self.changed.emit()

    def photos(self, one: PhotoClass) -> tuple[int, ...]:
        """The photos of a class."""
        return tuple(item.number for item in self._gallery.items if item.label is one)

    def _new(self, name: str) -> PhotoClass:
        self._next += 1
        return PhotoClass(self._next - 1, name)


class _Assign(QUndoCommand):
    def __init__(self, labelling: Labelling, before: Labels, after: Labels, words: str) -> None:
        super().__init__(words)
        self._labelling, self._before, self._after = labelling, before, after

    def redo(self) -> None:
        self._labelling.set_labels(self._after)

    def undo(self) -> None:
        self._labelling.set_labels(self._before)


class _Insert(QUndoCommand):
    def __init__(self, labelling: Labelling, one: PhotoClass, place: int) -> None:
        super().__init__(labelling.tr("new class “{name}”").format(name=one.name))
        self._labelling, self._one, self._place = labelling, one, place

    def redo(self) -> None:
        self._labelling.insert(self._one, self._place)

    def undo(self) -> None:
        self._labelling.take(self._one)


class _Remove(QUndoCommand):
    def __init__(self, labelling: Labelling, one: PhotoClass) -> None:
        super().__init__(labelling.tr("removing class “{name}”").format(name=one.name))
        self._labelling, self._one = labelling, one
        self._place, self._photos = labelling.classes.index(one), labelling.photos(one)

    def redo(self) -> None:
        self._labelling.set_labels(dict.fromkeys(self._photos))
        self._labelling.take(self._one)

    def undo(self) -> None:
        self._labelling.insert(self._one, self._place)
        self._labelling.set_labels(dict.fromkeys(self._photos, self._one))


class _Rename(QUndoCommand):
    def __init__(self, labelling: Labelling, one: PhotoClass, name: str) -> None:
        super().__init__(labelling.tr("renaming class “{name}”").format(name=one.name))
        self._labelling, self._one, self._before, self._after = labelling, one, one.name, name

    def redo(self) -> None:
        self._one.name = self._after
        self._labelling.repaint()

    def undo(self) -> None:
        self._one.name = self._before
        self._labelling.repaint()
