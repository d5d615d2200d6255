"""The list of photos: thumbnail, label, confidence; for one that cannot be read, why.

It stays quick with ten thousand photos: rows are painted by a delegate, thumbnails are made when a row is first seen,
and a result changes one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from resnet_desktop.gui.background.drag_folder import DragFolder
from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.photo_classes import PhotoClass, Suggestion
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Failure, Result, Source, file_of, whole_of

AnyIndex = QModelIndex | QPersistentModelIndex
ITEM_ROLE = int(Qt.ItemDataRole.UserRole)
_NO_INDEX = QModelIndex()


@dataclass(slots=True, eq=False)
class Item:
    """One photo in the list: its number (never used again), where it is, its name, and what came of it so far.

    ``queued``: it waits for its result. ``label``: what the user says it is. ``suggestion``: what it may be, of those
    labels; it counts while there is no label. ``round``: which of the list's rounds of
    questions the outcome belongs to; a later one has another model, or shows it another part. ``photo``: the number of
    the photo that it is a part of.
    """

    number: int
    source: Source
    name: str
    outcome: Result | Failure | None = None
    queued: bool = True
    label: PhotoClass | None = None
    suggestion: Suggestion | None = None
    round: int = 0
    photo: int | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Among photos in the order in which they came, each with its parts behind it."""
        return (self.number if self.photo is None else self.photo, self.number)


