"""Photos as a list or as a grid, with the headers of their groups: where each lies, how it is painted and reached."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    Qt,
)
from PySide6.QtGui import QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

from resnet_desktop.gui.gallery.gallery_delegate import GalleryDelegate
from resnet_desktop.gui.gallery.gallery_layout import GalleryLayout
from resnet_desktop.gui.gallery.gallery_model import ITEM_ROLE, AnyIndex
from resnet_desktop.gui.gallery.grid_delegate import GridDelegate, paint_header, paint_nothing
from resnet_desktop.gui.gallery.shown_photos import ShownPhotos
from resnet_desktop.gui.style import theme

Hint = QAbstractItemView.ScrollHint
SMALLEST, LARGEST, STEP = 64, 256, 16
"""Sides of thumbnails in the grid, in pixels."""
HEADER = 30
_NO_INDEX = QModelIndex()


class GalleryCanvas(QAbstractItemView):
    """Paints the photos of ``shown``, its model; its rows are those of the model."""

    def __init__(self, shown: ShownPhotos, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown = shown
        self._layout: GalleryLayout | None = None
        self._grid, self._side, self._hovered = False, 128, -1
        thumbnails = shown.source.thumbnails
        self._row, self._tile = GalleryDelegate(thumbnails, ITEM_ROLE, self), GridDelegate(thumbnails, self)
        self.setModel(shown)
        self.setItemDelegate(self._row)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QAbstractItemView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.entered.connect(lambda index: self._hover(index.row()))
        for changed in (shown.rowsInserted, shown.rowsRemoved, shown.layoutChanged, shown.modelReset):
            changed.connect(self._lay_out_later)
        thumbnails.caught_up.connect(self.viewport().update)

    @property
    def grid(self) -> bool:
        """Whether it is a grid."""
        return self._grid

    @property
    def side(self) -> int:
        """Of the grid's thumbnails, in pixels."""
        return self._side

    def set_grid(self, grid: bool) -> None:
        """A grid, or a list."""
        self._grid = grid
        self.setItemDelegate(self._tile if grid else self._row)
        self._arrange_anew()

    def set_side(self, side: int) -> None:
        """How large the grid's thumbnails are, in pixels."""
        self._side = min(max(side, SMALLEST), LARGEST)
        self._tile.side = self._side
        self._arrange_anew()

    def visualRect(self, index: AnyIndex) -> QRect:
        """Where a photo is seen."""
        if not index.isValid() or index.row() >= self._laid.rows:
            return QRect()
        return self._laid.rect(index.row()).translated(0, -self.verticalOffset())

    def scrollTo(self, index: AnyIndex, hint: Hint = Hint.EnsureVisible) -> None:
        """Bring a photo into view."""
        self.updateGeometries()
        rect, room = self.visualRect(index), self.viewport().height()
        if rect.isNull():
            return
        bar = self.verticalScrollBar()
        if hint == Hint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - room // 2)
        elif hint == Hint.PositionAtTop or rect.top() < 0:
            bar.setValue(bar.value() + rect.top() - (self._laid.header if hint == Hint.EnsureVisible else 0))
        elif hint == Hint.PositionAtBottom or rect.bottom() > room:
            bar.setValue(bar.value() + min(rect.bottom() - room + 1, rect.top()))

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The photo at a place."""
        row = self._laid.row_at(point.x(), point.y() + self.verticalOffset())
        return _NO_INDEX if row is None else self.shown.index(row)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:  # noqa: ARG002 - Qt gives it
        """The photo that a key leads to."""
        row, last = self.currentIndex().row(), self.shown.rowCount() - 1
        if last < 0:
            return _NO_INDEX
        if row < 0:
            return self.shown.index(0)
        move, laid = QAbstractItemView.CursorAction, self._laid
        if action in (move.MovePageUp, move.MovePageDown):
            return self.shown.index(laid.page_from(row, self.viewport().height(), down=action == move.MovePageDown))
        to = {
            move.MoveHome: 0,
            move.MoveEnd: last,
            move.MoveUp: laid.above(row),
            move.MoveDown: laid.below(row),
            move.MoveLeft: row - 1 if self._grid else row,
            move.MoveRight: row + 1 if self._grid else row,
            move.MovePrevious: row - 1,
            move.MoveNext: row + 1,
        }[action]
        return self.shown.index(min(max(to, 0), last))

    def horizontalOffset(self) -> int:
        """It never scrolls sideways."""
        return 0

    def verticalOffset(self) -> int:
        """How far it is scrolled, in pixels."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: AnyIndex) -> bool:  # noqa: ARG002 - Qt gives it
        """What is hidden is no row."""
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """From the photo at one corner to that at the other; while a frame is drawn, what it touches."""
        top, bottom = sorted((rect.top(), rect.bottom()))
        left, right = sorted((rect.left(), rect.right()))
        offset, laid = self.verticalOffset(), self._laid
        if self._grid and self.state() == QAbstractItemView.State.DragSelectingState:
            frame = QRect(QPoint(left, top + offset), QPoint(right, bottom + offset))
            near = laid.rows_between(frame.top(), frame.bottom())
            rows = [row for row in near if laid.rect(row).intersects(frame)]
        else:
            ends = (laid.row_at(x, y + offset) for x, y in ((rect.left(), rect.top()), (rect.right(), rect.bottom())))
            found = [row for row in ends if row is not None]
            rows = list(range(min(found), max(found) + 1)) if found else []
        self.selectionModel().select(ranges(self.shown, rows), command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """What is to be drawn again when these change."""
        region = QRegion()
        top = self.verticalOffset()
        for row in self._laid.rows_between(top, top + self.viewport().height()):
            if selection.contains(self.shown.index(row)):
                region += self.visualRect(self.shown.index(row))
        return region

    def updateGeometries(self) -> None:
        """The scroll bar follows the photos."""
        bar, room = self.verticalScrollBar(), self.viewport().height()
        bar.setRange(0, max(0, self._laid.height - room))
        bar.setPageStep(room)
        bar.setSingleStep(max(16, self._cell_height() // 2))
        super().updateGeometries()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The photos and headers that are seen."""
        painter = QPainter(self.viewport())
        offset, area = self.verticalOffset(), event.rect()
        top, bottom = area.top() + offset, area.bottom() + offset
        for row in self._laid.rows_between(top, bottom):
            index = self.shown.index(row)
            self.itemDelegate().paint(painter, self._option(index), index)
        for place, rect in self._laid.headers_between(top, bottom):
            paint_header(painter, rect.translated(0, -offset), self.shown.groups[place])
        if not self.shown.rowCount() and self.shown.hidden:
            paint_nothing(painter, self.viewport().rect(), self.tr("No photo matches."))
        painter.end()

    def viewportEvent(self, event: QEvent) -> bool:
        """The pointer has left."""
        if event.type() == QEvent.Type.Leave:
            self._hover(-1)
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width has another number of columns; what is looked at stays in view."""
        self._layout = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Row heights follow the font."""
        if event.type() == QEvent.Type.FontChange:
            self._lay_out_later()
        super().changeEvent(event)

    @property
    def _laid(self) -> GalleryLayout:
        if self._layout is None:
            width, groups = max(1, self.viewport().width()), self.shown.groups
            columns = max(1, width // (self._side + theme.S)) if self._grid else 1
            counts = [group.count for group in groups] or [self.shown.rowCount()]
            cell, header = (width / columns, self._cell_height()), HEADER if groups else 0
            self._layout = GalleryLayout(counts, columns, cell, header)
        return self._layout

    def _cell_height(self) -> int:
        return self.itemDelegate().sizeHint(QStyleOptionViewItem(), _NO_INDEX).height()

    def _option(self, index: QModelIndex) -> QStyleOptionViewItem:
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        option.rect = self.visualRect(index)
        flags = QStyle.StateFlag
        if self.selectionModel().isSelected(index):
            option.state |= flags.State_Selected
        option.state &= ~(flags.State_HasFocus | flags.State_MouseOver)
        if index == self.currentIndex() and self.hasFocus():
            option.state |= flags.State_HasFocus
        if index.row() == self._hovered:
            option.state |= flags.State_MouseOver
        return option

    def _arrange_anew(self) -> None:
        """The photo that is looked at stays in view."""
        self._layout = None
        self.updateGeometries()
        self.scrollTo(self.currentIndex(), Hint.PositionAtCenter)
        self.viewport().update()

    def _lay_out_later(self) -> None:
        self._layout = None
        self.scheduleDelayedItemsLayout()

    def _hover(self, row: int) -> None:
        before, self._hovered = self._hovered, row
        for one in (before, row):
            if 0 <= one < self.shown.rowCount():
                self.update(self.shown.index(one))


def ranges(shown: ShownPhotos, rows: Sequence[int]) -> QItemSelection:
    """Rows in their order as a selection: one range for each run of them."""
    selection, start = QItemSelection(), 0
    index_of = shown.createIndex  # ``index`` asks for the size of the list each time
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place] != rows[place - 1] + 1:
            selection.select(index_of(rows[start], 0), index_of(rows[place - 1], 0))
            start = place
    return selection
