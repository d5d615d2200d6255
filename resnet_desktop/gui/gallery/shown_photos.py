"""The photos that are seen: those of the list that a filter leaves, by class where that is wanted.

Rows of views are rows of this model. Where nothing is filtered or grouped it follows the list row by row; else it is
made anew when the list changes, a little later where results pour in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, Qt, QTimer, Signal

from resnet_desktop.gui.gallery import photo_words
from resnet_desktop.gui.gallery.gallery_model import ITEM_ROLE, AnyIndex, GalleryModel, Item
from resnet_desktop.gui.gallery.photo_filter import Facts, PhotoFacts, PhotoFilter, Sieved, sieve
from resnet_desktop.gui.gallery.photo_mime import PhotoMime
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.imaging.files import natural_key
from resnet_desktop.session.results import Failure

DELAY_MS = 250
_label_key = lru_cache(maxsize=4096)(natural_key)
_NO_INDEX = QModelIndex()


@dataclass(frozen=True, slots=True)
class Group:
    """Photos that stand together: under which words, and how many."""

    title: str
    count: int


class ShownPhotos(QAbstractListModel):
    """Signals.

    * ``filter_changed`` (PhotoFilter): another one is in force.
    * ``sieved``: what is seen, or one of the counts, may be another.
    """

    filter_changed = Signal(object)
    sieved = Signal()

    def __init__(self, source: GalleryModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.source = source
        self._filter, self._grouped = PhotoFilter(), False
        self._items: list[Item] = list(source.items)
        self._rows: dict[int, int] = {}
        self._groups: tuple[Group, ...] = ()
        self._found: Sieved | None = None
        self._facts, self._facts_of_gone = PhotoFacts(), False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(DELAY_MS)
        self._later.timeout.connect(self.refresh)
        self._number_rows()
        source.rowsAboutToBeInserted.connect(self._on_coming)
        source.rowsInserted.connect(self._on_came)
        source.rowsAboutToBeRemoved.connect(self._on_going)
        source.rowsRemoved.connect(self._on_went)
        source.layoutAboutToBeChanged.connect(self._on_moving)
        source.layoutChanged.connect(self._on_moved)
        source.dataChanged.connect(self._on_changed)

    @property
    def items(self) -> tuple[Item, ...]:
        """The photos that are seen, in their order."""
        return tuple(self._items)

    @property
    def filter(self) -> PhotoFilter:
        """What is asked for."""
        return self._filter

    @property
    def groups(self) -> tuple[Group, ...]:
        """What the photos are grouped into, from the first row on; empty where they are not."""
        return self._groups

    @property
    def hidden(self) -> int:
        """How many photos of the list are not seen."""
        return self.source.rowCount() - len(self._items)

    def set_filter(self, wanted: PhotoFilter) -> None:
        """See others."""
        if wanted != self._filter:
            self._filter = wanted
            self.refresh()
            self.filter_changed.emit(wanted)

    def set_grouped(self, grouped: bool) -> None:
        """Photos with one answer together, or as they come."""
        if grouped != self._grouped:
            self._grouped = grouped
            self.refresh()

    def count(self) -> Sieved:
        """What is seen, and how many photos there are of each kind."""
        return self._found or sieve(self.source.items, self._filter, self._facts)

    def refresh(self) -> None:
        """Look at the whole list anew."""
        self._later.stop()
        everything = self.source.items
        if self._facts_of_gone:
            self._facts.forget_gone(everything)
            self._facts_of_gone = False
        self._found = sieve(everything, self._filter, self._facts) if self._filter.active else None
        items = list(everything) if self._found is None else self._found.photos
        groups: tuple[Group, ...] = ()
        if self._grouped:
            titles = {False: self.tr("Not classified"), True: self.tr("Cannot be read")}
            items, groups = _by_class(self._facts.of(items), titles)
        if items != self._items or groups != self._groups:
            self.beginResetModel()
            self._items, self._groups = items, groups
            self._number_rows()
            self.endResetModel()
        self.sieved.emit()

    def row_of_number(self, number: int) -> int | None:
        """The row of a photo; None where it is not seen."""
        return self._rows.get(number)

    def rows_of(self, numbers: Iterable[int]) -> list[int]:
        """The rows of those photos that are seen, from the first on."""
        found = map(self._rows.get, numbers)
        return sorted(row for row in found if row is not None)

    def rowCount(self, parent: AnyIndex = _NO_INDEX) -> int:
        """How many photos are seen."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Item | str | None:
        """The photo for the delegate; words for tooltips and screen readers."""
        if not index.isValid() or index.row() >= len(self._items):
            return None
        item = self._items[index.row()]
        if role == ITEM_ROLE:
            return item
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{item.name}: {photo_words.words(item)}"
        return plain_tip(photo_words.tip(item)) if role == Qt.ItemDataRole.ToolTipRole else None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Rows can be dragged, where the view lets them."""
        usual = super().flags(index)
        return usual | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else usual

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The photos of some rows: numbers for our own classes, files for other programs."""
        return PhotoMime([self._items[index.row()] for index in indexes], self.source.drags)

    @property
    def _plain(self) -> bool:
        """Whether the rows are those of the list."""
        return not self._grouped and not self._filter.active

    def _number_rows(self) -> None:
        self._rows = {item.number: row for row, item in enumerate(self._items)}

    def _on_coming(self, _parent: QModelIndex, first: int, last: int) -> None:
        if self._plain:
            self.beginInsertRows(_NO_INDEX, first, last)

    def _on_came(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._facts.of(self.source.items[first : last + 1])  # now, a few at a time, not all at the first letter
        if not self._plain:
            self.refresh()
            return
        self._items[first:first] = self.source.items[first : last + 1]
        self._number_rows()
        self.endInsertRows()
        self.sieved.emit()

    def _on_going(self, _parent: QModelIndex, first: int, last: int) -> None:
        if self._plain:
            self.beginRemoveRows(_NO_INDEX, first, last)

    def _on_went(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._facts_of_gone = True
        if not self._plain:
            self.refresh()
            return
        del self._items[first : last + 1]
        self._number_rows()
        self.endRemoveRows()
        self.sieved.emit()

    def _on_moving(self) -> None:
        if self._plain:
            self.layoutAboutToBeChanged.emit()

    def _on_moved(self) -> None:
        if not self._plain:
            self.refresh()
            return
        moved = self.persistentIndexList()
        numbers = [self._items[index.row()].number for index in moved]
        self._items = list(self.source.items)
        self._number_rows()
        self.changePersistentIndexList(moved, [self.index(self._rows[number]) for number in numbers])
        self.layoutChanged.emit()

    def _on_changed(self, first: QModelIndex, last: QModelIndex, roles: Sequence[int]) -> None:
        if first.row() == last.row() and not roles:
            self._facts.of([first.data(ITEM_ROLE)])
        if self._plain:
            self.dataChanged.emit(self.index(first.row()), self.index(last.row()), roles)
        elif first.row() == last.row():
            row = self._rows.get(first.data(ITEM_ROLE).number)
            if row is not None:
                self.dataChanged.emit(self.index(row), self.index(row), roles)
        elif self._items:
            self.dataChanged.emit(self.index(0), self.index(len(self._items) - 1), roles)
        if not roles and not self._later.isActive():  # a thumbnail that has come changes nothing else
            self._later.start()


def _by_class(photos: Sequence[Facts], titles: Mapping[bool, str]) -> tuple[list[Item], tuple[Group, ...]]:
    """The photos by answer, the order of the list within each; at the end those without one, those that fail last."""
    found: defaultdict[str | bool, list[Item]] = defaultdict(list)
    for facts in photos:
        found[isinstance(facts.outcome, Failure) if facts.answer is None else facts.answer].append(facts.item)
    answers: list[str | bool] = sorted((key for key in found if isinstance(key, str)), key=_label_key)
    keys = answers + [key for key in (False, True) if key in found]
    groups = tuple(Group(key if isinstance(key, str) else titles[key], len(found[key])) for key in keys)
    return [item for key in keys for item in found[key]], groups
