"""The classes and how many photos each has, as bars."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import plain_tip

COUNT_ROLE = int(Qt.ItemDataRole.UserRole)
FEW = 10
"""A class with fewer photos is marked: nothing can be learnt well from it."""


class ClassTable(QListView):
    """One row a class, in the order given."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_CountDelegate(self))
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setAccessibleName(self.tr("Classes and number of photos"))

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show the classes."""
        self._model.clear()
        for label, count in counts.items():
            item = QStandardItem(label)
            item.setData(count, COUNT_ROLE)
            item.setToolTip(plain_tip(label))
            item.setData(f"{label}: {wording.number(count)}", int(Qt.ItemDataRole.AccessibleTextRole))
            self._model.appendRow(item)

    @property
    def labels(self) -> list[str]:
        """The classes that are shown."""
        return [self._model.item(row).text() for row in range(self._model.rowCount())]

    @property
    def largest(self) -> int:
        """The largest number of photos of a class."""
        counts = (self._model.item(row).data(COUNT_ROLE) for row in range(self._model.rowCount()))
        return max((int(count) for count in counts), default=0)


class _CountDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        return QSize(200, option.fontMetrics.height() + 2 * theme.S)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = theme.current()
        view = self.parent()
        assert isinstance(view, ClassTable)
        area = QRectF(option.rect).adjusted(theme.M, 0, -theme.M, 0)
        count, most = int(index.data(COUNT_ROLE)), max(1, view.largest)
        few = count < FEW
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(colours.text))
        metrics = painter.fontMetrics()
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        name = QRectF(area.left(), area.top(), area.width() * 0.45, area.height())
        elided = metrics.elidedText(index.data(), Qt.TextElideMode.ElideRight, int(name.width()) - theme.S)
        painter.drawText(name, middle, elided)
        room = area.width() * 0.55 - metrics.horizontalAdvance("00,000") - theme.S
        bar = QRectF(name.right(), area.center().y() - 3, max(2.0, room * count / most), 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.error if few else colours.bar))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(QColor(colours.error if few else colours.secondary))
        painter.drawText(area, middle | int(Qt.AlignmentFlag.AlignRight), wording.number(count))
        painter.restore()
