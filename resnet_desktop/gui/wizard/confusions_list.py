"""Which class is taken for which, as a list: for as many classes as there may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from resnet_desktop.gui import theme, wording

if TYPE_CHECKING:
    from resnet_desktop.finetune.results import Confusion

_Index = QModelIndex | QPersistentModelIndex
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class PlainTable(QTableView):
    """A table to be looked at, row by row. Signal: ``row_chosen`` (row of the model, as it is sorted)."""

    row_chosen = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + theme.M)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setAccessibleName(name)

    def show_model(self, model: QAbstractTableModel, stretched: Sequence[int]) -> None:
        """Show a model; the columns ``stretched`` share the room that the others, which hold numbers, leave."""
        self.setModel(model)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(36)
        header.setHighlightSections(False)
        widest = self.fontMetrics().horizontalAdvance("00,000")
        for column in range(model.columnCount()):
            if column in stretched:
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            else:
                # Measuring every row of some thousand would take its time.
                title = self.fontMetrics().horizontalAdvance(
                    str(model.headerData(column, Qt.Orientation.Horizontal, _DISPLAY))
                )
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
                header.resizeSection(column, max(title + 2 * theme.L, widest + theme.S))
        self.selectionModel().currentRowChanged.connect(self._on_row)

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.row_chosen.emit(current.row())


class ConfusionsModel(QAbstractTableModel):
    """What it is, what the model says, how often."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Confusion, ...] = ()
        self._titles = (self.tr("Is"), self.tr("Taken for"), self.tr("Photos"))

    @property
    def rows(self) -> tuple[Confusion, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[Confusion]) -> None:
        """Show these."""
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """As many as there are pairs."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        """Three."""
        return 0 if parent is not None and parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> object:
        """The titles."""
        return self._titles[section] if orientation == Qt.Orientation.Horizontal and role == _DISPLAY else None

    def data(self, index: _Index, role: int = _DISPLAY) -> object:
        """The words."""
        row = self._rows[index.row()]
        cells = (row.label, row.predicted, wording.number(row.count))
        if role in (_DISPLAY, int(Qt.ItemDataRole.ToolTipRole)):
            return cells[index.column()]
        if role == int(Qt.ItemDataRole.TextAlignmentRole) and index.column() == 2:
            return _RIGHT
        return None
