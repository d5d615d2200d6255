"""A sheet of small pictures of photos of the list, made when they are first seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QListView, QWidget

from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import plain_tip

SIDE = 96
_NO_INDEX = QModelIndex()


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo and what stands below it; ``out``: it is left out, and drawn faintly."""

    item: Item
    caption: str
    out: bool = False


class SheetModel(QAbstractListModel):
    """The photos of a sheet, in their order."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._shown: tuple[Shown, ...] = ()
        self._rows: dict[int, int] = {}
        thumbnails.thumbnail_ready.connect(self._on_ready)

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The photos."""
        return self._shown

    def show_photos(self, shown: Sequence[Shown]) -> None:
        """Show these and no others."""
        same = [one.item for one in shown] == [one.item for one in self._shown]
        if same and shown:
            self._shown = tuple(shown)
            self.dataChanged.emit(self.index(0), self.index(len(shown) - 1))
            return
        self.beginResetModel()
        self._shown = tuple(shown)
        self._rows = {one.item.number: row for row, one in enumerate(shown)}
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NO_INDEX) -> int:
        """How many photos."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Picture and caption; the name as a tip."""
        if not index.isValid():
            return None
        shown = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return shown.caption
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            text = f"{shown.item.name}\n{shown.caption}"
            return plain_tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        if role == Qt.ItemDataRole.DecorationRole:
            return _square(self._thumbnails.get(shown.item.number, shown.item.source), 0.25 if shown.out else 1.0)
        return None

    def _on_ready(self, number: int) -> None:
        row = self._rows.get(number)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))


class PhotoSheet(QListView):
    """The view of it. Signals: ``pressed_photo`` (Item): clicked; ``opened`` (Item): Enter, or clicked twice."""

    pressed_photo = Signal(object)
    opened = Signal(object)

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sheet = SheetModel(thumbnails, self)
        self.setModel(self.sheet)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setSpacing(theme.XS)
        self.setGridSize(QSize(SIDE + 2 * theme.M, SIDE + QFontMetrics(theme.font()).height() + 2 * theme.M))
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName(self.tr("Photos"))
        thumbnails.caught_up.connect(self.viewport().update)
        self.clicked.connect(lambda index: self.pressed_photo.emit(self.sheet.shown[index.row()].item))
        self.activated.connect(lambda index: self.opened.emit(self.sheet.shown[index.row()].item))

    @property
    def selected(self) -> list[Item]:
        """The photos that are selected, in their order."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [self.sheet.shown[row].item for row in rows]


def _square(pixmap: QPixmap | None, opacity: float) -> QPixmap:
    """The middle of a picture as a square of ``SIDE``."""
    square = QPixmap(SIDE, SIDE)
    square.fill(Qt.GlobalColor.transparent)
    if pixmap is None:
        return square
    side = min(pixmap.width(), pixmap.height())
    middle = QRect((pixmap.width() - side) // 2, (pixmap.height() - side) // 2, side, side)
    painter = QPainter(square)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setOpacity(opacity)
    painter.drawPixmap(square.rect(), pixmap, middle)
    painter.end()
    return square
