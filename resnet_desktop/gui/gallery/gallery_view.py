"""The photos that are seen: which are selected, which one is looked at, what the mouse and the menu key ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from resnet_desktop.gui.gallery.gallery_canvas import STEP, GalleryCanvas, ranges
from resnet_desktop.gui.gallery.gallery_model import ITEM_ROLE, GalleryModel, Item
from resnet_desktop.gui.gallery.photo_filter import PhotoFilter
from resnet_desktop.gui.gallery.shown_photos import ShownPhotos
from resnet_desktop.gui.style import theme


class GalleryView(GalleryCanvas):
    """The list on the left of the window.

    What a filter hides is neither selected nor looked at.

    Signals: ``current_changed`` (Item, or None when there is none); ``menu_asked`` (where, on the screen);
    ``side_asked`` (pixels): thumbnails of another size are wanted.
    """

    current_changed = Signal(object)
    menu_asked = Signal(QPoint)
    side_asked = Signal(int)

    def __init__(self, model: GalleryModel, parent: QWidget | None = None) -> None:
        super().__init__(ShownPhotos(model), parent)
        self.shown.setParent(self)
        self._before: tuple[list[int], int | None, Sequence[Item]] = ([], None, ())
        self._last: int | None = None  # the photo that was looked at last
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragEnabled(True)  # onto classes, and out to other programs
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName(self.tr("Photos"))
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.shown.modelAboutToBeReset.connect(self._keep_selection)
        self.shown.modelReset.connect(self._restore_selection)

    @property
    def current(self) -> Item | None:
        """The photo that is looked at."""
        item = self.currentIndex().data(ITEM_ROLE)
        return item if isinstance(item, Item) else None

    def selected_items(self) -> list[Item]:
        """The photos that are selected, in the order of the list; all of them are seen."""
        items = self.shown.items
        return [items[row] for row in self._selected_in_view()]

    def selected_rows(self) -> list[int]:
        """The rows of the whole list that are selected."""
        rows = (self.shown.source.row_of_number(number) for number in self.selected_numbers())
        return [row for row in rows if row is not None]

    def selected_numbers(self) -> list[int]:
        """The photos that are selected, in the order of the list."""
        return [item.number for item in self.selected_items()]

    def select_numbers(self, numbers: Iterable[int]) -> None:
        """Select these photos and no others, as far as they are seen."""
        selection = ranges(self.shown, self.shown.rows_of(numbers))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def select_row(self, row: int) -> None:
        """Look at a row of the view; past the end, at the last one."""
        row = min(row, self.shown.rowCount() - 1)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(self.shown.index(row), flags)

    def reveal(self, number: int) -> None:
        """Look at this photo alone; a filter that hides it is lifted."""
        if self.shown.row_of_number(number) is None:
            self.shown.set_filter(PhotoFilter())
        row = self.shown.row_of_number(number)
        if row is not None:
            self.select_row(row)
            self.scrollTo(self.currentIndex())

    def show_labels(self, shown: bool) -> None:
        """Show what the user says they are."""
        self._row.labels_shown = self._tile.labels_shown = shown
        self.viewport().update()

    def startDrag(self, actions: Qt.DropAction) -> None:
        """A small picture goes along, so that what lies below it is seen."""
        indexes = [self.shown.index(row) for row in self._selected_in_view()]
        if indexes:
            drag = QDrag(self)
            drag.setMimeData(self.shown.mimeData(indexes))
            drag.setPixmap(self._row.carried(self.currentIndex().data(ITEM_ROLE), len(indexes)))
            drag.setHotSpot(QPoint(-theme.S, -theme.S))
            drag.exec(actions)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """With Ctrl the grid's thumbnails grow and shrink."""
        turned = event.angleDelta().y()
        if self._grid and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.side_asked.emit(self._side + (STEP if turned > 0 else -STEP if turned < 0 else 0))
            event.accept()
        else:
            super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Under the pointer; from the keyboard, at the photo that is looked at."""
        where = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            where = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
        elif not self.indexAt(self.viewport().mapFromGlobal(where)).isValid():
            return
        self.menu_asked.emit(where)

    def _selected_in_view(self) -> list[int]:
        chosen = self.selectionModel().selection()  # not its indexes: there may be ten thousand of them
        ranges = [chosen.at(place) for place in range(chosen.count())]
        return sorted({row for part in ranges for row in range(part.top(), part.bottom() + 1)})

    def _keep_selection(self) -> None:
        current = self.current
        self._before = (self.selected_numbers(), None if current is None else current.number, self.shown.items)

    def _restore_selection(self) -> None:
        """What is still seen stays selected and looked at; in place of the latter, what is next to it."""
        selected, current, items = self._before
        row_of = self.shown.row_of_number
        if current is None:
            current = self._last
        else:
            self._last = current
        row = None if current is None else row_of(current)
        rows = [] if row is not None else [item.number for item in items]
        if current in rows:
            place = rows.index(current)
            near = (row_of(number) for number in (*rows[place:], *reversed(rows[:place])))
            row = next((found for found in near if found is not None), None)
        if row is None:
            row = 0 if self.shown.rowCount() else -1
        blocked = self.selectionModel().blockSignals(True)
        self.select_numbers(selected)
        if not self.selectionModel().hasSelection():
            self.select_row(row)
        elif row >= 0:
            flags = QItemSelectionModel.SelectionFlag.NoUpdate
            self.selectionModel().setCurrentIndex(self.shown.index(row), flags)
        self.selectionModel().blockSignals(blocked)
        self.scrollTo(self.currentIndex())
        now = self.current
        if (None if now is None else now.number) != self._before[1]:
            self.current_changed.emit(now)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        item = current.data(ITEM_ROLE)
        self.current_changed.emit(item if isinstance(item, Item) else None)