class GalleryModel(QAbstractListModel):
    """The photos, in the order in which they came until they are arranged."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = thumbnails
        self.drags = DragFolder()
        """Of files that are made for other programs."""
        self._items: list[Item] = []
        self._rows: dict[int, int] = {}
        self._known: dict[Path | Region, int] = {}
        self._next = self._round = 0
        thumbnails.thumbnail_ready.connect(self._show_thumbnail)

    @property
    def items(self) -> tuple[Item, ...]:
        """All photos."""
        return tuple(self._items)

    def add(self, sources: Iterable[tuple[Source, str]]) -> list[Item]:
        """Append pictures with their names; files that are in the list already are passed over."""
        new: list[Item] = []
        for source, name in sources:
            if not isinstance(source, bytes):
                if source in self._known:
                    continue
                self._known[source] = self._next
            new.append(Item(self._next, source, name, round=self._round, photo=self._whole(source)))
            self._next += 1
        if new:
            first = len(self._items)
            self.beginInsertRows(_NO_INDEX, first, first + len(new) - 1)
            self._items.extend(new)
            self._rows.update((item.number, first + place) for place, item in enumerate(new))
            self.endInsertRows()
        return new

    def add_part(self, part: Region, name: str) -> tuple[int, Item] | None:
        """Put a part of a photo below it and its other parts; its row and itself, or None where it is there already."""
        if part in self._known:
            return None
        number = self._whole(part)
        if number is None:  # the photo was removed, and others of its parts are still there
            number = next((other.photo for other in self.parts_of(part)), None)
        rows = [row for row, item in enumerate(self._items) if number is not None and item.place[0] == number]
        row = rows[-1] + 1 if rows else len(self._items)
        item = Item(self._next, part, name, round=self._round, photo=number)
        self._next += 1
        self.put_back([(row, item)])
        return row, item

    def parts_of(self, source: Source) -> list[Item]:
        """The parts of the photo that ``source`` is, or is itself a part of, in the order in which they were drawn."""
        whole = whole_of(source)
        parts = (item for item in self._items if isinstance(item.source, Region))
        return sorted((item for item in parts if whole_of(item.source) == whole), key=lambda item: item.number)

    def remove(self, rows: Iterable[int]) -> set[int]:
        """Take rows out; returns their photos' numbers."""
        numbers: set[int] = set()
        for first, last in _ranges_from_the_end(rows):
            self.beginRemoveRows(_NO_INDEX, first, last)
            for item in self._items[first : last + 1]:
                numbers.add(item.number)
                if not isinstance(item.source, bytes):
                    self._known.pop(item.source, None)
            del self._items[first : last + 1]
            self.endRemoveRows()
        self._rows = {item.number: row for row, item in enumerate(self._items)}
        self.thumbnails.forget(numbers)
        return numbers

    def put_back(self, placed: Sequence[tuple[int, Item]]) -> None:
        """Put photos that were taken out into their rows again, given in the order of the rows.

        What was found out about them is dropped where it was of another model.
        """
        for _, item in placed:
            if item.round != self._round:
                item.outcome, item.round = None, self._round
            item.queued = item.outcome is None
            if not isinstance(item.source, bytes):
                self._known[item.source] = item.number
        for first, items in _without_gaps(placed, len(self._items)):
            self.beginInsertRows(_NO_INDEX, first, first + len(items) - 1)
            self._items[first:first] = items
            self._rows = {item.number: row for row, item in enumerate(self._items)}
            self.endInsertRows()

    def arrange(self, key: Callable[[Item], tuple[Any, ...]]) -> None:
        """Put the photos in order, once; what is selected stays so. Those that come later are appended."""
        arranged = sorted(self._items, key=key)
        if arranged == self._items:
            return
        self.layoutAboutToBeChanged.emit()
        moved = self.persistentIndexList()
        numbers = [self._items[index.row()].number for index in moved]
        self._items = arranged
        self._rows = {item.number: row for row, item in enumerate(arranged)}
        self.changePersistentIndexList(moved, [self.index(self._rows[number]) for number in numbers])
        self.layoutChanged.emit()

    def item(self, number: int) -> Item | None:
        """A photo by its number; None if it was removed."""
        row = self._rows.get(number)
        return None if row is None else self._items[row]

    def row_of(self, source: Source) -> int | None:
        """The row of a file, or of a part of a photo, that is in the list."""
        number = None if isinstance(source, bytes) else self._known.get(source)
        return None if number is None else self._rows[number]

    def row_of_number(self, number: int) -> int | None:
        """The row of a photo by its number."""
        return self._rows.get(number)

    def _whole(self, source: Source) -> int | None:
        """The number of the photo that this is a part of; None where it is none, or the photo is not in the list."""
        if not isinstance(source, Region):
            return None
        whole = whole_of(source)
        if isinstance(whole, Path):
            return self._known.get(whole)
        return next((item.number for item in self._items if item.source == whole), None)

    def set_outcomes(self, outcomes: Mapping[int, Result | Failure]) -> None:
        """What came of photos, by their numbers; those that are not in the list are passed over."""
        for item in self._update(outcomes):
            item.outcome, item.queued = outcomes[item.number], False

    def set_labels(self, labels: Mapping[int, PhotoClass | None]) -> None:
        """Say what photos are, by their numbers; those that are not in the list are passed over."""
        for item in self._update(labels):
            item.label = labels[item.number]

    def set_suggestions(self, suggestions: Mapping[int, Suggestion | None]) -> None:
        """Say what photos may be, by their numbers; those that are not in the list are passed over."""
        for item in self._update(suggestions):
            item.suggestion = suggestions[item.number]

    def relocate(self, moved: Mapping[Path, Path]) -> None:
        """Files lie elsewhere now; the photos stay what they are."""
        there = [item for item in self._items if file_of(item.source) in moved]
        for item in there:
            assert not isinstance(item.source, bytes)
            self._known.pop(item.source, None)
            if isinstance(item.source, Region):
                item.source = replace(item.source, path=str(moved[Path(item.source.path)]))
            else:
                item.source = moved[item.source]
            self._known[item.source] = item.number
        self.thumbnails.forget({item.number for item in there})  # one that was asked for in between has failed
        self._touch_all()

    def requeue_all(self) -> list[Item]:
        """Drop every outcome, as after a change of the model: all photos wait for a new one. Returns them."""
        self._round += 1
        for item in self._items:
            item.outcome, item.queued, item.round = None, True, self._round
        self._touch_all()
        return list(self._items)

    def queue_rest(self) -> list[Item]:
        """Photos without an outcome wait for one again. Returns them."""
        rest = [item for item in self._items if item.outcome is None]
        for item in rest:
            item.queued = True
        self._touch_all()
        return rest

    def requeue(self, numbers: Iterable[int]) -> list[Item]:
        """Some photos wait for a new outcome. Returns them."""
        again: list[Item] = []
        for item in self._update(numbers):
            item.outcome, item.queued = None, True
            again.append(item)
        return again

    def unqueue(self) -> None:
        """No photo waits any more: the queue was cancelled."""
        for item in self._items:
            item.queued = False
        self._touch_all()

    def rowCount(self, parent: AnyIndex = _NO_INDEX) -> int:
        """How many photos."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Item | None:
        """The photo; what is said of it is up to the model of those that are seen."""
        there = index.isValid() and index.row() < len(self._items) and role == ITEM_ROLE
        return self._items[index.row()] if there else None

    def _update(self, numbers: Iterable[int]) -> Iterator[Item]:
        """Those photos of the list, to be changed; the views hear of it at the end."""
        rows = [row for number in numbers if (row := self._rows.get(number)) is not None]
        yield from (self._items[row] for row in rows)
        for first, last in _ranges_from_the_end(rows):
            self.dataChanged.emit(self.index(first), self.index(last))

    def _show_thumbnail(self, number: int) -> None:
        """Nothing that is known of the photo has changed."""
        row = self._rows.get(number)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row), [Qt.ItemDataRole.DecorationRole])

    def _touch_all(self) -> None:
        if self._items:
            self.dataChanged.emit(self.index(0), self.index(len(self._items) - 1))


def _ranges_from_the_end(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Rows as (first, last) of runs without a gap, the last run first."""
    ranges: list[tuple[int, int]] = []
    for row in sorted(set(rows), reverse=True):
        if ranges and ranges[-1][0] == row + 1:
            ranges[-1] = (row, ranges[-1][1])
        else:
            ranges.append((row, row))
    return ranges


def _without_gaps(placed: Sequence[tuple[int, Item]], rows: int) -> list[tuple[int, list[Item]]]:
    """Photos by runs of rows, each with its first row; no row lies beyond the end of a list of so many ``rows``."""
    runs: list[tuple[int, list[Item]]] = []
    for place, (row, item) in enumerate(placed):
        row = min(row, rows + place)
        if runs and row == runs[-1][0] + len(runs[-1][1]):
            runs[-1][1].append(item)
        else:
            runs.append((row, [item]))
    return runs
