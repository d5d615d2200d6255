"""The list of classes: key, colour, name, how many photos. Photos are dropped on it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from resnet_desktop.gui.gallery.gallery_model import AnyIndex
from resnet_desktop.gui.gallery.photo_classes import MIME, PhotoClass
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import plain_tip

KEYS = 9
ROW = 30
LEAST_ROWS = 4
"""That many are seen before the list scrolls."""
_CLASS_ROLE = int(Qt.ItemDataRole.UserRole)
_COUNT_ROLE = _CLASS_ROLE + 1
_NO_INDEX = QModelIndex()


class ClassModel(QAbstractListModel):
    """Signals: ``dropped`` (PhotoClass, numbers of photos); ``renamed`` (PhotoClass, the wanted name)."""

    dropped = Signal(object, object)
    renamed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._classes: list[PhotoClass] = []
        self._counts: list[int] = []

    def show_classes(self, classes: Sequence[PhotoClass], counts: Sequence[int]) -> None:
        """Show these; the selection stays where the classes are the same."""
        if list(classes) == self._classes:
            self._counts = list(counts)
            if self._classes:
                self.dataChanged.emit(self.index(0), self.index(len(self._classes) - 1))
            return
        self.beginResetModel()
        self._classes, self._counts = list(classes), list(counts)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _NO_INDEX) -> int:
        """How many classes."""
        return 0 if parent.isValid() else len(self._classes)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The class and its count for the delegate; words for tooltips and screen readers."""
        if not index.isValid() or index.row() >= len(self._classes):
            return None
        one, count = self._classes[index.row()], self._counts[index.row()]
        if role == _CLASS_ROLE:
            return one
        if role == _COUNT_ROLE:
            return count
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return one.name
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            text = self.tr("{name}: {count} photos").format(name=one.name, count=wording.number(count))
            if index.row() < KEYS:
                text = self.tr("{text}. Key {key}").format(text=text, key=index.row() + 1)
            return plain_tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        return None

    def setData(self, index: AnyIndex, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A new name was typed."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        self.renamed.emit(self._classes[index.row()], str(value))
        return True

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Rows are chosen, edited and dropped upon."""
        usual = super().flags(index)
        return usual | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDropEnabled if index.isValid() else usual

    def mimeTypes(self) -> list[str]:
        """Photos of the list."""
        return [MIME]

    def supportedDropActions(self) -> Qt.DropAction:
        """They stay in the list."""
        return Qt.DropAction.CopyAction

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: AnyIndex) -> bool:  # noqa: ARG002 - Qt gives it
        """Photos were dropped on a class."""
        if not parent.isValid() or not data.hasFormat(MIME):
            return False
        numbers = [int(word) for word in bytes(data.data(MIME).data()).split()]
        self.dropped.emit(self._classes[parent.row()], numbers)
        return True


class ClassList(QListView):
    """Signal: ``chosen`` (PhotoClass): clicked, or Enter."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.classes = ClassModel(self)
        self.setModel(self.classes)
        self.setItemDelegate(ClassDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DropOnly)
        self.setDragDropOverwriteMode(True)
        self.setDropIndicatorShown(False)  # the row itself lights up
        self.target = QPersistentModelIndex()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Classes"))
        self.clicked.connect(self._on_clicked)
        self.classes.modelReset.connect(self._fit)
        self._fit()

    @property
    def current(self) -> PhotoClass | None:
        """The class that has the keyboard's attention."""
        one = self.currentIndex().data(_CLASS_ROLE)
        return one if isinstance(one, PhotoClass) else None

    def sizeHint(self) -> QSize:
        """Room for all rows, up to a dozen."""
        return QSize(200, ROW * min(max(1, self.classes.rowCount()), 12) + 2)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Light up the class below the photos."""
        index = self.indexAt(event.position().toPoint())
        self._aim_at(index)
        # Not Qt's own: without its indicator, a frame across the row, it lets nothing be dropped on rows.
        event.setAccepted(index.isValid() and event.mimeData().hasFormat(MIME))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They went elsewhere."""
        super().dragLeaveEvent(event)
        self._aim_at(_NO_INDEX)

    def dropEvent(self, event: QDropEvent) -> None:
        """They are there."""
        index = self.indexAt(event.position().toPoint())
        event.setDropAction(Qt.DropAction.CopyAction)
        event.setAccepted(self.classes.dropMimeData(event.mimeData(), event.dropAction(), -1, -1, index))
        self._aim_at(_NO_INDEX)

    def _aim_at(self, index: QModelIndex) -> None:
        self.target = QPersistentModelIndex(index)
        self.viewport().update()

    def _fit(self) -> None:
        rows = self.classes.rowCount()
        self.setVisible(rows > 0)
        self.setMinimumHeight(ROW * min(rows, LEAST_ROWS) + 2)
        self.updateGeometry()

    def _on_clicked(self, index: QModelIndex) -> None:
        one = index.data(_CLASS_ROLE)
        if isinstance(one, PhotoClass):
            self.chosen.emit(one)


class ClassDelegate(QStyledItemDelegate):
    """Paints a class."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        """The same for all rows."""
        return QSize(120, ROW)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> None:  # noqa: ARG002 - Qt gives it
        """The name's place."""
        editor.setGeometry(option.rect.adjusted(40, 1, -4, -1))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """One row: key, dot, name, count."""
        one: PhotoClass = index.data(_CLASS_ROLE)
        colours, row = theme.current(), QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state, view = option.state, self.parent()
        if isinstance(view, ClassList) and view.target.isValid() and view.target == index:
            painter.setPen(QColor(colours.accent))
            painter.setBrush(QColor(colours.tint))
            painter.drawRoundedRect(row.adjusted(theme.XS + 0.5, 1.5, -theme.XS - 0.5, -1.5), 6, 6)
        elif state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(row.adjusted(theme.XS, 1, -theme.XS, -1), 6, 6)
        centre = row.center().y()
        if index.row() < KEYS:
            self._paint_key(painter, QRectF(row.left() + theme.M - 2, centre - 8, 16, 16), index.row() + 1, colours)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(one.colour))
        painter.drawEllipse(QRectF(row.left() + 34, centre - 5, 10, 10))
        count = wording.number(index.data(_COUNT_ROLE))
        small = theme.font(0.9)
        width = QFontMetrics(small).horizontalAdvance(count)
        painter.setFont(small)
        painter.setPen(QColor(colours.secondary))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(row.adjusted(0, 0, -theme.M, 0), int(right), count)
        painter.setFont(theme.font())
        painter.setPen(QColor(colours.text))
        words = row.adjusted(52, 0, -theme.M - width - theme.S, 0)
        shown = painter.fontMetrics().elidedText(one.name, Qt.TextElideMode.ElideRight, int(words.width()))
        painter.drawText(words, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
        painter.restore()

    def _paint_key(self, painter: QPainter, place: QRectF, key: int, colours: theme.Theme) -> None:
        painter.setPen(QColor(colours.border))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setPen(QColor(colours.secondary))
        painter.setFont(theme.font(0.8))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), str(key))
